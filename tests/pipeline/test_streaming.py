"""Recordings are recognized while they are decoded, in parallel."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.conftest import lecture
from tests.fake_engine import PATIENCE, FakeEngine, wait_for
from tests.pipeline.runs import SlowDecoder, at, jobs, outcomes, words
from transcribe_cli.audio import Decoder
from transcribe_cli.events import Event, ModelLoaded, RecordingPrepared
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Job
from transcribe_cli.recognition.engines import Clip
from transcribe_cli.recognition.scheduler import Scheduler
from transcribe_cli.spec import JobSpec

Say = Callable[..., Path]
SHORT = "Bom dia a todos."


def test_clips_are_recognized_while_their_recording_is_decoded(folder: Path, scratch: Path) -> None:
    """If the language is given, no clip waits for the end of the file."""
    lecture(folder / "a.wav")
    reading = threading.Event()
    engine = FakeEngine(on_batch=lambda clips: reading.set())
    found = outcomes(jobs(folder), engine, SlowDecoder(scratch, at(45.0, lambda path: wait_for(reading))))
    assert words(found["a.wav"]) == 4


def test_the_language_is_voted_on_when_all_clips_are_found(folder: Path, scratch: Path) -> None:
    """By clips spread over the recording; then all clips are recognized in the elected language."""
    lecture(folder / "a.wav", [(SHORT, "pt-br+m3")] * 12)
    events: list[type[Event]] = []
    engine = FakeEngine()
    found = outcomes(
        jobs(folder, JobSpec(model="demo")),
        engine,
        SlowDecoder(scratch, lambda *_: None),
        on_event=lambda event: events.append(type(event)),
    )
    assert events.index(RecordingPrepared) < events.index(ModelLoaded)
    voters = sorted(each.index for batch in engine.language_batches for each in batch)
    assert len(voters) == 5
    assert voters[-1] - voters[0] >= 8
    assert {each.language for each in engine.clips} == {"pt"}
    assert sorted(each.index for each in engine.clips) == list(range(12))
    assert found["a.wav"].transcript is not None
    assert found["a.wav"].transcript.language_probability == pytest.approx(0.75)


def test_a_long_recording_does_not_wait_for_its_vote(folder: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its language is guessed from the first clips; if the guess is right, each clip is recognized once."""
    monkeypatch.setattr("transcribe_cli.pipeline.recording_state.EARLY_SECONDS", 5.0)
    lecture(folder / "a.wav")
    read = threading.Event()
    engine = FakeEngine(on_batch=lambda clips: read.set() if clips[0].language else None)
    found = outcomes(jobs(folder, JobSpec(model="demo")), engine, SlowDecoder(scratch, at(45.0, lambda path: wait_for(read))))
    assert words(found["a.wav"]) == 4
    assert sorted(each.index for each in engine.clips) == list(range(4))


def test_a_multilingual_recording_does_not_wait_for_its_end(folder: Path, scratch: Path) -> None:
    """Each clip is recognized in its own language as soon as it is found."""
    lecture(folder / "a.wav")
    read = threading.Event()
    engine = FakeEngine(on_batch=lambda clips: read.set() if clips[0].language else None)
    spec = JobSpec(model="demo", multilingual=True)
    found = outcomes(jobs(folder, spec), engine, SlowDecoder(scratch, at(45.0, lambda path: wait_for(read))))
    assert words(found["a.wav"]) == 4
    assert sorted(each.index for batch in engine.language_batches for each in batch) == list(range(4))


def test_outcomes_that_need_no_recognizer_do_not_wait_for_it(folder: Path, scratch: Path, say: Say) -> None:
    """Silence and broken files finish while the recognizer is busy."""
    say(folder / "a.wav")
    say(folder / "silent.wav", " ")
    (folder / "bad.mp3").write_text("hello")
    gate = threading.Event()
    came: list[str] = []

    def take(outcome: Outcome) -> None:
        came.append(outcome.job.recording.name)
        if len(came) == 2:
            gate.set()

    found = outcomes(
        jobs(folder), FakeEngine(on_batch=lambda clips: wait_for(gate)), Decoder(scratch), Decoder(scratch), take=take
    )
    assert came[2] == "a.wav"
    assert found["bad.mp3"].error is not None
    assert words(found["silent.wav"]) == 0
    assert words(found["a.wav"]) == 1


def test_voice_notes_and_a_lecture_share_batches(folder: Path, scratch: Path, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """The notes finish before the lecture does."""
    lecture(folder / "a.wav", [(SHORT, "pt-br+m3")] * 40)
    notes = [say(folder / f"note{number}.wav").name for number in range(5)]
    there: set[int] = set()
    lecture_there, all_there = threading.Event(), threading.Event()
    add = Scheduler.add

    def watched(recognition: Scheduler, clips: Sequence[Clip]) -> None:
        add(recognition, clips)
        there.update(each.recording for each in clips)
        lecture_there.set()
        if len(there) == 6:
            all_there.set()

    def begin(job: Job) -> bool:
        return job.recording.name == "a.wav" or lecture_there.wait(PATIENCE)

    monkeypatch.setattr(Scheduler, "add", watched)
    engine = FakeEngine(batch_size=4, on_batch=lambda clips: wait_for(all_there))
    found = outcomes(jobs(folder), engine, Decoder(scratch), Decoder(scratch), should_run=begin)
    assert list(found)[-1] == "a.wav"
    assert [words(found[name]) for name in ["a.wav", *notes]] == [40, 1, 1, 1, 1, 1]
    assert any(0 in recordings and len(recordings) > 1 for recordings in engine.batched_recordings())
    assert sum(recordings == {0} for recordings in engine.batched_recordings()) >= 6
