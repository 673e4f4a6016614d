"""Adds the cost of each attempt to its usage, and emits an event for it before a retry."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import replace

from transcribe_cli.backends import Backend, ShouldRun, ShouldStop, never_stop
from transcribe_cli.backends.wrapper import Wrapper
from transcribe_cli.costs.prices import Price
from transcribe_cli.costs.remote_meter import RemoteMeter
from transcribe_cli.costs.usage import Usage
from transcribe_cli.errors import UsageError
from transcribe_cli.events import AttemptEnded, Emit, Notice
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Job
from transcribe_cli.settings import Settings


class Metered(Wrapper):
    """A backend whose attempts are metered."""

    def __init__(self, backend: Backend, meter: RemoteMeter, settings: Settings, emit: Emit) -> None:
        super().__init__(backend)
        self._meter = meter
        self._settings = settings
        self._emit = emit

    def check(self, jobs: Sequence[Job]) -> None:
        """See `Backend.check`; also reports the price.

        Raises:
            UsageError: the price is unknown and `--max-cost` is set.
        """
        super().check(jobs)
        price = self._meter.add_backend(self.name, self.tariffs)
        if price is None and self._settings.max_cost is not None:
            unlisted = _in_brackets(self._meter.unlisted_tariffs(self.tariffs))
            message = f"--max-cost cannot be enforced: the price of {self.name} is unknown{unlisted}."
            raise UsageError(message, "Set it in a file for --prices; docs/costs.md shows how.")
        self._emit(Notice(self._price_message(price)))

    def run(self, jobs: Iterable[Job], should_run: ShouldRun, should_stop: ShouldStop = never_stop) -> Generator[Outcome]:
        """See `Backend.run`; each outcome's usage has its cost."""
        try:
            with closing(self._backend.run(jobs, should_run, should_stop)) as outcomes:
                for outcome in outcomes:
                    label = outcome.job.recording.label
                    usage = tuple(self._meter.end_attempt(label, attempt) for attempt in outcome.usage)
                    self._meter.drop_attempt(label)
                    for attempt in usage:
                        self._report(label, attempt)
                    yield replace(outcome, usage=usage)
        finally:
            for label, attempt in self._meter.cancel_attempts(self.name):
                self._report(label, attempt)

    def _price_message(self, price: Price | None) -> str:
        if price is None:
            unlisted = _in_brackets(self._meter.unlisted_tariffs(self.tariffs))
            return f"The price of {self.name} is unknown{unlisted}, so the cost of this run is unknown. Set it with --prices."
        at_most = "at most " if len(self.tariffs) > 1 else ""
        date = f" ({price.as_of})" if price.as_of else ""
        return f"{self.name} charges {at_most}{price}{_in_brackets(self.tariffs)}, according to {price.source}{date}."

    def _report(self, recording: str, attempt: Usage) -> None:
        self._emit(
            AttemptEnded(
                recording,
                backend=attempt.backend,
                place=attempt.place,
                job=attempt.job_id,
                computing=attempt.computing,
                queued=attempt.queued,
                audio=attempt.audio,
                bytes=attempt.bytes_sent,
                cost=attempt.cost,
                error=attempt.error,
                perhaps_again=attempt.perhaps_again,
            )
        )


def _in_brackets(tariffs: Sequence[str]) -> str:
    """Their names, such as ` (ADA_24)`; empty without any."""
    return f" ({', '.join(tariff.partition('.')[2] or tariff for tariff in tariffs)})" if tariffs else ""
