"""Preparation in the background: its order, how far it runs ahead, and its messages."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.conftest import SENTENCES, lecture
from tests.fake_engine import PATIENCE, PORTUGUESE
from transcribe_cli.audio import Decoder
from transcribe_cli.errors import StorageNotReady
from transcribe_cli.events import Event, RecordingPrepared, RecordingStarted, ignore_event
from transcribe_cli.pipeline import job_queue, speech_clips
from transcribe_cli.pipeline.messages import (
    ClipsFound,
    PreparationEnded,
    PreparationFailed,
    PreparationMessage,
    Prepared,
    Started,
)
from transcribe_cli.pipeline.prepare import Preparation
from transcribe_cli.plan import Job, plan
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec

Say = Callable[..., Path]
Names = dict[int, str]


def jobs(folder: Path, spec: JobSpec = PORTUGUESE) -> list[Job]:
    """The jobs of a folder, ordered by name."""
    return plan(find_recordings([str(folder)]), spec, Settings())


class Inbox:
    """Collects the messages of a preparation."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[PreparationMessage] = queue.SimpleQueue()
        self.messages: list[PreparationMessage] = []
        self.put = self._queue.put

    def until(self, is_wanted: Callable[[PreparationMessage], bool]) -> PreparationMessage:
        """Wait for the next message for which `is_wanted` returns true."""
        while True:
            self.messages.append(self._queue.get(timeout=PATIENCE))
            if is_wanted(self.messages[-1]):
                return self.messages[-1]

    def rest(self) -> None:
        """Take the remaining messages."""
        while not self._queue.empty():
            self.messages.append(self._queue.get())

    def all(self, kind: type[PreparationMessage]) -> list[PreparationMessage]:
        """The messages of one kind."""
        return [message for message in self.messages if isinstance(message, kind)]


@contextmanager
def preparing(
    jobs: Sequence[Job],
    scratch: Path,
    threads: int = 1,
    should_run: Callable[[Job], bool] = lambda job: True,
    emit: Callable[[Event], None] = ignore_event,
) -> Iterator[tuple[Preparation, Inbox]]:
    """A running preparation, with a decoder for each thread; closes waveforms at the end."""
    inbox = Inbox()
    with ExitStack() as stack:
        decoders = [stack.enter_context(Decoder(scratch)) for _ in range(threads)]
        with Preparation(jobs, decoders, should_run, inbox.put, emit) as preparation:
            yield preparation, inbox
    inbox.rest()
    for started in inbox.all(Started):
        assert isinstance(started, Started)
        started.waveform.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the recordings."""
    return tmp_path / "in"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """The scratch folder."""
    path = tmp_path / "scratch"
    path.mkdir()
    return path


def ended(message: PreparationMessage) -> bool:
    """Whether this is the last message."""
    return isinstance(message, PreparationEnded)


def test_clips_are_delivered_in_order_of_time_followed_by_the_speech(folder: Path, scratch: Path) -> None:
    """Started, clips, prepared for each recording; ended once."""
    lecture(folder / "a.wav")
    events: list[Event] = []
    with preparing(jobs(folder), scratch, emit=events.append) as (_, inbox):
        assert inbox.until(ended) == inbox.messages[-1]
        started, *found, prepared, last = inbox.messages
        assert isinstance(started, Started)
        assert isinstance(prepared, Prepared)
        assert isinstance(last, PreparationEnded)
        assert last.error is None
        clips = [clip for message in found if isinstance(message, ClipsFound) for clip in message.clips]
        assert [clip.index for clip in clips] == list(range(4))
        assert {clip.waveform for clip in clips} == {started.waveform}
        spoken = [region for clip in clips for region in clip.speech]
        assert list(prepared.speech[None]) == [(region.start / 16_000, region.end / 16_000) for region in spoken]
        assert [type(event) for event in events] == [RecordingStarted, RecordingPrepared]


def test_one_thread_takes_jobs_in_order_and_the_other_by_size(folder: Path, scratch: Path, say: Say) -> None:
    """So neither a lecture nor voice notes wait for the other, whichever is first."""
    lecture(folder / "a.wav")
    lecture(folder / "b.wav", [(SENTENCES, "pt-br+m3")] * 2)
    say(folder / "c.wav", SENTENCES)
    say(folder / "d.wav", "Bom dia.")
    both = threading.Barrier(2)
    turns: dict[int, list[str]] = {}

    def should_run(job: Job) -> bool:
        turns.setdefault(threading.get_ident(), []).append(job.recording.name)
        both.wait(PATIENCE)
        return False

    with preparing(jobs(folder), scratch, threads=2, should_run=should_run) as (_, inbox):
        inbox.until(ended)
    assert sorted(turns.values()) == [["a.wav", "b.wav"], ["d.wav", "c.wav"]]
    assert len(inbox.messages) == 1


def test_a_second_decoder_is_not_used_for_a_single_recording(folder: Path, scratch: Path, say: Say) -> None:
    """There is nothing to do in parallel."""
    say(folder / "a.wav")
    with preparing(jobs(folder), scratch, threads=2) as (_, inbox):
        assert sum(thread.name == "prepare" for thread in threading.enumerate()) <= 1
        inbox.until(ended)
    assert len(inbox.all(PreparationEnded)) == 1


def test_no_recording_is_started_while_enough_audio_is_ready(
    folder: Path, scratch: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scratch space is limited; released audio makes room."""
    monkeypatch.setattr(job_queue, "AHEAD_SECONDS", 1.0)
    for name in ("a.wav", "b.wav", "c.wav"):
        say(folder / name)
    requested: list[str] = []
    with preparing(jobs(folder), scratch, should_run=lambda job: requested.append(job.recording.name) or True) as (
        preparation,
        inbox,
    ):
        for number, so_far in enumerate((["a.wav"], ["a.wav", "b.wav"], ["a.wav", "b.wav", "c.wav"])):
            found = inbox.until(lambda message: isinstance(message, ClipsFound))
            assert isinstance(found, ClipsFound)
            inbox.until(lambda message: isinstance(message, Prepared))
            time.sleep(0.1)
            assert requested == so_far
            seconds = sum(clip.seconds for clip in found.clips)
            preparation.release(number, seconds - 1.5)
            time.sleep(0.1)
            assert requested == so_far
            preparation.release(number, 1.5)
        inbox.until(ended)


def test_recordings_without_speech_take_no_room(folder: Path, scratch: Path, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have no audio for the recognizer."""
    monkeypatch.setattr(job_queue, "AHEAD_SECONDS", 0.001)
    for name in ("a.wav", "b.wav", "c.wav"):
        say(folder / name, " ")
    (folder / "d.mp3").write_text("hello")
    with preparing(jobs(folder), scratch) as (_, inbox):
        inbox.until(ended)
    assert len(inbox.all(Prepared)) == 3
    assert [message.job.recording.name for message in inbox.all(PreparationFailed) if isinstance(message, PreparationFailed)] == [
        "d.mp3"
    ]


def test_jobs_that_should_not_run_are_skipped(folder: Path, scratch: Path, say: Say) -> None:
    """They have no messages."""
    for name in ("a.wav", "b.wav"):
        say(folder / name)
    with preparing(jobs(folder), scratch, should_run=lambda job: job.recording.name == "b.wav") as (_, inbox):
        inbox.until(ended)
    assert [message.number for message in inbox.all(Started) if isinstance(message, Started)] == [1]


@pytest.mark.parametrize("threads", [1, 2])
def test_an_unwritable_scratch_folder_ends_the_preparation(folder: Path, tmp_path: Path, say: Say, threads: int) -> None:
    """The next recording would fail, too."""
    for number in range(4):
        say(folder / f"{number}.wav")
    with preparing(jobs(folder), tmp_path / "nowhere", threads=threads) as (_, inbox):
        last = inbox.until(ended)
        assert isinstance(last, PreparationEnded)
        assert isinstance(last.error, StorageNotReady)
    assert inbox.all(PreparationFailed) == []


def test_leaving_stops_preparations_in_progress(folder: Path, scratch: Path, say: Say) -> None:
    """No thread and no scratch file is left, although nothing was released."""
    for number in range(6):
        say(folder / f"{number}.wav")
    before = set(threading.enumerate())
    with preparing(jobs(folder), scratch, threads=2) as (_, inbox):
        inbox.until(lambda message: isinstance(message, Started))
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name == "prepare"]
    assert list(scratch.iterdir()) == []


def test_an_unexpected_error_fails_one_recording(folder: Path, scratch: Path, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names it; the others continue."""
    for name in ("a.wav", "b.wav"):
        say(folder / name)
    times = iter((True, False))

    class Detector(speech_clips.QuietSpeechDetector):
        def __init__(self) -> None:
            if next(times):
                raise ZeroDivisionError("no windows")
            super().__init__()

    monkeypatch.setattr(speech_clips, "QuietSpeechDetector", Detector)
    with preparing(jobs(folder), scratch) as (_, inbox):
        inbox.until(ended)
    [failed] = inbox.all(PreparationFailed)
    assert isinstance(failed, PreparationFailed)
    assert failed.error.message == "Unexpected ZeroDivisionError (no windows)."
    assert [message.number for message in inbox.all(Prepared) if isinstance(message, Prepared)] == [1]
