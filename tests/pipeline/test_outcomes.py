"""Jobs in, outcomes out: one for each, whatever the recording."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from faster_whisper import WhisperModel

from tests.conftest import SENTENCES, lecture
from transcribe_cli import Outcome, transcribe
from transcribe_cli.audio import Decoder
from transcribe_cli.errors import ModelUnavailable, RecordingChanged
from transcribe_cli.events import Event, ModelLoaded, RecordingPrepared, RecordingProgress, RecordingStarted
from transcribe_cli.pipeline.loading import engine_loaders
from transcribe_cli.pipeline.run import Pipeline
from transcribe_cli.plan import Job, plan
from transcribe_cli.recognition.device_threads import EngineLoader
from transcribe_cli.recognition.engines import Engine
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.sources.fetch import Fetcher
from transcribe_cli.spec import JobSpec

Say = Callable[..., Path]
DEMO = JobSpec(model="demo")
SETTINGS = Settings(device="cpu", threads=2)


def load() -> Sequence[EngineLoader]:
    """Loaders of the demo model."""
    return engine_loaders(DEMO, SETTINGS)


def jobs(folder: Path, spec: JobSpec = DEMO) -> list[Job]:
    """The jobs of a folder."""
    return plan(find_recordings([str(folder)]), spec, SETTINGS)


def text(outcome: Outcome) -> str:
    """The text of the transcript."""
    assert outcome.transcript is not None, outcome.error
    return outcome.transcript.text


def test_each_job_has_one_outcome(tmp_path: Path, say: Say, decoder: Decoder) -> None:
    """Speech, silence, a text file named mp3, an empty file; no scratch file is left."""
    folder = tmp_path / "aulas"
    say(folder / "a.wav")
    say(folder / "b.wav", "Good morning, everyone. Any questions?", "en-us+f2")
    (folder / "bad.mp3").write_text("hello")
    (folder / "empty.mp3").write_bytes(b"")
    silent = say(folder / "silent.wav", " ")
    outcomes = {outcome.job.recording.name: outcome for outcome in Pipeline(load, [decoder]).run(jobs(folder))}
    assert set(outcomes) == {"a.wav", "b.wav", "bad.mp3", "empty.mp3", silent.name}
    assert "aula" in text(outcomes["a.wav"])
    assert outcomes["b.wav"].transcript is not None
    assert outcomes["b.wav"].transcript.language == "en"
    assert outcomes["bad.mp3"].error is not None
    assert outcomes["empty.mp3"].error is not None
    assert list(decoder.scratch.iterdir()) == []


def test_the_transcript_of_silence_is_empty_and_flagged(tmp_path: Path, say: Say, decoder: Decoder) -> None:
    """No text is invented, and it is not a failure."""
    say(tmp_path / "in" / "silent.wav", " ")
    [outcome] = Pipeline(load, [decoder]).run(jobs(tmp_path / "in"))
    assert outcome.transcript is not None
    assert outcome.transcript.segments == ()
    assert outcome.transcript.flags == ("no_speech",)
    assert outcome.transcript.language == "und"


def test_a_recording_has_the_same_text_alone_and_among_others(tmp_path: Path, say: Say, decoder: Decoder) -> None:
    """Sharing batches changes nothing."""
    folder = tmp_path / "aulas"
    say(folder / "a.wav")
    [alone] = Pipeline(load, [decoder]).run(jobs(folder))
    for number in range(6):
        say(folder / f"b{number}.wav", "Vamos fazer um intervalo de dez minutos.", f"pt-br+m{number + 1}")
    among = {outcome.job.recording.name: outcome for outcome in Pipeline(load, [decoder]).run(jobs(folder))}
    assert text(among["a.wav"]) == text(alone)


def test_events_are_emitted_in_order(tmp_path: Path, say: Say, decoder: Decoder) -> None:
    """Started, prepared, model loaded when it is needed, progress up to the end."""
    events: list[Event] = []
    say(tmp_path / "in" / "a.wav")
    list(Pipeline(load, [decoder], events.append).run(jobs(tmp_path / "in")))
    kinds = [type(event) for event in events]
    assert kinds == [RecordingStarted, RecordingPrepared, ModelLoaded, RecordingProgress]
    assert isinstance(events[-1], RecordingProgress)
    assert events[-1].seconds == pytest.approx(events[-1].duration)


def test_closing_stops_the_work_and_cleans_up(tmp_path: Path, say: Say, decoder: Decoder) -> None:
    """No thread and no scratch file is left."""
    for number in range(8):
        say(tmp_path / "in" / f"{number}.wav")
    outcomes = Pipeline(load, [decoder]).run(jobs(tmp_path / "in"))
    next(outcomes)
    outcomes.close()
    assert [thread.name for thread in threading.enumerate() if thread.name in {"prepare", "recognize"}] == []
    assert list(decoder.scratch.iterdir()) == []


def test_stopping_cleans_up_recordings_whose_start_was_not_processed(tmp_path: Path, say: Say, decoder: Decoder) -> None:
    """For example, when a run is stopped while its model is loaded."""
    for number in range(3):
        say(tmp_path / "in" / f"{number}.wav")
    prepared = threading.Barrier(2)
    count = iter(range(3))

    def on_event(event: Event) -> None:
        if isinstance(event, RecordingPrepared) and next(count) == 2:
            prepared.wait()

    def should_stop() -> bool:
        prepared.wait()
        return True

    pipeline = Pipeline(load, [decoder], on_event)
    assert list(pipeline.run(jobs(tmp_path / "in"), should_stop=should_stop)) == []
    assert list(decoder.scratch.iterdir()) == []


def test_a_model_that_does_not_load_ends_the_run(tmp_path: Path, say: Say, decoder: Decoder) -> None:
    """It is not a failure of a recording."""

    def broken() -> Engine:
        raise ModelUnavailable("no model")

    say(tmp_path / "in" / "a.wav")
    with pytest.raises(ModelUnavailable):
        list(Pipeline(lambda: [broken], [decoder]).run(jobs(tmp_path / "in")))
    assert list(decoder.scratch.iterdir()) == []


def test_a_run_of_broken_files_loads_no_model(tmp_path: Path, decoder: Decoder) -> None:
    """The next run of a folder with one bad file is fast."""

    def fail_to_load() -> Sequence[EngineLoader]:
        raise AssertionError("nothing to recognize")

    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bad.mp3").write_text("hello")
    [outcome] = Pipeline(fail_to_load, [decoder]).run(jobs(tmp_path / "in"))
    assert outcome.error is not None


def test_a_change_during_reading_is_detected(tmp_path: Path, say: Say) -> None:
    """The audio may mix two versions."""
    say(tmp_path / "a.wav")
    [recording] = find_recordings([str(tmp_path)])
    with pytest.raises(RecordingChanged), Fetcher().fetch(recording) as (path, _):
        os.utime(path, ns=(0, 0))


def test_each_clip_of_a_multilingual_recording_has_its_own_language(tmp_path: Path, decoder: Decoder) -> None:
    """Both parts are correct, and the transcript has the most spoken language."""
    lecture(tmp_path / "in" / "a.wav", [(SENTENCES, "pt-br+m3"), ("Good morning, everyone. Any questions?", "en-us+f2")])
    [outcome] = Pipeline(load, [decoder]).run(jobs(tmp_path / "in", DEMO.model_copy(update={"multilingual": True})))
    assert outcome.transcript is not None
    said = text(outcome)
    assert said.index("aula") < said.index("morning")
    assert {segment.language for segment in outcome.transcript.segments if "morning" in segment.text} == {"en"}
    assert {segment.language for segment in outcome.transcript.segments if "aula" in segment.text} == {None}
    assert outcome.transcript.language == "pt"
    assert 0.5 < outcome.transcript.language_probability < 1.0


def test_a_recording_of_one_clip_is_encoded_once(
    tmp_path: Path, say: Say, decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if its language is detected first: encoding is the larger half of the work."""
    encoded: list[int] = []
    encode = WhisperModel.encode
    monkeypatch.setattr(WhisperModel, "encode", lambda self, features: encoded.append(len(features)) or encode(self, features))
    say(tmp_path / "in" / "a.wav")
    [outcome] = Pipeline(load, [decoder]).run(jobs(tmp_path / "in"))
    assert "aula" in text(outcome)
    assert encoded == [1]


def test_a_manifest_sets_the_language_of_one_recording(tmp_path: Path, say: Say) -> None:
    """Even one that the model would not detect."""
    say(tmp_path / "a.wav")
    (tmp_path / "list.jsonl").write_text('{"uri": "a.wav", "language": "es"}\n')
    [outcome] = transcribe(tmp_path / "list.jsonl", DEMO, SETTINGS)
    assert outcome.transcript is not None
    assert outcome.transcript.language == "es"
    assert outcome.transcript.language_probability == 1.0


def test_very_short_recordings_succeed(tmp_path: Path, decoder: Decoder) -> None:
    """One sample, and a tenth of a second."""
    import wave

    for name, samples in (("one.wav", 1), ("tenth.wav", 1600)):
        with wave.open(str(tmp_path / name), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16000)
            file.writeframes(np.zeros(samples, np.int16).tobytes())
    for spec in (DEMO, DEMO.model_copy(update={"vad_filter": False})):
        assert [outcome.error for outcome in Pipeline(load, [decoder]).run(jobs(tmp_path, spec))] == [None, None]
