"""Several places, in order: what one fails at goes to the next. A recording's own failure goes nowhere."""

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
        priority: puts those that can be used into another order.
    """

    def __init__(self, backends: Sequence[Backend], emit: Emit, priority: Priority | None = None) -> None:
        self._backends = list(backends)
        self._emit = emit
        self._priority = priority

    @property
    def name(self) -> str:
        """That of the first."""
        return self._backends[0].name

    @property
    def tariffs(self) -> tuple[str, ...]:
        """Those of the first."""
        return self._backends[0].tariffs

    def check(self, jobs: Sequence[Job]) -> None:
        """Leave out those that cannot be used, and put the others into their order.

        Raises:
            UsageError, NotReady: that of the first, when none can.
        """
        usable, first = [], None
        for backend in self._backends:
            try:
                backend.check(jobs)
                usable.append(backend)
            except (UsageError, NotReady) as error:
                first = first or error
                self._emit(Notice(f"{backend.name} is left out: {error}", "warning"))
        if not usable and first is not None:
            raise first
        self._backends = self._priority.ordered(usable) if self._priority and len(usable) > 1 else usable

    def run(self, jobs: Iterable[Job], should_run: ShouldRun, should_stop: ShouldStop = never_stop) -> Generator[Outcome]:
        """See `Backend.run`."""
        left: Iterable[Job] = jobs
        before: dict[str, tuple[Usage, ...]] = {}
        for number, backend in enumerate(self._backends):
            last = number == len(self._backends) - 1
            passed_on: list[Job] = []
            rest = iter(left)
            taken: dict[str, Job] = {}
            try:
                with closing(backend.run(_noting(rest, taken), _minding(should_run, taken), should_stop)) as outcomes:
                    for outcome in outcomes:
                        uri = outcome.job.recording.uri
                        taken.pop(uri, None)
                        usage = (*before.get(uri, ()), *outcome.usage)
                        if isinstance(outcome.error, BackendFailed) and not last:
                            before[uri] = usage
                            passed_on.append(outcome.job)
                        else:
                            yield replace(outcome, usage=usage)
            except NotReady as error:
                if last:
                    raise
                self._tell(backend, self._backends[number + 1], error.message)
                passed_on += taken.values()
                left = [*passed_on, *rest]
                continue
            if not passed_on or should_stop():
                return
            left = passed_on
            self._tell(backend, self._backends[number + 1], f"{len(passed_on)} of its recordings failed there.")

    def _tell(self, backend: Backend, following: Backend, why: str) -> None:
        self._emit(Notice(f"{backend.name}: {why} The rest goes to {following.name}.", "warning"))


def _noting(jobs: Iterator[Job], taken: dict[str, Job]) -> Iterator[Job]:
    """The jobs; what a place takes, perhaps long before it begins it, is noted."""
    for job in jobs:
        taken[job.recording.uri] = job
        yield job


def _minding(should_run: ShouldRun, taken: dict[str, Job]) -> ShouldRun:
    """The same question; what nobody wants is not for another place either."""

    def asked(job: Job) -> bool:
        if not (answer := should_run(job)):
            taken.pop(job.recording.uri, None)
        return answer

    return asked
