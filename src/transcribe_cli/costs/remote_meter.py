"""The cost of a run on backends that charge, in total and by recording: of attempts that have ended, and of those in progress.

A backend charges for the hours of a machine that computes, or for the hours of audio that it receives. Failed attempts are charged too.
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

# The error code of attempts that were in progress when the run ended.
CANCELLED = "cancelled"
LOCAL = "local"


@dataclass
class _RunningAttempt:
    """An attempt in progress. `audio` is in seconds; `started_at` is when a machine took it, on the meter's clock."""

    backend: str
    place: str
    job: str
    audio: float | None = None
    bytes: int = 0
    started_at: float | None = None


class RemoteMeter:
    """Measures what the backends of a run charge, as far as it is known. Thread-safe.

    Args:
        load_prices: returns the price list; called when the first backend is added, may take a moment.
        local_price: of an hour of this machine, which may be a fallback. It is charged while it works; None: it costs nothing.
        clock: seconds.
    """

    def __init__(
        self,
        load_prices: Callable[[], PriceList],
        local_price: Price | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._load_prices = load_prices
        self._price_list: PriceList | None = None
        self._clock = clock
        self._local_price = local_price
        self._local_meter = LocalMeter(local_price, clock)
        self._lock = threading.Lock()
        self._prices: dict[str, Price | None] = {}
        self._spent: dict[str, float | None] = {}
        self._running: dict[str, _RunningAttempt] = {}
        self._costs: dict[str, list[Cost | None]] = {}
        self._here: set[str] = set()  # recordings whose last attempt is on this machine

    def add_backend(self, backend: str, tariffs: tuple[str, ...]) -> Price | None:
        """Look up what a backend charges: the highest of its tariffs; None if one of them has no price. Not thread-safe."""
        if self._price_list is None:
            self._price_list = self._load_prices()
        price = self._prices[backend] = self._price_list.price_of(*tariffs)
        return price

    def unlisted_tariffs(self, tariffs: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the tariffs of an added backend that have no price."""
        return () if self._price_list is None else self._price_list.unlisted(*tariffs)

    def price(self, backend: str) -> Price | None:
        """What a backend charges; None if it is not known, or the backend was not added."""
        return self._local_price if backend == LOCAL else self._prices.get(backend)

    def total_cost(self) -> float | None:
        """USD for all attempts, including those in progress; None if one ran on a backend without a known price.

        Also None if only this machine worked, and has no price.
        """
        amounts = self.cost_by_backend().values()
        known = [amount for amount in amounts if amount is not None]
        with self._lock:
            only_local = not amounts and self._local_meter.busy_seconds > 0
        return None if only_local or len(known) < len(amounts) else round(sum(known), 6)

    def cost_by_backend(self) -> Mapping[str, float | None]:
        """The same for each backend that was used. Includes this machine if it has a price."""
        with self._lock:
            amounts = dict(self._spent)
            for attempt in self._running.values():
                ended, running = amounts.get(attempt.backend, 0.0), self._running_cost(attempt)
                amounts[attempt.backend] = None if ended is None or running is None else ended + running
            if self._local_price is not None and (seconds := self._local_meter.busy_seconds):
                amounts[LOCAL] = self._local_price.amount(seconds=seconds, audio_seconds=0)
        return {backend: None if amount is None else round(amount, 6) for backend, amount in amounts.items()}

    def recording_cost(self, recording: str, seconds: float = 0.0) -> Cost | None:
        """The cost of all attempts at a recording; None without attempts, or if the cost of one is not known."""
        with self._lock:
            costs = list(self._costs.get(recording, ()))
            here = seconds if recording in self._here else 0.0
            if (local_cost := self._local_meter.recording_cost(recording, here)) is not None:
                costs.append(local_cost)
        total = None
        for cost in costs:
            if cost is None:
                return None
            total = cost.plus(total)
        return total

    def on_event(self, event: Event) -> None:
        """Track attempts: sent, taken by a worker, or started on this machine; and recordings that are finished."""
        with self._lock:
            match event:
                case RecordingStarted(recording=name, backend=backend) if backend == LOCAL:
                    self._here.add(name)
                    self._local_meter.on_event(event)
                case RecordingSent(recording=name):
                    self._here.discard(name)
                    self._running[name] = _RunningAttempt(event.backend, event.place, event.job, event.duration, event.bytes)
                case RecordingTaken(recording=name):  # a job of an earlier run was not sent in this one
                    attempt = self._running.setdefault(name, _RunningAttempt(event.backend, event.place, event.job))
                    attempt.started_at = self._clock() - event.seconds
                case RecordingDone(recording=name) | RecordingFailed(recording=name):
                    self._local_meter.on_event(event)
                    self._costs.pop(name, None)
                    self._here.discard(name)
                case _:
                    pass

    def end_attempt(self, recording: str, usage: Usage) -> Usage:
        """Charge an attempt that has ended, and return its usage with the cost.

        If the backend does not report its compute time, the time since the attempt was seen to start counts. If the start was not seen
        either, as of a job whose id was never received, the attempt is in no total.
        """
        with self._lock:
            attempt = self._running.pop(recording, None)
            computing = usage.computing
            if computing is None and attempt is not None and attempt.started_at is not None:
                computing = round(self._clock() - attempt.started_at, 3)
            price = self._price_for(usage)
            cost = None if price is None else _cost(price, replace(usage, computing=computing))
            self._charge(usage.backend, price, cost)
            if cost is not None or price is None or not usage.error:
                self._costs.setdefault(recording, []).append(cost)
        return replace(usage, computing=computing, cost=cost.amount if cost else None)

    def drop_attempt(self, recording: str) -> None:
        """Stop measuring an attempt that is left running: the run that collects it is charged."""
        with self._lock:
            self._running.pop(recording, None)

    def cancel_attempts(self, backend: str) -> Iterator[tuple[str, Usage]]:
        """End all attempts in progress on a backend. Yields each recording with the attempt's usage until now."""
        with self._lock:
            running = [(name, attempt) for name, attempt in self._running.items() if attempt.backend == backend]
        for name, attempt in running:
            computing = 0.0 if attempt.started_at is None else None  # None: until now, see `end_attempt`
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
        spent = self._spent.get(backend, 0.0)
        is_unknown = spent is None or price is None
        self._spent[backend] = None if is_unknown else (spent or 0.0) + (cost.amount if cost else 0.0)

    def _price_for(self, usage: Usage) -> Price | None:
        if self._price_list is None or not usage.tariffs:
            return self._prices.get(usage.backend)
        return self._price_list.price_of(*usage.tariffs)

    def _running_cost(self, attempt: _RunningAttempt) -> float | None:
        """USD for an attempt so far. A price per hour of audio is charged when the audio is sent."""
        if (price := self._prices.get(attempt.backend)) is None:
            return None
        seconds = 0.0 if attempt.started_at is None else self._clock() - attempt.started_at
        return price.amount(seconds=seconds, audio_seconds=attempt.audio or 0.0)


def _cost(price: Price, usage: Usage) -> Cost | None:
    """The cost of an attempt; None if its quantity is not known."""
    if price.per_audio_hour is not None:
        return None if usage.audio is None else cost_of(price, seconds=usage.computing or None, audio_seconds=usage.audio)
    return None if usage.computing is None else cost_of(price, seconds=usage.computing)
