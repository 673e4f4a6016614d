"""Retry, breaker and failover, around backends that a test can make fail."""

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
Fails = Callable[[str, int], TranscribeError | None]


class FakeBackend:
    """Runs one job after the other; `fails` gets the name of a recording and the number of earlier attempts at it."""

    tariffs = ()

    def __init__(
        self, name: str = "there", fails: Fails = lambda name, earlier: None, not_ready: TranscribeError | None = None
    ) -> None:
        self.name = name
        self.fails = fails
        self.not_ready = not_ready
        self.tried: list[str] = []

    def check(self, jobs: Sequence[Job]) -> None:
        """Raise `not_ready`."""
        if self.not_ready is not None:
            raise self.not_ready

    def run(self, jobs: Iterable[Job], should_run: ShouldRun, should_stop: ShouldStop = never_stop) -> Generator[Outcome]:
        """As the contract says."""
        for job in jobs:
            if should_stop():
                return
            if not should_run(job):
                continue
            name = job.recording.name
            error = self.fails(name, self.tried.count(name))
            self.tried.append(name)
            if isinstance(error, NotReady):
                raise error
            yield Outcome(job, error=error, usage=(Usage(self.name, "place", error=error.code if error else ""),))


@pytest.fixture(autouse=True)
def _no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "retry_delay", lambda attempt, requested=None: 0.0)


def jobs(*names: str) -> list[Job]:
    """Jobs whose recordings are never opened."""
    top = Path("/aulas")
    spec = JobSpec()
    return [Job(Recording(top / name, top), spec, Output(top, name), Decision.TRANSCRIBE, "new") for name in names or NAMES]


def outcomes(backend: Backend, *names: str, should_run: ShouldRun = lambda job: True) -> dict[str, Outcome]:
    """The outcomes by name; exactly one per job."""
    found = list(backend.run(iter(jobs(*names)), should_run))
    by_name = {outcome.job.recording.name: outcome for outcome in found}
    assert len(by_name) == len(found)
    return by_name


def failing(times: int, error: TranscribeError, only: str = "") -> Fails:
    """The first `times` attempts at each recording fail, or those at one recording only."""
    return lambda name, earlier: error if earlier < times and name.startswith(only) else None


DOWN = BackendFailed("It is down.")


def test_failed_jobs_are_retried_and_reported() -> None:
    events: list[Event] = []
    backend = FakeBackend(fails=failing(2, DOWN, only="b"))
    found = outcomes(Retry(backend, 3, events.append))
    assert [found[name].error for name in NAMES] == [None, None, None]
    assert backend.tried.count("b.mp3") == 3
    assert [usage.error for usage in found["b.mp3"].usage] == ["place_failed", "place_failed", ""]
    reported = [(event.recording, event.message) for event in events if isinstance(event, AttemptFailed)]
    assert reported == [("b.mp3", f"It is down. Attempt {attempt} of 3 follows. It may be paid for twice.") for attempt in (2, 3)]


def test_attempts_are_limited() -> None:
    backend = FakeBackend(fails=failing(9, DOWN))
    found = outcomes(Retry(backend, 2, lambda event: None))
    assert {outcome.error for outcome in found.values()} == {DOWN}
    assert len(backend.tried) == 6


def test_a_limit_ends_the_run_during_a_delay_and_before_a_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unfinished jobs have no outcome, so the same command continues with them."""
    monkeypatch.setattr(retry, "retry_delay", lambda attempt, requested=None: 3600.0)
    first, other = FakeBackend(fails=failing(9, DOWN)), FakeBackend("other")
    reached: list[bool] = []
    backend = Failover([Retry(first, 3, lambda event: reached.append(True)), other], lambda event: None)
    assert list(backend.run(iter(jobs("a.mp3")), lambda job: True, lambda: bool(reached))) == []
    assert (first.tried, other.tried) == (["a.mp3"], [])


def test_a_limit_stops_all_threads() -> None:
    """They stop at once, as when the run is closed."""
    stop, started = StopFlag(), threading.Event()

    def run_job(job: Job, stop: StopFlag) -> Outcome:
        started.set()
        stop.wait(3600)
        return Outcome(job)

    assert list(run_in_threads(iter(jobs()), lambda job: True, started.is_set, run_job, 2, stop)) == []
    assert stop.is_set


def test_a_recordings_own_failure_is_final() -> None:
    backend, other = FakeBackend(fails=failing(9, TooLong("It is too long."), only="a")), FakeBackend("other")
    found = outcomes(Failover([Retry(backend, 3, lambda event: None), other], lambda event: None))
    assert isinstance(found["a.mp3"].error, TooLong)
    assert (len(backend.tried), other.tried) == (3, [])


def test_a_job_is_retried_before_the_others_end() -> None:
    backend = FakeBackend(fails=failing(1, DOWN, only="a"))
    outcomes(Retry(backend, 2, lambda event: None))
    assert backend.tried == ["a.mp3", "a.mp3", "b.mp3", "c.mp3"]


def test_refused_jobs_are_not_run() -> None:
    backend = FakeBackend(fails=failing(1, DOWN))
    found = outcomes(
        Failover([Retry(backend, 2, print), FakeBackend("other")], print), should_run=lambda job: job.recording.name != "b.mp3"
    )
    assert sorted(found) == ["a.mp3", "c.mp3"]


def test_jobs_that_fail_go_to_the_next_backend() -> None:
    events: list[Event] = []
    first, second = FakeBackend("first", failing(9, DOWN, only="b")), FakeBackend("second")
    found = outcomes(Failover([first, second], events.append))
    assert {outcome.error for outcome in found.values()} == {None}
    assert second.tried == ["b.mp3"]
    assert [usage.backend for usage in found["b.mp3"].usage] == ["first", "second"]
    assert "Continuing with second." in events[-1].as_record()["message"]


def test_the_next_backend_takes_over_when_one_becomes_unusable() -> None:
    gone = NotReady("The key was withdrawn.")
    first, second = FakeBackend("first", lambda name, earlier: gone if name == "b.mp3" else None), FakeBackend("second")
    found = outcomes(Failover([Retry(first, 3, print), second], print))
    assert sorted(found) == sorted(NAMES)
    assert (first.tried, second.tried) == (["a.mp3", "b.mp3"], ["b.mp3", "c.mp3"])


def test_jobs_that_were_taken_but_not_run_go_to_the_next_backend() -> None:
    """The local backend takes all jobs at once. Refused jobs go nowhere."""

    class Greedy(FakeBackend):
        def run(self, jobs: Iterable[Job], should_run: ShouldRun, should_stop: ShouldStop = never_stop) -> Generator[Outcome]:
            return super().run(tuple(jobs), should_run, should_stop)

    first = Greedy("first", lambda name, earlier: NotReady("The disk is full.") if name == "c.mp3" else None)
    second = FakeBackend("second")
    names = (*NAMES, "d.mp3", "e.mp3")
    found = outcomes(
        Failover([first, second], print), *names, should_run=lambda job: job.recording.name not in ("b.mp3", "e.mp3")
    )
    assert sorted(found) == ["a.mp3", "c.mp3", "d.mp3"]
    assert (first.tried, second.tried) == (["a.mp3", "c.mp3"], ["c.mp3", "d.mp3"])


def test_an_error_of_the_last_backend_ends_the_run() -> None:
    gone = NotReady("The key was withdrawn.")
    backends = [FakeBackend("first", failing(9, DOWN)), FakeBackend("second", lambda name, earlier: gone)]
    with pytest.raises(NotReady, match="withdrawn"):
        outcomes(Failover(backends, lambda event: None))


@pytest.mark.parametrize("error", [NotReady("No key."), UsageError("It has no diarization.")])
def test_an_unusable_backend_is_skipped(error: TranscribeError) -> None:
    events: list[Event] = []
    first, second = FakeBackend("first", not_ready=error), FakeBackend("second")
    both = Failover([first, second], events.append)
    both.check(jobs())
    outcomes(both)
    assert (first.tried, second.tried, both.name) == ([], list(NAMES), "second")
    assert "first is skipped" in events[0].as_record()["message"]


def test_without_a_usable_backend_the_first_error_is_raised() -> None:
    both = Failover(
        [FakeBackend(not_ready=NotReady("No key.")), FakeBackend(not_ready=NotReady("No model."))], lambda event: None
    )
    with pytest.raises(NotReady, match="No key"):
        both.check(jobs())


def test_a_backend_that_is_down_gets_no_jobs() -> None:
    names = [f"{number}.mp3" for number in range(20)]
    backend, other = FakeBackend("first", failing(99, DOWN)), FakeBackend("other")
    found = outcomes(Failover([Breaker(backend, print, max_failures=3, open_seconds=60.0), other], print), *names)
    assert backend.tried == names[:3]
    assert sorted(found) == sorted(names)
    assert {outcome.error for outcome in found.values()} == {None}


def test_after_the_open_time_one_job_is_a_probe() -> None:
    now = [0.0]
    backend = FakeBackend(fails=lambda name, earlier: DOWN if now[0] < 100 else None)
    breaker = Breaker(backend, lambda event: None, max_failures=2, open_seconds=60.0, clock=lambda: now[0])
    outcomes(breaker, *NAMES)
    assert len(backend.tried) == 2
    now[0] = 61.0
    outcomes(breaker, *NAMES)
    assert len(backend.tried) == 3
    now[0] = 130.0
    assert {outcome.error for outcome in outcomes(breaker, *NAMES).values()} == {None}


def test_a_recordings_own_failure_does_not_open_the_breaker() -> None:
    backend = FakeBackend(fails=failing(99, RecordingError("It is broken.")))
    outcomes(Breaker(backend, print, max_failures=2))
    assert backend.tried == list(NAMES)


def test_it_waits_as_long_as_the_backend_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[float | None] = []
    monkeypatch.setattr(retry, "retry_delay", lambda attempt, requested=None: requests.append(requested) or 0.0)
    outcomes(Retry(FakeBackend(fails=failing(1, BackendFailed("Too many.", retry_after=7.0))), 2, lambda event: None))
    assert requests == [7.0, 7.0, 7.0]
