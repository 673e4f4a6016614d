"""Diarization runs in parallel with recognition, and a failure affects the speakers of one recording only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import lecture
from tests.fake_engine import PORTUGUESE, FakeEngine, failing, wait_for
from tests.pipeline.runs import jobs, words
from transcribe_cli import sinks
from transcribe_cli.audio import Decoder, Waveform
from transcribe_cli.errors import DiarizationFailed, ModelUnavailable
from transcribe_cli.events import DiarizerLoaded, Emit, Event, RecordingProgress, RecordingStarted, SpeakersProgress, ignore_event
from transcribe_cli.pipeline import job_queue
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.pipeline.run import Pipeline
from transcribe_cli.plan import Decision, Job
from transcribe_cli.recognition.device_threads import EngineLoader
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import Turn

SPOKEN = PORTUGUESE.model_copy(update={"diarize": True, "diarize_model": "demo"})


class HalvesDiarizer:
    """A diarizer that returns one speaker for the first half of a recording and another for the second.

    Args:
        on_waveform: called with each waveform before the result is returned; may wait, or raise.
    """

    name, device = "demo", "cpu"

    def __init__(self, on_waveform: Callable[[Waveform], None] = lambda waveform: None) -> None:
        self.waveforms: list[Waveform] = []
        self._on_waveform = on_waveform

    def diarize(self, waveform: Waveform, spec: JobSpec, on_progress: Callable[[float], None]) -> Diarization:
        """See `Diarizer.diarize`."""
        on_progress(0.0)
        self.waveforms.append(waveform)
        self._on_waveform(waveform)
        on_progress(1.0)
        middle, end = waveform.seconds / 2, waveform.seconds
        return Diarization((Turn(start=0.0, end=middle, speaker="A"), Turn(start=middle, end=end, speaker="B")))


def fail_to_load() -> Sequence[EngineLoader]:
    """Fails the test if a recognizer is loaded."""
    raise AssertionError("a recognizer is loaded")


def run(
    jobs: Sequence[Job],
    diarizer: HalvesDiarizer,
    engine: FakeEngine | None,
    scratch: Path,
    on_event: Callable[[Event], None] = ignore_event,
) -> Generator[Outcome]:
    """The outcomes of a pipeline."""
    loaders = (lambda: [lambda: engine]) if engine else fail_to_load
    with Decoder(scratch) as one, Decoder(scratch) as other:
        pipeline = Pipeline(loaders, [one, other], on_event, load_diarizer=lambda job, emit: diarizer)
        with closing(pipeline.run(jobs)) as outcomes:
            yield from outcomes


def speakers(outcome: Outcome) -> tuple[str, ...]:
    assert outcome.transcript is not None, outcome.error
    return outcome.transcript.speakers


@pytest.fixture
def recordings(folder: Path) -> Path:
    """Four recordings with one clip each."""
    for name in "abcd":
        lecture(folder / f"{name}.wav", [("Bom dia a todos.", "pt-br+m3")], pause=0.5)
    return folder


def diarize_only(folder: Path, scratch: Path) -> list[Job]:
    """Jobs for recordings that have a transcript without speakers."""
    for outcome in run(jobs(folder), HalvesDiarizer(), FakeEngine(), scratch):
        assert outcome.transcript is not None
        sinks.commit(outcome.job.output, outcome.transcript, {}, overwrite=False)
    found = jobs(folder, SPOKEN)
    assert {job.decision for job in found} == {Decision.DIARIZE}
    return found


def test_recognition_continues_during_diarization(recordings: Path, scratch: Path) -> None:
    """The diarizer waits until all recordings are recognized."""
    all_recognized = threading.Event()
    events: list[Event] = []

    def on_event(event: Event) -> None:
        events.append(event)
        if sum(isinstance(event, RecordingProgress) for event in events) == 4:
            all_recognized.set()

    found = list(
        run(jobs(recordings, SPOKEN), HalvesDiarizer(lambda waveform: wait_for(all_recognized)), FakeEngine(), scratch, on_event)
    )
    assert [speakers(outcome) for outcome in found] == [("A", "B")] * 4
    assert [words(outcome) for outcome in found] == [1] * 4
    assert sum(isinstance(event, DiarizerLoaded) for event in events) == 1
    assert any(isinstance(event, SpeakersProgress) for event in events)


def test_an_outcome_is_yielded_as_soon_as_its_recording_is_diarized(recordings: Path, scratch: Path) -> None:
    """It does not wait for the next recording."""
    first_is_out = threading.Event()
    diarizer = HalvesDiarizer(lambda waveform: wait_for(first_is_out) if len(diarizer.waveforms) > 1 else None)
    found = []
    for outcome in run(jobs(recordings, SPOKEN), diarizer, FakeEngine(), scratch):
        found.append(outcome)
        first_is_out.set()
    assert len(found) == 4


def test_recordings_that_wait_for_the_diarizer_limit_decoding(
    recordings: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a slow diarizer would fill the scratch folder with recognized recordings."""
    monkeypatch.setattr(job_queue, "AHEAD_SECONDS", 0.5)
    can_continue = threading.Event()
    started: list[str] = []
    too_many: list[str] = []

    def on_event(event: Event) -> None:
        if isinstance(event, RecordingStarted):
            started.append(event.recording)
        if isinstance(event, RecordingProgress):
            threading.Timer(0.5, can_continue.set).start()

    def wait(waveform: Waveform) -> None:
        wait_for(can_continue)
        if len(diarizer.waveforms) == 1:
            too_many.extend(started[2:])  # each of the two decoders has started one

    diarizer = HalvesDiarizer(wait)
    assert len(list(run(jobs(recordings, SPOKEN), diarizer, FakeEngine(), scratch, on_event))) == 4
    assert too_many == []


def test_recordings_that_are_only_diarized_make_room_for_others(
    recordings: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their audio is released after diarization, although it is not recognized."""
    todo = diarize_only(recordings, scratch)
    monkeypatch.setattr(job_queue, "AHEAD_SECONDS", 0.5)
    events: list[Event] = []
    found = list(run(todo, HalvesDiarizer(), None, scratch, events.append))
    assert [speakers(outcome) for outcome in found] == [("A", "B")] * 4
    assert {(event.text, event.speakers) for event in events if isinstance(event, RecordingStarted)} == {(False, True)}


def test_a_failure_affects_the_speakers_of_one_recording(recordings: Path, scratch: Path) -> None:
    """Its text is kept and flagged, as if diarization was not requested. An exception of a library becomes one line."""
    errors = iter([DiarizationFailed("too odd"), RuntimeError("first line")])

    def fail(waveform: Waveform) -> None:
        if (error := next(errors, None)) is not None:
            raise error

    found = list(run(jobs(recordings, SPOKEN), HalvesDiarizer(fail), FakeEngine(), scratch))
    failed = [outcome for outcome in found if outcome.error is not None]
    assert sorted(str(outcome.error) for outcome in failed) == ["The diarizer failed (RuntimeError: first line).", "too odd"]
    for outcome in failed:
        assert outcome.transcript is not None
        assert outcome.transcript.flags == ("no_diarization",)
        assert outcome.transcript.job.fingerprint == PORTUGUESE.fingerprint
        assert words(outcome) == 1
    assert [speakers(outcome) for outcome in found if outcome.error is None] == [("A", "B")] * 2


def test_loading_a_diarizer_is_tried_once(recordings: Path, decoder: Decoder) -> None:
    """Each attempt may take minutes. Every recording has its text and the error."""
    tries: list[str] = []

    def load(job: Job, emit: Emit) -> HalvesDiarizer:
        tries.append(job.recording.name)
        raise ModelUnavailable("no such checkpoint", "Get it.")

    engine = FakeEngine()
    found = list(Pipeline(lambda: [lambda: engine], [decoder], load_diarizer=load).run(jobs(recordings, SPOKEN)))
    assert len(tries) == 1
    assert [(str(outcome.error), words(outcome)) for outcome in found] == [("no such checkpoint Get it.", 1)] * 4


def test_diarization_of_a_failed_recording_is_stopped(recordings: Path, scratch: Path) -> None:
    """The others continue."""
    outcomes = list(run(jobs(recordings, SPOKEN), HalvesDiarizer(), FakeEngine(batch_size=1, on_batch=failing(0)), scratch))
    [failed] = [outcome for outcome in outcomes if outcome.transcript is None]
    assert failed.job.recording.name == "a.wav"
    assert [speakers(outcome) for outcome in outcomes if outcome is not failed] == [("A", "B")] * 3


def test_a_transcript_deleted_during_the_run_fails_one_recording(recordings: Path, scratch: Path) -> None:
    """The others are diarized."""
    todo = diarize_only(recordings, scratch)
    sinks.json_path(todo[1].output).unlink()
    found = list(run(todo, HalvesDiarizer(), None, scratch))
    [failed] = [outcome for outcome in found if outcome.transcript is None]
    assert failed.job.recording.name == "b.wav"
    assert "b.json cannot be read" in str(failed.error)


def test_closing_stops_the_diarizer(recordings: Path, scratch: Path) -> None:
    """At its next progress report; no thread is left."""
    outcomes = run(jobs(recordings, SPOKEN), HalvesDiarizer(), FakeEngine(), scratch)
    next(outcomes)
    outcomes.close()
    assert [thread.name for thread in threading.enumerate() if thread.name in {"prepare", "recognize", "diarize"}] == []
