"""Who spoke is found out beside recognition: nobody waits longer than needed, and what fails costs one recording its speakers."""

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


class Halves:
    """A diarizer that hears somebody in the first half of a recording and somebody else in the second.

    Args:
        before: called with each waveform before the answer; may wait, or raise.
    """

    name, device = "demo", "cpu"

    def __init__(self, before: Callable[[Waveform], None] = lambda waveform: None) -> None:
        self.heard: list[Waveform] = []
        self._before = before

    def diarize(self, waveform: Waveform, spec: JobSpec, on_progress: Callable[[float], None]) -> Diarization:
        """See `Diarizer.diarize`."""
        on_progress(0.0)
        self.heard.append(waveform)
        self._before(waveform)
        on_progress(1.0)
        middle, end = waveform.seconds / 2, waveform.seconds
        return Diarization((Turn(start=0.0, end=middle, speaker="A"), Turn(start=middle, end=end, speaker="B")))


def never() -> Sequence[EngineLoader]:
    """Nothing is to be recognized."""
    raise AssertionError("a recognizer is loaded")


def run(
    jobs: Sequence[Job],
    diarizer: Halves,
    engine: FakeEngine | None,
    scratch: Path,
    hear: Callable[[Event], None] = ignore_event,
) -> Generator[Outcome]:
    """The outcomes of a pipeline over these."""
    loaders = (lambda: [lambda: engine]) if engine else never
    with Decoder(scratch) as one, Decoder(scratch) as other:
        pipeline = Pipeline(loaders, [one, other], hear, load_diarizer=lambda job, emit: diarizer)
        with closing(pipeline.run(jobs)) as outcomes:
            yield from outcomes


def speakers(outcome: Outcome) -> tuple[str, ...]:
    assert outcome.transcript is not None, outcome.error
    return outcome.transcript.speakers


@pytest.fixture
def recordings(folder: Path) -> Path:
    """Four recordings of a clip each."""
    for name in "abcd":
        lecture(folder / f"{name}.wav", [("Bom dia a todos.", "pt-br+m3")], pause=0.5)
    return folder


def diarize_only(folder: Path, scratch: Path) -> list[Job]:
    """Jobs over recordings whose text is there."""
    for outcome in run(jobs(folder), Halves(), FakeEngine(), scratch):
        assert outcome.transcript is not None
        sinks.commit(outcome.job.output, outcome.transcript, {}, overwrite=False)
    found = jobs(folder, SPOKEN)
    assert {job.decision for job in found} == {Decision.DIARIZE}
    return found


def test_recognition_goes_on_while_somebody_is_diarized(recordings: Path, scratch: Path) -> None:
    """The first recording's speakers wait until the words of all are known."""
    all_heard = threading.Event()
    told: list[Event] = []

    def hear(event: Event) -> None:
        told.append(event)
        if sum(isinstance(event, RecordingProgress) for event in told) == 4:
            all_heard.set()

    found = list(run(jobs(recordings, SPOKEN), Halves(lambda waveform: wait_for(all_heard)), FakeEngine(), scratch, hear))
    assert [speakers(outcome) for outcome in found] == [("A", "B")] * 4
    assert [words(outcome) for outcome in found] == [1] * 4
    assert sum(isinstance(event, DiarizerLoaded) for event in told) == 1
    assert any(isinstance(event, SpeakersProgress) for event in told)


def test_an_outcome_comes_as_soon_as_its_speakers_are_known(recordings: Path, scratch: Path) -> None:
    """It does not wait for those of the next recording."""
    first_is_out = threading.Event()
    diarizer = Halves(lambda waveform: wait_for(first_is_out) if len(diarizer.heard) > 1 else None)
    found = []
    for outcome in run(jobs(recordings, SPOKEN), diarizer, FakeEngine(), scratch):
        found.append(outcome)
        first_is_out.set()
    assert len(found) == 4


def test_recordings_that_wait_for_their_speakers_hold_up_decoding(
    recordings: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a slow diarizer would let the scratch folder fill with everything that is recognized already."""
    monkeypatch.setattr(job_queue, "AHEAD_SECONDS", 0.5)
    go_on = threading.Event()
    begun: list[str] = []
    too_many: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, RecordingStarted):
            begun.append(event.recording)
        if isinstance(event, RecordingProgress):
            threading.Timer(0.5, go_on.set).start()

    def wait(waveform: Waveform) -> None:
        wait_for(go_on)
        if len(diarizer.heard) == 1:
            too_many.extend(begun[2:])  # each of the two decoders has begun one

    diarizer = Halves(wait)
    assert len(list(run(jobs(recordings, SPOKEN), diarizer, FakeEngine(), scratch, hear))) == 4
    assert too_many == []


def test_many_hours_whose_speakers_alone_are_missing_come_to_their_end(
    recordings: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their audio is done with once they are diarized, though nothing of it is recognized."""
    todo = diarize_only(recordings, scratch)
    monkeypatch.setattr(job_queue, "AHEAD_SECONDS", 0.5)
    told: list[Event] = []
    found = list(run(todo, Halves(), None, scratch, told.append))
    assert [speakers(outcome) for outcome in found] == [("A", "B")] * 4
    assert {(event.text, event.speakers) for event in told if isinstance(event, RecordingStarted)} == {(False, True)}


def test_a_failure_costs_one_recording_its_speakers(recordings: Path, scratch: Path) -> None:
    """Its text stands, with a flag, and as if nobody had asked; a library's own exception is one line."""
    trouble = iter([DiarizationFailed("too odd"), RuntimeError("first line")])

    def fail(waveform: Waveform) -> None:
        if (error := next(trouble, None)) is not None:
            raise error

    found = list(run(jobs(recordings, SPOKEN), Halves(fail), FakeEngine(), scratch))
    failed = [outcome for outcome in found if outcome.error is not None]
    assert sorted(str(outcome.error) for outcome in failed) == ["The diarizer failed (RuntimeError: first line).", "too odd"]
    for outcome in failed:
        assert outcome.transcript is not None
        assert outcome.transcript.flags == ("no_diarization",)
        assert outcome.transcript.job.fingerprint == PORTUGUESE.fingerprint
        assert words(outcome) == 1
    assert [speakers(outcome) for outcome in found if outcome.error is None] == [("A", "B")] * 2


def test_a_diarizer_that_does_not_load_is_tried_once(recordings: Path, decoder: Decoder) -> None:
    """Each try may take minutes; every recording has its text and its error."""
    tries: list[str] = []

    def load(job: Job, emit: Emit) -> Halves:
        tries.append(job.recording.name)
        raise ModelUnavailable("no such checkpoint", "Get it.")

    engine = FakeEngine()
    found = list(Pipeline(lambda: [lambda: engine], [decoder], load_diarizer=load).run(jobs(recordings, SPOKEN)))
    assert len(tries) == 1
    assert [(str(outcome.error), words(outcome)) for outcome in found] == [("no such checkpoint Get it.", 1)] * 4


def test_a_recording_that_cannot_be_recognized_is_not_diarized_to_its_end(recordings: Path, scratch: Path) -> None:
    """Nobody wants to know any more; the others go on."""
    outcomes = list(run(jobs(recordings, SPOKEN), Halves(), FakeEngine(batch_size=1, on_batch=failing(0)), scratch))
    [lost] = [outcome for outcome in outcomes if outcome.transcript is None]
    assert lost.job.recording.name == "a.wav"
    assert [speakers(outcome) for outcome in outcomes if outcome is not lost] == [("A", "B")] * 3


def test_a_transcript_that_vanished_meanwhile_is_one_recordings_failure(recordings: Path, scratch: Path) -> None:
    """Its speakers have no text to go with; the others have theirs."""
    todo = diarize_only(recordings, scratch)
    sinks.json_path(todo[1].output).unlink()
    found = list(run(todo, Halves(), None, scratch))
    [lost] = [outcome for outcome in found if outcome.transcript is None]
    assert lost.job.recording.name == "b.wav"
    assert "b.json cannot be read" in str(lost.error)


def test_closing_ends_the_diarizer_too(recordings: Path, scratch: Path) -> None:
    """At its next sign of life, and no thread stays."""
    outcomes = run(jobs(recordings, SPOKEN), Halves(), FakeEngine(), scratch)
    next(outcomes)
    outcomes.close()
    assert [thread.name for thread in threading.enumerate() if thread.name in {"prepare", "recognize", "diarize"}] == []
