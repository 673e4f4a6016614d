"""Retry, breaker and failover, around places that a test can make fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path

import pytest

from transcribe_cli.backends import Backend, ShouldRun, ShouldStop, never_stop, retry
from transcribe_cli.backends.breaker import Breaker
from transcribe_cli.backends.failover import Failover
from transcribe_cli.backends.retry import Retry
from transcribe_cli.backends.thread_pool import StopFlag, run_in_threads
from transcribe_cli.costs.usage import Usage
from transcribe_cli.errors import BackendFailed, NotReady, RecordingError, TooLong, TranscribeError, UsageError
from transcribe_cli.events import AttemptFailed, Event
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Decision, Job
from transcribe_cli.sinks import Output
from transcribe_cli.sources import Recording
from transcribe_cli.spec import JobSpec

NAMES = ("a.mp3", "b.mp3", "c.mp3")
Says = Callable[[str, int], TranscribeError | None]


class Place:
    """One job after the other; `says` is given the name of a recording and how often it was here before."""

    tariffs = ()

    def __init__(self, name: str = "there", says: Says = lambda name, before: None, ready: TranscribeError | None = None) -> None:
        self.name = name
        self.says = says
        self.ready = ready
        self.tried: list[str] = []

    def check(self, jobs: Sequence[Job]) -> None:
        """Ready or not."""
        if self.ready is not None:
            raise self.ready

    def run(self, jobs: Iterable[Job], should_run: ShouldRun, should_stop: ShouldStop = never_stop) -> Generator[Outcome]:
        """As the contract says."""
        for job in jobs:
            if should_stop():
                return
            if not should_run(job):
                continue
            name = job.recording.name
            error = self.says(name, self.tried.count(name))
            self.tried.append(name)
            if isinstance(error, NotReady):
                raise error
            yield Outcome(job, error=error, usage=(Usage(self.name, "place", error=error.code if error else ""),))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "retry_delay", lambda attempt, asked=None: 0.0)


def jobs(*names: str) -> list[Job]:
    """Of recordings that nobody opens."""
    top = Path("/aulas")
    spec = JobSpec()
    return [Job(Recording(top / name, top), spec, Output(top, name), Decision.TRANSCRIBE, "new") for name in names or NAMES]


def outcomes(backend: Backend, *names: str, should_run: ShouldRun = lambda job: True) -> dict[str, Outcome]:
    """Exactly one for each job."""
    found = list(backend.run(iter(jobs(*names)), should_run))
    by_name = {outcome.job.recording.name: outcome for outcome in found}
    assert len(by_name) == len(found)
    return by_name


def fails(times: int, error: TranscribeError, only: str = "") -> Says:
    """A place that fails so often at each recording, or at one."""
    return lambda name, before: error if before < times and name.startswith(only) else None


DOWN = BackendFailed("It is down.")


def test_what_a_place_fails_at_is_tried_again_and_said() -> None:
    events: list[Event] = []
    place = Place(says=fails(2, DOWN, only="b"))
    found = outcomes(Retry(place, 3, events.append))
    assert [found[name].error for name in NAMES] == [None, None, None]
    assert place.tried.count("b.mp3") == 3
    assert [usage.error for usage in found["b.mp3"].usage] == ["place_failed", "place_failed", ""]
    said = [(event.recording, event.message) for event in events if isinstance(event, AttemptFailed)]
    assert said == [("b.mp3", f"It is down. Try {attempt} of 3. It may be paid for twice.") for attempt in (2, 3)]


def test_tries_are_limited() -> None:
    place = Place(says=fails(9, DOWN))
    found = outcomes(Retry(place, 2, lambda event: None))
    assert {outcome.error for outcome in found.values()} == {DOWN}
    assert len(place.tried) == 6


def test_a_limit_ends_the_run_also_in_a_pause_and_before_another_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not done has no outcome: the same command goes on with it."""
    monkeypatch.setattr(retry, "retry_delay", lambda attempt, asked=None: 3600.0)
    place, other = Place(says=fails(9, DOWN)), Place("other")
    reached: list[bool] = []
    backend = Failover([Retry(place, 3, lambda event: reached.append(True)), other], lambda event: None)
    assert list(backend.run(iter(jobs("a.mp3")), lambda job: True, lambda: bool(reached))) == []
    assert (place.tried, other.tried) == (["a.mp3"], [])


def test_a_limit_stops_those_that_work_side_by_side() -> None:
    """They hear of it at once, as when the run is closed."""
    stop, begun = StopFlag(), threading.Event()

    def do(job: Job, told: StopFlag) -> Outcome:
        begun.set()
        told.wait(3600)
        return Outcome(job)

    assert list(run_in_threads(iter(jobs()), lambda job: True, begun.is_set, do, 2, stop)) == []
    assert stop.is_set


def test_a_recordings_own_failure_is_final() -> None:
    place, other = Place(says=fails(9, TooLong("It is too long."), only="a")), Place("other")
    found = outcomes(Failover([Retry(place, 3, lambda event: None), other], lambda event: None))
    assert isinstance(found["a.mp3"].error, TooLong)
    assert (len(place.tried), other.tried) == (3, [])


def test_a_job_is_tried_again_before_the_others_end() -> None:
    place = Place(says=fails(1, DOWN, only="a"))
    outcomes(Retry(place, 2, lambda event: None))
    assert place.tried == ["a.mp3", "a.mp3", "b.mp3", "c.mp3"]


def test_what_nobody_wants_is_not_done() -> None:
    place = Place(says=fails(1, DOWN))
    found = outcomes(
        Failover([Retry(place, 2, print), Place("other")], print), should_run=lambda job: job.recording.name != "b.mp3"
    )
    assert sorted(found) == ["a.mp3", "c.mp3"]


def test_a_place_that_fails_is_followed_by_the_next() -> None:
    events: list[Event] = []
    first, second = Place("first", fails(9, DOWN, only="b")), Place("second")
    found = outcomes(Failover([first, second], events.append))
    assert {outcome.error for outcome in found.values()} == {None}
    assert second.tried == ["b.mp3"]
    assert [usage.backend for usage in found["b.mp3"].usage] == ["first", "second"]
    assert "The rest goes to second." in events[-1].as_record()["message"]


def test_a_place_that_ends_in_the_middle_leaves_the_rest_to_the_next() -> None:
    gone = NotReady("The key was withdrawn.")
    first, second = Place("first", lambda name, before: gone if name == "b.mp3" else None), Place("second")
    found = outcomes(Failover([Retry(first, 3, print), second], print))
    assert sorted(found) == sorted(NAMES)
    assert (first.tried, second.tried) == (["a.mp3", "b.mp3"], ["b.mp3", "c.mp3"])


def test_a_place_that_takes_all_jobs_at_once_leaves_those_that_it_did_not_do() -> None:
    """As this machine does: what it has not begun is for the next, too, but nothing that nobody wants."""

    class Greedy(Place):
        def run(self, jobs: Iterable[Job], should_run: ShouldRun, should_stop: ShouldStop = never_stop) -> Generator[Outcome]:
            return super().run(tuple(jobs), should_run, should_stop)

    first = Greedy("first", lambda name, before: NotReady("The disk is full.") if name == "c.mp3" else None)
    second = Place("second")
    names = (*NAMES, "d.mp3", "e.mp3")
    found = outcomes(
        Failover([first, second], print), *names, should_run=lambda job: job.recording.name not in ("b.mp3", "e.mp3")
    )
    assert sorted(found) == ["a.mp3", "c.mp3", "d.mp3"]
    assert (first.tried, second.tried) == (["a.mp3", "c.mp3"], ["c.mp3", "d.mp3"])


def test_the_last_place_ends_the_run() -> None:
    gone = NotReady("The key was withdrawn.")
    places = [Place("first", fails(9, DOWN)), Place("second", lambda name, before: gone)]
    with pytest.raises(NotReady, match="withdrawn"):
        outcomes(Failover(places, lambda event: None))


@pytest.mark.parametrize("error", [NotReady("No key."), UsageError("It cannot tell speakers apart.")])
def test_a_place_that_cannot_be_used_is_left_out(error: TranscribeError) -> None:
    events: list[Event] = []
    first, second = Place("first", ready=error), Place("second")
    both = Failover([first, second], events.append)
    both.check(jobs())
    outcomes(both)
    assert (first.tried, second.tried, both.name) == ([], list(NAMES), "second")
    assert "first is left out" in events[0].as_record()["message"]


def test_without_any_place_the_first_ones_trouble_is_told() -> None:
    both = Failover([Place(ready=NotReady("No key.")), Place(ready=NotReady("No model."))], lambda event: None)
    with pytest.raises(NotReady, match="No key"):
        both.check(jobs())


def test_a_place_that_is_down_is_left_alone() -> None:
    names = [f"{number}.mp3" for number in range(20)]
    place, other = Place("first", fails(99, DOWN)), Place("other")
    found = outcomes(Failover([Breaker(place, print, failures=3, rest=60.0), other], print), *names)
    assert place.tried == names[:3]
    assert sorted(found) == sorted(names)
    assert {outcome.error for outcome in found.values()} == {None}


def test_after_a_rest_one_job_shows_whether_it_is_back() -> None:
    now = [0.0]
    place = Place(says=lambda name, before: DOWN if now[0] < 100 else None)
    patient = Breaker(place, lambda event: None, failures=2, rest=60.0, clock=lambda: now[0])
    outcomes(patient, *NAMES)
    assert len(place.tried) == 2
    now[0] = 61.0
    outcomes(patient, *NAMES)
    assert len(place.tried) == 3
    now[0] = 130.0
    assert {outcome.error for outcome in outcomes(patient, *NAMES).values()} == {None}


def test_a_failing_recording_does_not_count_against_its_place() -> None:
    place = Place(says=fails(99, RecordingError("It is broken.")))
    outcomes(Breaker(place, print, failures=2))
    assert place.tried == list(NAMES)


def test_it_waits_as_long_as_the_place_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float | None] = []
    monkeypatch.setattr(retry, "retry_delay", lambda attempt, requested=None: asked.append(requested) or 0.0)
    outcomes(Retry(Place(says=fails(1, BackendFailed("Too many.", retry_after=7.0))), 2, lambda event: None))
    assert asked == [7.0, 7.0, 7.0]
