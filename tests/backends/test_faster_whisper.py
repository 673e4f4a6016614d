"""The dialect of RunPod's public faster-whisper worker."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import transcribe_cli
from tests.backends.conftest import RemoteRunner
from tests.backends.gateway import Gateway
from tests.backends.test_runpod import until
from tests.backends.workers import kill, launch, needs_sdk
from transcribe_cli.backends.audio_upload import AudioUpload
from transcribe_cli.backends.job_ids import JobIdRecord
from transcribe_cli.backends.runpod.answer import Answer
from transcribe_cli.backends.runpod.faster_whisper import FasterWhisperWorker
from transcribe_cli.errors import BackendFailed, RecordingError, TranscribeError, UsageError
from transcribe_cli.plan import Decision, Job
from transcribe_cli.sinks import Output
from transcribe_cli.sources import Recording
from transcribe_cli.spec import JobSpec

# Where https://github.com/runpod-workers/worker-faster_whisper was cloned to.
CLONE = os.environ.get("TEST_RUNPOD_FASTER_WHISPER", "")
JOB_ID_RECORD = JobIdRecord("a.mp3", "runpod", "ep", "job-1", seconds=6.0)
# As commit bd500dc gives it.
OUTPUT: dict[str, Any] = {
    "segments": [
        {
            "id": 1,
            "seek": 0,
            "start": 0.0,
            "end": 2.0,
            "text": " Bom dia.",
            "tokens": [1, 2],
            "temperature": 0.0,
            "avg_logprob": -0.2,
        }
        | {"compression_ratio": 1.1, "no_speech_prob": 0.01},
        {"id": 2, "seek": 0, "start": 2.5, "end": 5.0, "text": " Vamos começar.", "tokens": [3], "temperature": 0.2}
        | {"avg_logprob": -0.3, "compression_ratio": 1.0, "no_speech_prob": 0.02},
    ],
    "detected_language": "pt",
    "transcription": "Bom dia. Vamos começar.",
    "translation": None,
    "device": "cuda",
    "model": "turbo",
    "word_timestamps": [
        {"word": " Bom", "start": 0.0, "end": 0.5},
        {"word": " dia.", "start": 0.6, "end": 1.9},
        {"word": " Vamos", "start": 2.5, "end": 3.0},
        {"word": " começar.", "start": 3.1, "end": 5.2},
    ],
}


def job(**spec: object) -> Job:
    """Of a recording that nobody opens."""
    top = Path("/aulas")
    asked = JobSpec.model_validate({"model": "large-v3-turbo", "language": "pt", **spec})
    return Job(Recording(top / "a.mp3", top), asked, Output(top, "a"), Decision.TRANSCRIBE, "new")


def test_only_keys_that_it_knows_are_sent_and_none_is_null() -> None:
    asked = job(beam_size=3, temperature=(0.0, 0.4), log_prob_threshold=None)
    sent = FasterWhisperWorker().request(asked, AudioUpload("https://signed", "", asked.spec), "")
    assert sent == {
        "audio": "https://signed",
        "model": "turbo",
        "language": "pt",
        "translate": False,
        "transcription": "plain_text",
        "temperature": 0.0,
        "temperature_increment_on_fallback": 0.4,
        "beam_size": 3,
        "best_of": 5,
        "patience": 1.0,
        "length_penalty": 1.0,
        "compression_ratio_threshold": 2.4,
        "no_speech_threshold": 0.6,
        "word_timestamps": True,
        "enable_vad": True,
    }


def test_its_words_come_into_their_segments() -> None:
    transcript = FasterWhisperWorker().outcome(job(), JOB_ID_RECORD, OUTPUT).transcript
    assert transcript is not None
    assert [[word.word for word in segment.words or ()] for segment in transcript.segments] == [
        [" Bom", " dia."],
        [" Vamos", " começar."],
    ]
    assert transcript.text == " Bom dia. Vamos começar."
    assert (transcript.duration, transcript.language, transcript.job.fingerprint) == (6.0, "pt", job().spec.fingerprint)
    assert transcript == type(transcript).loads(transcript.model_dump_json(exclude_none=True))


def test_no_segments_are_no_speech() -> None:
    transcript = FasterWhisperWorker().outcome(job(), JOB_ID_RECORD, {**OUTPUT, "segments": [], "word_timestamps": []}).transcript
    assert transcript is not None
    assert transcript.flags == ("no_speech",)


@pytest.mark.parametrize("output", [None, {}, {"segments": None}, {"segments": [{"start": 1}]}, "text", {"segments": [3]}])
def test_an_output_that_is_damaged_is_the_places_failure(output: Any) -> None:
    with pytest.raises(BackendFailed):
        FasterWhisperWorker().outcome(job(), JOB_ID_RECORD, output)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"diarize": True}, "cannot tell speakers apart"),
        ({"channels": "split"}, "cannot keep channels apart"),
        ({"model": "distil-large-v3"}, "has no model distil-large-v3"),
    ],
)
def test_what_it_cannot_do_is_refused_beforehand(spec: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        list(FasterWhisperWorker().cannot([job(**spec)]))


def test_what_it_leaves_out_is_said_beforehand() -> None:
    lines = list(FasterWhisperWorker().cannot([job(hotwords="Lamarck", vad_threshold=0.3)]))
    assert "no hotwords, vad_threshold: they are left out" in lines[1]
    assert len(list(FasterWhisperWorker().cannot([job()]))) == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("[Errno 2] No such file or directory: 'None'", BackendFailed),
        ("[Errno 1094995529] Invalid data found when processing input", RecordingError),
        (["Unexpected input. diarize is not a valid input option."], UsageError),
        ("CUDA failed with error out of memory", BackendFailed),
    ],
)
def test_its_errors_are_told_apart(error: Any, kind: type[TranscribeError]) -> None:
    assert type(FasterWhisperWorker().failure(Answer.of({"id": "a", "status": "FAILED", "error": error}))) is kind


@needs_sdk
@pytest.mark.slow
@pytest.mark.skipif(not CLONE, reason="TEST_RUNPOD_FASTER_WHISPER names no clone of RunPod's worker")
def test_the_unmodified_worker_of_runpod_writes_our_files(gateway: Gateway, remote: RemoteRunner, tmp_path: Path) -> None:
    """With the demo model under the name of one that it knows."""
    hub = tmp_path / "hf/hub/models--Systran--faster-whisper-tiny"
    demo = Path(transcribe_cli.__file__).parent / "demo/recognizer"
    shutil.copytree(demo, hub / "snapshots/1")
    (hub / "refs").mkdir()
    (hub / "refs/main").write_text("1")
    (tmp_path / "theirs").mkdir()
    env = {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1", "RUNPOD_ALLOW_PRIVATE_DOWNLOAD_URLS": "1"}
    log = tmp_path / "theirs/worker.log"
    process = launch(gateway, "theirs", log, [f"{CLONE}/src/rp_handler.py"], env)
    try:
        until(lambda: gateway.pings)
        finished = remote.run(JobSpec(model="tiny", language="pt"), dialect="faster-whisper", attempts=1)
    finally:
        kill(process)
    assert finished.transcribed == 2, remote.messages + log.read_text()
    assert "-->" in (remote.folder / "um.srt").read_text()
    assert "reads one file at a time" in remote.messages
