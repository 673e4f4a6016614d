"""A circuit breaker: a backend that fails repeatedly gets no jobs for a while, then one job as a probe.

https://martinfowler.com/bliki/CircuitBreaker.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing

from transcribe_cli.backends import Backend, ShouldRun, ShouldStop, never_stop
from transcribe_cli.backends.wrapper import Wrapper
from transcribe_cli.errors import BackendFailed
from transcribe_cli.events import Emit, Notice
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Job

# Consecutive failures that open the breaker, and the seconds that it stays open.
MAX_FAILURES = 5
OPEN_SECONDS = 60.0


class Breaker(Wrapper):
    """A backend that fails fast while the wrapped backend is down.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        backend: Backend,
        emit: Emit,
        max_failures: int = MAX_FAILURES,
        open_seconds: float = OPEN_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(backend)
        self._emit = emit
        self._max_failures = max_failures
        self._open_seconds = open_seconds
        self._clock = clock
        self._consecutive_failures = 0
        self._open_until = 0.0

    def run(self, jobs: Iterable[Job], should_run: ShouldRun, should_stop: ShouldStop = never_stop) -> Generator[Outcome]:
        """See `Backend.run`; a job that arrives while the breaker is open fails at once."""
        rejected: list[Job] = []

        def should_run_if_closed(job: Job) -> bool:
            if self._is_open():
                rejected.append(job)
                return False
            return should_run(job)

        with closing(self._backend.run(jobs, should_run_if_closed, should_stop)) as outcomes:
            for outcome in outcomes:
                yield from self._rejections(rejected)
                self._record(outcome)
                yield outcome
        yield from self._rejections(rejected)

    def _is_open(self) -> bool:
        """Whether jobs are rejected. When the open time is over, one job passes and the time starts anew."""
        if self._consecutive_failures < self._max_failures:
            return False
        if (now := self._clock()) < self._open_until:
            return True
        self._open_until = now + self._open_seconds
        return False

    def _record(self, outcome: Outcome) -> None:
        if not isinstance(outcome.error, BackendFailed):
            self._consecutive_failures = 0
            return
        self._consecutive_failures += 1
        if self._consecutive_failures == self._max_failures:
            self._open_until = self._clock() + self._open_seconds
            message = f"{self.name} failed {self._max_failures} times in a row and gets no jobs for {self._open_seconds:.0f} s."
            self._emit(Notice(message, "warning"))

    def _rejections(self, rejected: list[Job]) -> Generator[Outcome]:
        while rejected:
            wait = max(0.0, self._open_until - self._clock())
            message = f"{self.name} gets no jobs for now, after {self._consecutive_failures} failures in a row."
            yield Outcome(rejected.pop(0), error=BackendFailed(message, retry_after=wait))
