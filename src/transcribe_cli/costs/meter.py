"""The cost of a run so far, and of each of its recordings: the contract, and the meter of this machine.

`remote_meter` has the meter of backends that charge.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from transcribe_cli.costs.estimate import cost_of
from transcribe_cli.costs.prices import Price
from transcribe_cli.events import Event, RecordingDone, RecordingFailed, RecordingStarted
from transcribe_cli.transcript import Cost


class Meter(Protocol):
    """Measures the cost of a run. `total_cost` may be called from any thread, the other methods from one thread at a time."""

    def total_cost(self) -> float | None:
        """USD since the run started, including unfinished work; None without a price."""
        ...

    def cost_by_backend(self) -> Mapping[str, float | None]:
        """The same for each backend that charges, if a run can use several."""
        ...

    def on_event(self, event: Event) -> None:
        """Receive an event of the run."""
        ...

    def recording_cost(self, recording: str, seconds: float = 0.0) -> Cost | None:
        """The cost of a recording so far; None if it is not known, or without work on it. Called before the recording's final event.

        `seconds` is its share of the time of the machine that finished it, see `pipeline.time_shares`; 0.0 if it is not known.
        """
        ...


class LocalMeter:
    """Measures the cost of a run on this machine. Not thread-safe.

    The machine is charged by the hour, whatever it does. A recording is charged for its share of the time, as in `timing.total` of its
    transcript, so the costs of the recordings add up to that of the run. Where the share is not known, because the recording moved on to
    another backend, recordings in progress share the time equally.

    Args:
        price: of an hour of this machine; None if it is not known.
        clock: seconds.
    """

    def __init__(self, price: Price | None, clock: Callable[[], float] = time.perf_counter) -> None:
        self._price = price
        self._clock = clock
        self._started_at = self._counted_until = clock()
        self._busy_seconds = 0.0
        self._shares: dict[str, float] = {}

    @property
    def seconds(self) -> float:
        """Seconds since the run started."""
        return self._clock() - self._started_at

    @property
    def busy_seconds(self) -> float:
        """Seconds during which at least one recording was in progress."""
        self._count()
        return self._busy_seconds

    def total_cost(self) -> float | None:
        """USD since the run started; None without a price."""
        return None if self._price is None else round(self._price.amount(seconds=self.seconds, audio_seconds=0), 6)

    def cost_by_backend(self) -> Mapping[str, float | None]:
        """Empty: the run has one backend, and its cost is the total."""
        return {}

    def on_event(self, event: Event) -> None:
        """Track which recordings are in progress."""
        match event:
            case RecordingStarted(recording=name):
                self._count()
                self._shares.setdefault(name, 0.0)
            case RecordingDone(recording=name) | RecordingFailed(recording=name) if name in self._shares:
                self._count()
                del self._shares[name]
            case _:
                pass

    def recording_cost(self, recording: str, seconds: float = 0.0) -> Cost | None:
        """The cost of a recording so far; None without a price, or without `seconds` if the recording is not in progress."""
        self._count()
        seconds = seconds or self._shares.get(recording, 0.0)
        return cost_of(self._price, seconds=seconds) if self._price and (seconds or recording in self._shares) else None

    def _count(self) -> None:
        """Add the time since the last call to the recordings in progress."""
        now = self._clock()
        if self._shares:
            self._busy_seconds += now - self._counted_until
        for name in self._shares:
            self._shares[name] += (now - self._counted_until) / len(self._shares)
        self._counted_until = now
