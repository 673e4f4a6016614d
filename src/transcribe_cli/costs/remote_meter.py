"""What a run at rented places has cost so far, and whose that is: attempts that ended, and those under way.

A place charges for the hours of a machine that computes, or for the hours of audio that it takes. Attempts that fail are charged too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from transcribe_cli.costs.estimate import cost_of
from transcribe_cli.costs.meter import LocalMeter
from transcribe_cli.costs.prices import Price, PriceList
from transcribe_cli.costs.usage import Usage
from transcribe_cli.events import Event, RecordingDone, RecordingFailed, RecordingSent, RecordingStarted, RecordingTaken
from transcribe_cli.transcript import Cost

# The code of attempts that were under way when the run ended.
CANCELLED = "cancelled"
LOCAL = "local"


@dataclass
class _UnderWay:
    """An attempt that has not ended; `audio` in seconds, `began` when a machine took it, on the clock of the bill."""

    backend: str
    place: str
    job: str
    audio: float | None = None
    bytes: int = 0
    began: float | None = None


class RemoteMeter:
    """What the places of a run charge, as far as it is known; from any thread.

    Args:
        prices: the list of them, asked for when the first place says what it charges by; may take a moment.
        here: what an hour of this machine costs, which may do what others fail at. It counts while it works; None: it is yours.
        clock: seconds.
    """

    def __init__(
        self, prices: Callable[[], PriceList], here: Price | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._ask = prices
        self._list: PriceList | None = None
        self._clock = clock
        self.here = here
        self._machine = LocalMeter(here, clock)
        self._changing = threading.Lock()
        self._prices: dict[str, Price | None] = {}
        self._spent: dict[str, float | None] = {}
        self._under_way: dict[str, _UnderWay] = {}
        self._costs: dict[str, list[Cost | None]] = {}

    def add_backend(self, backend: str, tariffs: tuple[str, ...]) -> Price | None:
        """What a place charges that said by what: the dearest of it, None when a part of that is not known. One place at a time."""
        if self._list is None:
            self._list = self._ask()
        price = self._prices[backend] = self._list.price_of(*tariffs)
        return price

    def unlisted_tariffs(self, tariffs: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the tariffs of an opened place that have no price."""
        return () if self._list is None else self._list.unlisted(*tariffs)

    def price(self, backend: str) -> Price | None:
        """What a place charges; None when nobody knows, or it was not opened."""
        return self.here if backend == LOCAL else self._prices.get(backend)

    def total_cost(self) -> float | None:
        """USD of all attempts, until now for those under way; None when one is at a place whose price is not known.

        So it is when only this machine has worked, and has no price.
        """
        amounts = self.cost_by_backend().values()
        known = [amount for amount in amounts if amount is not None]
        with self._changing:
            only_here = not amounts and self._machine.working > 0
        return None if only_here or len(known) < len(amounts) else round(sum(known), 6)

    def cost_by_backend(self) -> Mapping[str, float | None]:
        """The same for each place that had something to do. This machine is among them when it has a price."""
        with self._changing:
            amounts = dict(self._spent)
            for attempt in self._under_way.values():
                before, now = amounts.get(attempt.backend, 0.0), self._until_now(attempt)
                amounts[attempt.backend] = None if before is None or now is None else before + now
            if self.here is not None and (worked := self._machine.working):
                amounts[LOCAL] = self.here.amount(seconds=worked, audio_seconds=0)
        return {backend: None if amount is None else round(amount, 6) for backend, amount in amounts.items()}

    def recording_cost(self, recording: str) -> Cost | None:
        """What all attempts at a recording cost; None when there was none, or one whose cost nobody knows."""
        with self._changing:
            costs = list(self._costs.get(recording, ()))
            if (here := self._machine.recording_cost(recording)) is not None:
                costs.append(here)
        whole = None
        for cost in costs:
            if cost is None:
                return None
            whole = cost.plus(whole)
        return whole

    def on_event(self, event: Event) -> None:
        """An attempt is sent, taken by a worker, or made on this machine; a recording is done with."""
        with self._changing:
            match event:
                case RecordingStarted(backend=backend) if backend == LOCAL:
                    self._machine.on_event(event)
                case RecordingSent(recording=name):
                    self._under_way[name] = _UnderWay(event.backend, event.place, event.job, event.duration, event.bytes)
                case RecordingTaken(recording=name):  # one of an earlier run was not sent in this one
                    attempt = self._under_way.setdefault(name, _UnderWay(event.backend, event.place, event.job))
                    attempt.began = self._clock() - event.seconds
                case RecordingDone(recording=name) | RecordingFailed(recording=name):
                    self._machine.on_event(event)
                    self._costs.pop(name, None)
                case _:
                    pass

    def end_attempt(self, recording: str, usage: Usage) -> Usage:
        """An attempt ended: the same with its cost.

        Where the place does not say for how long it computed, the time since it was seen to begin counts. Where nobody saw that either, as
        of a job that was lost when it was sent, the attempt is in no sum.
        """
        with self._changing:
            attempt = self._under_way.pop(recording, None)
            computing = usage.computing
            if computing is None and attempt is not None and attempt.began is not None:
                computing = round(self._clock() - attempt.began, 3)
            price = self._price_of(usage)
            cost = None if price is None else _cost(price, replace(usage, computing=computing))
            self._charge(usage.backend, price, cost)
            if cost is not None or price is None or not usage.error:
                self._costs.setdefault(recording, []).append(cost)
        return replace(usage, computing=computing, cost=cost.amount if cost else None)

    def drop_attempt(self, recording: str) -> None:
        """It is under way elsewhere and stays there: whoever collects it pays."""
        with self._changing:
            self._under_way.pop(recording, None)

    def cancel_attempts(self, backend: str) -> Iterator[tuple[str, Usage]]:
        """What is under way at a place was stopped: the recordings, and what their attempts took until now."""
        with self._changing:
            found = [(name, attempt) for name, attempt in self._under_way.items() if attempt.backend == backend]
        for name, attempt in found:
            computing = 0.0 if attempt.began is None else None  # until now, see `end_attempt`
            usage = Usage(
                attempt.backend,
                attempt.place,
                job_id=attempt.job,
                computing=computing,
                queued=None,
                audio=attempt.audio,
                bytes_sent=attempt.bytes,
                error=CANCELLED,
            )
            yield name, self.end_attempt(name, usage)

    def _charge(self, backend: str, price: Price | None, cost: Cost | None) -> None:
        before = self._spent.get(backend, 0.0)
        unknown = before is None or price is None
        self._spent[backend] = None if unknown else (before or 0.0) + (cost.amount if cost else 0.0)

    def _price_of(self, usage: Usage) -> Price | None:
        if self._list is None or not usage.tariffs:
            return self._prices.get(usage.backend)
        return self._list.price_of(*usage.tariffs)

    def _until_now(self, attempt: _UnderWay) -> float | None:
        """USD that an attempt has cost; what is paid for audio is paid when it is sent."""
        if (price := self._prices.get(attempt.backend)) is None:
            return None
        seconds = 0.0 if attempt.began is None else self._clock() - attempt.began
        return price.amount(seconds=seconds, audio_seconds=attempt.audio or 0.0)


def _cost(price: Price, usage: Usage) -> Cost | None:
    """None when nobody knows how much it was."""
    if price.per_audio_hour is not None:
        return None if usage.audio is None else cost_of(price, seconds=usage.computing or None, audio_seconds=usage.audio)
    return None if usage.computing is None else cost_of(price, seconds=usage.computing)
