"""Leaves a place alone that fails again and again, for a while; then it gets one job, to see.

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

# So many failures in a row, and so many seconds to leave it alone.
FAILURES = 5
REST_SECONDS = 60.0


class Breaker(Wrapper):
    """A backend that gives up quickly while its place is down.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        backend: Backend,
        emit: Emit,
        failures: int = FAILURES,
        rest: float = REST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(backend)
        self._emit = emit
        self._most = failures
        self._rest = rest
        self._clock = clock
        self._failures = 0
        self._until = 0.0

    def run(self, jobs: Iterable[Job], should_run: ShouldRun, should_stop: ShouldStop = never_stop) -> Generator[Outcome]:
        """See `Backend.run`; a job that comes while the place is left alone fails at once."""
        refused: list[Job] = []

        def may_begin(job: Job) -> bool:
            if self._is_open():
                refused.append(job)
                return False
            return should_run(job)

        with closing(self._backend.run(jobs, may_begin, should_stop)) as outcomes:
            for outcome in outcomes:
                yield from self._refusals(refused)
                self._learn(outcome)
                yield outcome
        yield from self._refusals(refused)

    def _is_open(self) -> bool:
        """Whether the place is left alone; after the rest one job may try, and the next one after another rest."""
        if self._failures < self._most:
            return False
        if (now := self._clock()) < self._until:
            return True
        self._until = now + self._rest
        return False

    def _learn(self, outcome: Outcome) -> None:
        if not isinstance(outcome.error, BackendFailed):
            self._failures = 0
            return
        self._failures += 1
        if self._failures == self._most:
            self._until = self._clock() + self._rest
            message = f"{self.name} failed {self._most} times in a row and is left alone for {self._rest:.0f} s."
            self._emit(Notice(message, "warning"))

    def _refusals(self, refused: list[Job]) -> Generator[Outcome]:
        while refused:
            wait = max(0.0, self._until - self._clock())
            error = BackendFailed(f"{self.name} is left alone for now, after {self._failures} failures.", retry_after=wait)
            yield Outcome(refused.pop(0), error=error)
