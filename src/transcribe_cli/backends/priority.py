"""Which of several places comes first: the cheapest or the fastest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from transcribe_cli.backends import Backend
from transcribe_cli.costs.estimate import Speed
from transcribe_cli.costs.remote_meter import LOCAL, RemoteMeter
from transcribe_cli.events import Emit, Notice


@dataclass(frozen=True)
class _Standing:
    """A place, with what counts: USD for an hour of audio or seconds for a second of it, None where nobody knows; and that in words."""

    backend: Backend
    figure: float | None
    words: str


class Priority:
    """Puts places into an order, and says which.

    What an hour of audio costs at a place that charges for time follows from how fast it is.

    Args:
        by: what counts.
        meter: knows what places charge, once they are checked.
        speed: how fast one is that charges by these tariffs; None where nobody knows.
    """

    def __init__(
        self,
        by: Literal["cost", "speed"],
        meter: RemoteMeter,
        speed: Callable[[str, tuple[str, ...]], Speed | None],
        emit: Emit,
    ) -> None:
        self._by = by
        self._meter = meter
        self._speed = speed
        self._emit = emit

    def ordered(self, backends: Sequence[Backend]) -> list[Backend]:
        """The best first; those of which nothing is known last, among themselves as they were."""
        standings = [self._cost(backend) if self._by == "cost" else self._rate(backend) for backend in backends]
        standings.sort(key=lambda standing: (standing.figure is None, standing.figure or 0.0))
        told = ", then ".join(f"{standing.backend.name} ({standing.words})" for standing in standings)
        self._emit(Notice(f"By {self._by}: first {told}."))
        return [standing.backend for standing in standings]

    def _cost(self, backend: Backend) -> _Standing:
        price = self._meter.price(backend.name)
        if price is None:
            return _Standing(backend, 0.0, "yours") if backend.name == LOCAL else _Standing(backend, None, "price not known")
        if price.per_audio_hour is not None:
            amount, origin = price.per_audio_hour, ""
        elif (speed := self._speed(backend.name, backend.tariffs)) is not None:
            amount, origin = price.amount(seconds=3600 / speed.rtfx, audio_seconds=0.0), f" at {_rate(speed)}"
        else:
            return _Standing(backend, None, f"{price}, speed not known")
        return _Standing(backend, amount, f"{replace(price, per_hour=None, per_audio_hour=amount)}{origin}")

    def _rate(self, backend: Backend) -> _Standing:
        speed = self._speed(backend.name, backend.tariffs)
        return _Standing(backend, 1 / speed.rtfx if speed else None, _rate(speed) if speed else "speed not known")


def _rate(speed: Speed) -> str:
    return f"{speed.rtfx:.3g}x real time, {speed.origin}"
