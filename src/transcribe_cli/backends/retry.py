"""Retries jobs that a backend failed at, after a growing delay, and reports each failed attempt with its cost."""

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

# Interval at which `should_stop` is polled during a delay, in seconds.
_POLL_SECONDS = 0.5


@dataclass
class _DelayedJob:
    """A job to retry from `due` on, on the monotonic clock."""

    job: Job
    due: float


@dataclass
class _JobQueue(Iterator[Job]):
    """New jobs in their order. A delayed job comes first once it is due, and also after the last new job."""

    new_jobs: Iterator[Job]
    delayed: deque[_DelayedJob] = field(default_factory=deque)

    def __next__(self) -> Job:
        for retry in self.delayed:
            if retry.due <= time.monotonic():
                self.delayed.remove(retry)
                return retry.job
        return next(self.new_jobs)


class Retry(Wrapper):
    """A backend that makes up to `attempts` attempts at each job while the wrapped backend fails."""

    def __init__(self, backend: Backend, attempts: int, emit: Emit) -> None:
        super().__init__(backend)
        self._attempts = attempts
        self._emit = emit

    def run(self, jobs: Iterable[Job], should_run: ShouldRun, should_stop: ShouldStop = never_stop) -> Generator[Outcome]:
        """See `Backend.run`."""
        queue = _JobQueue(iter(jobs))
        earlier_usage: dict[str, tuple[Usage, ...]] = {}
        attempts: dict[str, int] = {}
        while True:
            with closing(self._backend.run(queue, should_run, should_stop)) as outcomes:
                for outcome in outcomes:
                    uri = outcome.job.recording.uri
                    usage = (*earlier_usage.get(uri, ()), *outcome.usage)
                    attempts[uri] = attempts.get(uri, 0) + 1
                    error = outcome.error
                    if isinstance(error, BackendFailed) and outcome.transcript is None and attempts[uri] < self._attempts:
                        earlier_usage[uri] = usage
                        delay = retry_delay(attempts[uri], error.retry_after)
                        queue.delayed.append(_DelayedJob(outcome.job, time.monotonic() + delay))
                        self._report(outcome, error, attempts[uri] + 1)
                    else:
                        yield replace(outcome, usage=usage)
            # Nothing is running: wait for the first delayed job.
            while queue.delayed and not should_stop() and (left := min(job.due for job in queue.delayed) - time.monotonic()) > 0:
                time.sleep(min(left, _POLL_SECONDS))
            if not queue.delayed or should_stop():
                return

    def _report(self, outcome: Outcome, error: BackendFailed, attempt: int) -> None:
        paid = " It may be paid for twice." if outcome.usage else ""
        message = f"{error.message} Attempt {attempt} of {self._attempts} follows.{paid}"
        seconds = sum(usage.computing or 0.0 for usage in outcome.usage)
        known = [usage.cost for usage in outcome.usage if usage.cost is not None]
        spent = sum(known) if known else None
        self._emit(AttemptFailed(outcome.job.recording.label, error.code, message, round(seconds, 3), spent, self.name))
