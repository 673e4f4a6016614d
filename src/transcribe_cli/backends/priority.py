"""Orders several backends: the cheapest or the fastest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from transcribe_cli.backends import Backend
from transcribe_cli.costs.estimate import Speed
from transcribe_cli.costs.remote_meter import LOCAL, RemoteMeter
from transcribe_cli.events import Emit, Notice


@dataclass(frozen=True)
class _Ranking:
    """A backend and its figure, in words too: USD per hour of audio, or seconds per second of audio; None when it is unknown."""

    backend: Backend
    figure: float | None
    words: str


class Priority:
    """Orders backends and reports the order.

    For a backend that charges by time, the cost of an hour of audio follows from its speed.

    Args:
        by: the criterion.
        meter: has the prices of the backends once they are checked.
        speed: the speed of a backend with these tariffs; None when it is unknown.
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
        """The best first; backends with an unknown figure last, in their given order."""
        rankings = [self._rank_by_cost(backend) if self._by == "cost" else self._rank_by_speed(backend) for backend in backends]
        rankings.sort(key=lambda ranking: (ranking.figure is None, ranking.figure or 0.0))
        order = ", then ".join(f"{ranking.backend.name} ({ranking.words})" for ranking in rankings)
        self._emit(Notice(f"Backends by {self._by}: {order}."))
        return [ranking.backend for ranking in rankings]

    def _rank_by_cost(self, backend: Backend) -> _Ranking:
        price = self._meter.price(backend.name)
        if price is None:
            is_local = backend.name == LOCAL
            return _Ranking(backend, 0.0, "your own machine") if is_local else _Ranking(backend, None, "price unknown")
        if price.per_audio_hour is not None:
            amount, origin = price.per_audio_hour, ""
        elif (speed := self._speed(backend.name, backend.tariffs)) is not None:
            amount, origin = price.amount(seconds=3600 / speed.rtfx, audio_seconds=0.0), f" at {_rate(speed)}"
        else:
            return _Ranking(backend, None, f"{price}, speed unknown")
        return _Ranking(backend, amount, f"{replace(price, per_hour=None, per_audio_hour=amount)}{origin}")

    def _rank_by_speed(self, backend: Backend) -> _Ranking:
        speed = self._speed(backend.name, backend.tariffs)
        return _Ranking(backend, 1 / speed.rtfx if speed else None, _rate(speed) if speed else "speed unknown")


def _rate(speed: Speed) -> str:
    return f"{speed.rtfx:.3g}x real time, {speed.origin}"
