"""Several backends in order: jobs that fail at one go to the next. A recording's own failure is final."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from transcribe_cli.backends import Backend, ShouldRun, ShouldStop, never_stop
from transcribe_cli.backends.priority import Priority
from transcribe_cli.costs.usage import Usage
from transcribe_cli.errors import BackendFailed, NotReady, UsageError
from transcribe_cli.events import Emit, Notice
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Job


class Failover:
    """A backend made of several, the preferred one first.

    Args:
        priority: reorders the usable backends.
    """

    def __init__(self, backends: Sequence[Backend], emit: Emit, priority: Priority | None = None) -> None:
        self._backends = list(backends)
        self._emit = emit
        self._priority = priority

    @property
    def name(self) -> str:
        """That of the first backend."""
        return self._backends[0].name

    @property
    def tariffs(self) -> tuple[str, ...]:
        """Those of the first backend."""
        return self._backends[0].tariffs

    def check(self, jobs: Sequence[Job]) -> None:
        """Drop the backends that cannot be used, and order the others.

        Raises:
            UsageError, NotReady: the first backend's error, when none can be used.
        """
        usable, first_error = [], None
        for backend in self._backends:
            try:
                backend.check(jobs)
                usable.append(backend)
            except (UsageError, NotReady) as error:
                first_error = first_error or error
                self._emit(Notice(f"{backend.name} is skipped: {error}", "warning"))
        if not usable and first_error is not None:
            raise first_error
        self._backends = self._priority.ordered(usable) if self._priority and len(usable) > 1 else usable

    def run(self, jobs: Iterable[Job], should_run: ShouldRun, should_stop: ShouldStop = never_stop) -> Generator[Outcome]:
        """See `Backend.run`."""
        remaining: Iterable[Job] = jobs
        earlier_usage: dict[str, tuple[Usage, ...]] = {}
        for number, backend in enumerate(self._backends):
            is_last = number == len(self._backends) - 1
            failed: list[Job] = []
            queue = iter(remaining)
            unfinished: dict[str, Job] = {}
            try:
                tracked, should_run_tracked = _track_taken(queue, unfinished), _drop_refused(should_run, unfinished)
                with closing(backend.run(tracked, should_run_tracked, should_stop)) as outcomes:
                    for outcome in outcomes:
                        uri = outcome.job.recording.uri
                        unfinished.pop(uri, None)
                        usage = (*earlier_usage.get(uri, ()), *outcome.usage)
                        if isinstance(outcome.error, BackendFailed) and not is_last:
                            earlier_usage[uri] = usage
                            failed.append(outcome.job)
                        else:
                            yield replace(outcome, usage=usage)
            except NotReady as error:
                if is_last:
                    raise
                self._report_switch(backend, self._backends[number + 1], error.message)
                remaining = [*failed, *unfinished.values(), *queue]
                continue
            if not failed or should_stop():
                return
            remaining = failed
            self._report_switch(backend, self._backends[number + 1], f"{len(failed)} of its recordings failed.")

    def _report_switch(self, backend: Backend, following: Backend, reason: str) -> None:
        self._emit(Notice(f"{backend.name}: {reason} Continuing with {following.name}.", "warning"))


def _track_taken(jobs: Iterator[Job], unfinished: dict[str, Job]) -> Iterator[Job]:
    """The jobs; each is added to `unfinished` when the backend takes it, which may be long before it starts it."""
    for job in jobs:
        unfinished[job.recording.uri] = job
        yield job


def _drop_refused(should_run: ShouldRun, unfinished: dict[str, Job]) -> ShouldRun:
    """The same callback; jobs that it refuses are removed from `unfinished`, so no other backend gets them."""

    def should_run_tracked(job: Job) -> bool:
        if not (is_accepted := should_run(job)):
            unfinished.pop(job.recording.uri, None)
        return is_accepted

    return should_run_tracked
