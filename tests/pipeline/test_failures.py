"""Recordings that change, break or cannot be recognized during a run: one outcome each, and no files are left."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.conftest import SENTENCES, lecture
from tests.fake_engine import FakeEngine, failing, wait_for
from tests.pipeline.runs import SECOND, SlowDecoder, at, jobs, outcomes, words
from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.errors import DecoderFailed, RecognitionFailed, RecordingChanged
from transcribe_cli.events import Event, RecordingStarted
from transcribe_cli.pipeline import job_queue
from transcribe_cli.recognition.engines import Clip
from transcribe_cli.sources import find_recordings

Say = Callable[..., Path]


def test_a_recording_that_changes_while_it_is_read_is_restarted(folder: Path, scratch: Path) -> None:
    """Results of the old version are ignored; there is one outcome."""
    path = lecture(folder / "a.wav")
    reading = threading.Event()
    engine = FakeEngine(on_batch=lambda clips: reading.set())
    events: list[Event] = []

    def change(path: Path) -> None:
        wait_for(reading)
        if sum(isinstance(event, RecordingStarted) for event in events) == 1:
            os.utime(path, (1, 1))

    found = outcomes(jobs(folder), engine, SlowDecoder(scratch, at(45.0, change)), on_event=events.append)
    assert words(found["a.wav"]) == 4
    assert found["a.wav"].transcript is not None
    assert found["a.wav"].transcript.source.modified == next(iter(find_recordings([str(path)]))).modified
    assert sum(isinstance(event, RecordingStarted) for event in events) == 2


def test_a_recording_that_changes_repeatedly_fails_once(folder: Path, scratch: Path, say: Say) -> None:
    """It is still being written. The others continue."""
    lecture(folder / "a.wav")
    say(folder / "b.wav")
    times = iter(range(1, 100))

    def change(path: Path) -> None:
        if path.name == "a.wav":
            moment = next(times)
            os.utime(path, (moment, moment))

    found = outcomes(jobs(folder), FakeEngine(), SlowDecoder(scratch, at(3.0, change)))
    assert isinstance(found["a.wav"].error, RecordingChanged)
    assert words(found["b.wav"]) == 1


def test_a_decoder_that_fails_in_the_middle_fails_only_its_recording(folder: Path, scratch: Path, say: Say) -> None:
    """Even if some of its clips are recognized: there are no partial transcripts."""
    lecture(folder / "a.wav")
    say(folder / "b.wav")
    reading = threading.Event()

    def fail(path: Path) -> None:
        if path.name == "a.wav":
            wait_for(reading)
            raise DecoderFailed("a.wav: the decoder was killed by signal 11.")

    found = outcomes(jobs(folder), FakeEngine(on_batch=lambda clips: reading.set()), SlowDecoder(scratch, at(45.0, fail)))
    assert isinstance(found["a.wav"].error, DecoderFailed)
    assert words(found["b.wav"]) == 1


def test_decoding_of_a_failed_recording_is_stopped(folder: Path, scratch: Path, say: Say) -> None:
    """Its outcome is yielded at once, and is the only one."""
    lecture(folder / "a.wav")
    say(folder / "b.wav")
    has_failed = threading.Event()
    seen: list[float] = []

    def wait(path: Path, seconds: float) -> None:
        if path.name == "a.wav":
            seen.append(seconds)
            if seconds > 45.0:
                wait_for(has_failed)

    found = outcomes(
        jobs(folder), FakeEngine(on_batch=failing(0)), SlowDecoder(scratch, wait), take=lambda outcome: has_failed.set()
    )
    assert isinstance(found["a.wav"].error, RecognitionFailed)
    assert words(found["b.wav"]) == 1
    assert max(seen) < 50.0


def test_a_failed_recording_is_not_restarted_when_it_changes(folder: Path, scratch: Path) -> None:
    """It has had its outcome."""
    seconds = lecture(folder / "a.wav").stat().st_size / 2 / 22_050
    near_the_end, has_failed = threading.Event(), threading.Event()

    def change(path: Path) -> None:
        near_the_end.set()
        wait_for(has_failed)
        os.utime(path, (1, 1))

    def fail_once(clips: Sequence[Clip]) -> None:
        wait_for(near_the_end)
        if not has_failed.is_set():
            raise RuntimeError("cuDNN failed")

    slow = SlowDecoder(scratch, at(seconds - SECOND / SAMPLE_RATE, change))
    found = outcomes(jobs(folder), FakeEngine(on_batch=fail_once), slow, take=lambda outcome: has_failed.set())
    assert isinstance(found["a.wav"].error, RecognitionFailed)


def test_failed_recordings_make_room_for_others(folder: Path, scratch: Path, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """However they end, their audio no longer counts as ready for the recognizer."""
    monkeypatch.setattr(job_queue, "AHEAD_SECONDS", 1.0)
    for number in range(6):
        say(folder / f"{number}.wav", SENTENCES)
    changed: list[Path] = []

    def change(path: Path) -> None:
        if path.name == "1.wav" and not changed:
            changed.append(path)
            os.utime(path, (1, 1))
        if path.name == "2.wav":
            raise DecoderFailed("2.wav: the decoder was killed by signal 11.")

    found = outcomes(jobs(folder), FakeEngine(on_batch=failing(0)), SlowDecoder(scratch, at(5.0, change)))
    assert [name for name, outcome in sorted(found.items()) if outcome.error] == ["0.wav", "2.wav"]
    assert {words(found[f"{number}.wav"]) for number in (1, 3, 4, 5)} == {1}
