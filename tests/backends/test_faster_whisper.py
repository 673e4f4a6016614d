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
from transcribe_cli.backends.runpod.faster_whisper import FasterWhisperDialect
from transcribe_cli.backends.runpod.job_status import JobStatus
from transcribe_cli.errors import BackendFailed, RecordingError, TranscribeError, UsageError
from transcribe_cli.plan import Decision, Job
from transcribe_cli.sinks import Output
from transcribe_cli.sources import Recording
from transcribe_cli.spec import JobSpec

# Path of a clone of https://github.com/runpod-workers/worker-faster_whisper.
CLONE = os.environ.get("TEST_RUNPOD_FASTER_WHISPER", "")
JOB_ID_RECORD = JobIdRecord("a.mp3", "runpod", "ep", "job-1", seconds=6.0)
# As commit bd500dc returns it.
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
    """A job for a recording that is never opened."""
    top = Path("/aulas")
    requested = JobSpec.model_validate({"model": "large-v3-turbo", "language": "pt", **spec})
    return Job(Recording(top / "a.mp3", top), requested, Output(top, "a"), Decision.TRANSCRIBE, "new")


def test_only_known_keys_without_null_values_are_sent() -> None:
    requested = job(beam_size=3, temperature=(0.0, 0.4), log_prob_threshold=None)
    sent = FasterWhisperDialect().request(requested, AudioUpload("https://signed", "", requested.spec), "")
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


def test_words_are_assigned_to_their_segments() -> None:
    transcript = FasterWhisperDialect().outcome(job(), JOB_ID_RECORD, OUTPUT).transcript
    assert transcript is not None
    assert [[word.word for word in segment.words or ()] for segment in transcript.segments] == [
        [" Bom", " dia."],
        [" Vamos", " começar."],
    ]
    assert transcript.text == " Bom dia. Vamos começar."
    assert (transcript.duration, transcript.language, transcript.job.fingerprint) == (6.0, "pt", job().spec.fingerprint)
    assert transcript == type(transcript).loads(transcript.model_dump_json(exclude_none=True))


def test_an_output_without_segments_is_flagged_no_speech() -> None:
    transcript = (
        FasterWhisperDialect().outcome(job(), JOB_ID_RECORD, {**OUTPUT, "segments": [], "word_timestamps": []}).transcript
    )
    assert transcript is not None
    assert transcript.flags == ("no_speech",)
    assert [reason.code for reason in transcript.quality.reasons] == ["no_words"]


def test_the_verdict_is_from_what_the_worker_tells() -> None:
    """Log-probabilities, loops and scripts, without word probabilities."""

    def verdict(**changes: Any) -> tuple[str | None, list[str]]:
        output = {**OUTPUT, "segments": [{**segment, **changes} for segment in OUTPUT["segments"]]}
        transcript = FasterWhisperDialect().outcome(job(), JOB_ID_RECORD, output).transcript
        assert transcript is not None
        return transcript.quality.verdict, [reason.code for reason in transcript.quality.reasons]

    assert verdict() == ("good", [])
    assert verdict(avg_logprob=-1.2) == ("bad", ["confidence"])
    assert verdict(compression_ratio=3.0) == ("bad", ["repetitions"])
    assert verdict(text=" Привет всем друзья.") == ("bad", ["script"])


@pytest.mark.parametrize("output", [None, {}, {"segments": None}, {"segments": [{"start": 1}]}, "text", {"segments": [3]}])
def test_a_damaged_output_is_a_failure_of_the_backend(output: Any) -> None:
    with pytest.raises(BackendFailed):
        FasterWhisperDialect().outcome(job(), JOB_ID_RECORD, output)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"diarize": True}, "does not support diarization"),
        ({"channels": "split"}, "cannot transcribe channels separately"),
        ({"model": "distil-large-v3"}, "does not have the model distil-large-v3"),
    ],
)
def test_unsupported_jobs_are_refused_beforehand(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        list(FasterWhisperDialect().check_jobs([job(**spec)]))


def test_ignored_options_are_reported_beforehand() -> None:
    lines = list(FasterWhisperDialect().check_jobs([job(hotwords="Lamarck", vad_threshold=0.3)]))
    assert "ignores these options: hotwords, vad_threshold." in lines[1]
    assert len(list(FasterWhisperDialect().check_jobs([job()]))) == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("[Errno 2] No such file or directory: 'None'", BackendFailed),
        ("[Errno 1094995529] Invalid data found when processing input", RecordingError),
        (["Unexpected input. diarize is not a valid input option."], UsageError),
        ("CUDA failed with error out of memory", BackendFailed),
    ],
)
def test_errors_are_classified(error: Any, kind: type[TranscribeError]) -> None:
    assert type(FasterWhisperDialect().error(JobStatus.parse({"id": "a", "status": "FAILED", "error": error}))) is kind


@needs_sdk
@pytest.mark.slow
@pytest.mark.skipif(not CLONE, reason="TEST_RUNPOD_FASTER_WHISPER names no clone of RunPod's worker")
def test_runpods_unmodified_worker_produces_our_files(gateway: Gateway, remote: RemoteRunner, tmp_path: Path) -> None:
    """With the demo model, under the name of a model that the worker knows."""
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
    assert "processes one file at a time" in remote.messages
