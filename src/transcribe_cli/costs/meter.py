"""What a run has cost so far, and whose share that is: the contract, and the meter of this machine. `bill` is that of rented places."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from transcribe_cli.costs.estimate import cost_of
from transcribe_cli.costs.prices import Price
from transcribe_cli.events import Event, RecordingDone, RecordingFailed, RecordingStarted
from transcribe_cli.transcript import Cost


class Meter(Protocol):
    """What a run is asked for its cost. `total_cost` from any thread, the others from one at a time."""

    def total_cost(self) -> float | None:
        """USD since the run began, also for what is not finished; None when there is no price."""
        ...

    def cost_by_backend(self) -> Mapping[str, float | None]:
        """The same for each place that had to be paid, where several could be."""
        ...

    def on_event(self, event: Event) -> None:
        """Something happened in the run."""
        ...

    def recording_cost(self, recording: str) -> Cost | None:
        """What this recording has cost so far; None when nobody knows, or nothing was done to it. Asked before its end is heard."""
        ...


class LocalMeter:
    """What a run on this machine has cost so far, and whose share that is.

    The machine is paid for by the hour, whatever it does. Recordings that are worked on side by side share its time equally, as they
    share its batches; the time in which there is none, while the model is loaded, is nobody's. So the shares never add up to more than
    the whole. Not for several threads at once.

    Args:
        price: of an hour of this machine; None where nobody said.
        clock: seconds.
    """

    def __init__(self, price: Price | None, clock: Callable[[], float] = time.perf_counter) -> None:
        self._price = price
        self._clock = clock
        self._began = self._counted = clock()
        self._working = 0.0
        self._shares: dict[str, float] = {}

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return self._clock() - self._began

    @property
    def working(self) -> float:
        """Seconds in which there was a recording to work on."""
        self._count()
        return self._working

    def total_cost(self) -> float | None:
        """USD since the run began; None when there is no price."""
        return None if self._price is None else round(self._price.amount(seconds=self.seconds, audio_seconds=0), 6)

    def cost_by_backend(self) -> Mapping[str, float | None]:
        """There is one place, whose cost the run's is."""
        return {}

    def on_event(self, event: Event) -> None:
        """Who is worked on: from the beginning of a recording to its end."""
        match event:
            case RecordingStarted(recording=name):
                self._count()
                self._shares.setdefault(name, 0.0)
            case RecordingDone(recording=name) | RecordingFailed(recording=name) if name in self._shares:
                self._count()
                del self._shares[name]
            case _:
                pass

    def recording_cost(self, recording: str) -> Cost | None:
        """What this recording has cost so far; None when there is no price, or nothing was done to it."""
        self._count()
        if self._price is None or recording not in self._shares:
            return None
        return cost_of(self._price, seconds=self._shares[recording])

    def _count(self) -> None:
        now = self._clock()
        if self._shares:
            self._working += now - self._counted
        for name in self._shares:
            self._shares[name] += (now - self._counted) / len(self._shares)
        self._counted = now
