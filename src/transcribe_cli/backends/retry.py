"""Tries again what a place failed at, after a delay that grows, and says what that may cost."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace

from transcribe_cli.backends import Backend, ShouldRun, ShouldStop, never_stop
from transcribe_cli.backends.http import retry_delay
from transcribe_cli.backends.wrapper import Wrapper
from transcribe_cli.costs.usage import Usage
from transcribe_cli.errors import BackendFailed
from transcribe_cli.events import AttemptFailed, Emit
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Job

# How often a limit is looked at during a delay, in seconds.
_LOOK_SECONDS = 0.5


@dataclass
class _Failed:
    """A job that is to be tried again from `when` on, on the monotonic clock."""

    job: Job
    when: float


@dataclass
class _Row(Iterator[Job]):
    """Jobs in their order; those to be tried again come as soon as their delay is over, also after the others have ended."""

    fresh: Iterator[Job]
    failed: deque[_Failed] = field(default_factory=deque)

    def __next__(self) -> Job:
        for again in self.failed:
            if again.when <= time.monotonic():
                self.failed.remove(again)
                return again.job
        return next(self.fresh)


class Retry(Wrapper):
    """A backend that tries each job up to `attempts` times where the place fails."""

    def __init__(self, backend: Backend, attempts: int, emit: Emit) -> None:
        super().__init__(backend)
        self._attempts = attempts
        self._emit = emit

    def run(self, jobs: Iterable[Job], should_run: ShouldRun, should_stop: ShouldStop = never_stop) -> Generator[Outcome]:
        """See `Backend.run`."""
        row = _Row(iter(jobs))
        before: dict[str, tuple[Usage, ...]] = {}
        tries: dict[str, int] = {}
        while True:
            with closing(self._backend.run(row, should_run, should_stop)) as outcomes:
                for outcome in outcomes:
                    uri = outcome.job.recording.uri
                    usage = (*before.get(uri, ()), *outcome.usage)
                    tries[uri] = tries.get(uri, 0) + 1
                    if isinstance(outcome.error, BackendFailed) and outcome.transcript is None and tries[uri] < self._attempts:
                        before[uri] = usage
                        wait = retry_delay(tries[uri], outcome.error.retry_after)
                        row.failed.append(_Failed(outcome.job, time.monotonic() + wait))
                        self._tell(outcome, outcome.error, tries[uri] + 1)
                    else:
                        yield replace(outcome, usage=usage)
            # Nothing else is under way: wait for the first of them.
            while row.failed and not should_stop() and (left := min(again.when for again in row.failed) - time.monotonic()) > 0:
                time.sleep(min(left, _LOOK_SECONDS))
            if not row.failed or should_stop():
                return

    def _tell(self, outcome: Outcome, error: BackendFailed, attempt: int) -> None:
        paid = " It may be paid for twice." if outcome.usage else ""
        message = f"{error.message} Try {attempt} of {self._attempts}.{paid}"
        seconds = sum(usage.computing or 0.0 for usage in outcome.usage)
        known = [usage.cost for usage in outcome.usage if usage.cost is not None]
        spent = sum(known) if known else None
        self._emit(AttemptFailed(outcome.job.recording.label, error.code, message, round(seconds, 3), spent, self.name))
