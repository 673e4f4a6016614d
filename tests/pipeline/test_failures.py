"""Recordings that change, break or cannot be recognized while they are on their way: one outcome each, and nothing stays."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.conftest import SENTENCES, lecture
from tests.fake_engine import FakeEngine, failing, wait_for
from tests.pipeline.runs import SECOND, Slow, at, jobs, outcomes, words
from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.errors import DecoderFailed, RecognitionFailed, RecordingChanged
from transcribe_cli.events import Event, RecordingStarted
from transcribe_cli.pipeline import job_queue
from transcribe_cli.recognition.engines import Clip
from transcribe_cli.sources import find_recordings

Say = Callable[..., Path]


def test_a_recording_that_changes_while_it_is_read_begins_anew(folder: Path, scratch: Path) -> None:
    """What was read of the older one counts for nothing; there is one outcome."""
    path = lecture(folder / "a.wav")
    reading = threading.Event()
    engine = FakeEngine(on_batch=lambda clips: reading.set())
    told: list[Event] = []

    def change(path: Path) -> None:
        wait_for(reading)
        if sum(isinstance(event, RecordingStarted) for event in told) == 1:
            os.utime(path, (1, 1))

    found = outcomes(jobs(folder), engine, Slow(scratch, at(45.0, change)), hear=told.append)
    assert words(found["a.wav"]) == 4
    assert found["a.wav"].transcript is not None
    assert found["a.wav"].transcript.source.modified == next(iter(find_recordings([str(path)]))).modified
    assert sum(isinstance(event, RecordingStarted) for event in told) == 2


def test_a_recording_that_goes_on_changing_fails_once(folder: Path, scratch: Path, say: Say) -> None:
    """Somebody is still writing it; the others go on."""
    lecture(folder / "a.wav")
    say(folder / "b.wav")
    times = iter(range(1, 100))

    def change(path: Path) -> None:
        if path.name == "a.wav":
            moment = next(times)
            os.utime(path, (moment, moment))

    found = outcomes(jobs(folder), FakeEngine(), Slow(scratch, at(3.0, change)))
    assert isinstance(found["a.wav"].error, RecordingChanged)
    assert words(found["b.wav"]) == 1


def test_a_decoder_that_fails_in_the_middle_costs_its_recording_alone(folder: Path, scratch: Path, say: Say) -> None:
    """Also when some of its clips are read already: half a transcript is none."""
    lecture(folder / "a.wav")
    say(folder / "b.wav")
    reading = threading.Event()

    def fail(path: Path) -> None:
        if path.name == "a.wav":
            wait_for(reading)
            raise DecoderFailed("a.wav: the decoder was killed by signal 11.")

    found = outcomes(jobs(folder), FakeEngine(on_batch=lambda clips: reading.set()), Slow(scratch, at(45.0, fail)))
    assert isinstance(found["a.wav"].error, DecoderFailed)
    assert words(found["b.wav"]) == 1


def test_a_recording_that_cannot_be_recognized_is_decoded_no_further(folder: Path, scratch: Path, say: Say) -> None:
    """Its outcome is there at once, and stays the only one."""
    lecture(folder / "a.wav")
    say(folder / "b.wav")
    given_up = threading.Event()
    seen: list[float] = []

    def wait(path: Path, seconds: float) -> None:
        if path.name == "a.wav":
            seen.append(seconds)
            if seconds > 45.0:
                wait_for(given_up)

    found = outcomes(jobs(folder), FakeEngine(on_batch=failing(0)), Slow(scratch, wait), take=lambda outcome: given_up.set())
    assert isinstance(found["a.wav"].error, RecognitionFailed)
    assert words(found["b.wav"]) == 1
    assert max(seen) < 50.0


def test_a_recording_that_is_lost_does_not_come_back_when_it_changes(folder: Path, scratch: Path) -> None:
    """It had its outcome."""
    seconds = lecture(folder / "a.wav").stat().st_size / 2 / 22_050
    near_the_end, given_up = threading.Event(), threading.Event()

    def change(path: Path) -> None:
        near_the_end.set()
        wait_for(given_up)
        os.utime(path, (1, 1))

    def fail_once(clips: Sequence[Clip]) -> None:
        wait_for(near_the_end)
        if not given_up.is_set():
            raise RuntimeError("cuDNN failed")

    slow = Slow(scratch, at(seconds - SECOND / SAMPLE_RATE, change))
    found = outcomes(jobs(folder), FakeEngine(on_batch=fail_once), slow, take=lambda outcome: given_up.set())
    assert isinstance(found["a.wav"].error, RecognitionFailed)


def test_recordings_that_fail_make_room_for_others(
    folder: Path, scratch: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However they end: what was ahead of the recognizer because of them is not waited for."""
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

    found = outcomes(jobs(folder), FakeEngine(on_batch=failing(0)), Slow(scratch, at(5.0, change)))
    assert [name for name, outcome in sorted(found.items()) if outcome.error] == ["0.wav", "2.wav"]
    assert {words(found[f"{number}.wav"]) for number in (1, 3, 4, 5)} == {1}
