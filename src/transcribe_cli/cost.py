"""What work costs: beforehand, from hours of audio and how fast a place is, with how unsure that is; and while it is done.

An estimate is a range: a place is rarely as fast as it was, and the first run on it may be far from what others measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transcribe_cli.events import Event, RecordingDone, RecordingFailed, RecordingStarted
from transcribe_cli.prices import CURRENCY, Price
from transcribe_cli.transcript import Cost

# A run of less audio says more about its beginning than about the speed, in seconds; it is only asked when there is no other.
ENOUGH_AUDIO = 300.0
# How unsure a speed is then.
SHORT_FACTOR = 2.0


@dataclass(frozen=True)
class Speed:
    """How fast a place is.

    Attributes:
        rtfx: seconds of audio for each second of work.
        factor: the truth is likely between `rtfx / factor` and `rtfx * factor`.
        origin: who says so: `measured in 4 runs`, `you say so`, an address.
        load_seconds: what passes before the work begins.
    """

    rtfx: float
    factor: float
    origin: str
    load_seconds: float = 0.0


@dataclass(frozen=True)
class PastRun:
    """So much audio in so many seconds, after the model was loaded in `load_seconds`."""

    audio_seconds: float
    seconds: float
    load_seconds: float


@dataclass(frozen=True)
class Range:
    """A figure that is not sure."""

    low: float
    likely: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """What work would take and cost in one place.

    Attributes:
        place: this machine, or a backend with what is rented there: `runpod ADA_24`, `openai whisper-1`.
        seconds: from the beginning to the end on one machine of it; None where nobody knows how fast it is.
        cost: in USD; None where nobody knows what it costs, or how long it is paid for.
        note: what else to know, or "".
    """

    place: str
    speed: Speed | None
    price: Price | None
    seconds: Range | None
    cost: Range | None
    note: str = ""


def measured(past: Sequence[PastRun]) -> Speed | None:
    """The speed that past runs had, all of their audio in all of their time; None when there are none.

    One run leaves a factor of 1.5, more of them less, unless they differed more among themselves: four of five lie within it.
    """
    if not past:
        return None
    audio, seconds = sum(run.audio_seconds for run in past), sum(run.seconds for run in past)
    rtfx = audio / seconds
    apart = sorted(max(ratio, 1 / ratio) for ratio in (run.audio_seconds / run.seconds / rtfx for run in past))
    factor = max(1 + 0.5 / len(past) ** 0.5, apart[int(0.8 * (len(apart) - 1))])
    if audio < ENOUGH_AUDIO:
        factor = max(factor, SHORT_FACTOR)
    load = sorted(run.load_seconds for run in past)[len(past) // 2]
    return Speed(rtfx, factor, f"measured in {len(past)} run{'s' if len(past) > 1 else ''}", load)


def estimate(place: str, audio_seconds: float, speed: Speed | None, price: Price | None, note: str = "") -> Estimate:
    """Time and money for so much audio in a place.

    Its model is loaded once, also when there is hardly any audio; what is paid for audio is sure.
    """
    seconds = None
    if speed is not None:
        work = audio_seconds / speed.rtfx
        low, likely, high = (speed.load_seconds + part for part in (work / speed.factor, work, work * speed.factor))
        seconds = Range(low, likely, high)
    cost = None
    if price is not None and price.per_audio_hour is not None:
        cost = Range(*3 * (price.amount(seconds=0, audio_seconds=audio_seconds),))
    elif price is not None and seconds is not None:
        low, likely, high = (price.amount(seconds=part, audio_seconds=0) for part in (seconds.low, seconds.likely, seconds.high))
        cost = Range(low, likely, high)
    return Estimate(place, speed, price, seconds, cost, note)


def cost_of(price: Price, *, seconds: float, audio_seconds: float = 0.0) -> Cost:
    """What a transcript cost at this price: a machine for so many seconds, or so much audio."""
    return Cost(
        amount=round(price.amount(seconds=seconds, audio_seconds=audio_seconds), 6),
        currency=CURRENCY,
        seconds=round(seconds, 3),
        per_hour=price.per_hour,
        per_audio_hour=price.per_audio_hour,
        as_of=price.as_of.isoformat() if price.as_of else None,
        source=price.source,
    )


class Meter:
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
        self._shares: dict[str, float] = {}

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return self._clock() - self._began

    def so_far(self) -> float | None:
        """USD since the run began; None when there is no price."""
        return None if self._price is None else round(self._price.amount(seconds=self.seconds, audio_seconds=0), 6)

    def hear(self, event: Event) -> None:
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

    def share(self, recording: str) -> Cost | None:
        """What this recording has cost so far; None when there is no price, or nothing was done to it."""
        self._count()
        if self._price is None or recording not in self._shares:
            return None
        return cost_of(self._price, seconds=self._shares[recording])

    def _count(self) -> None:
        now = self._clock()
        for name in self._shares:
            self._shares[name] += (now - self._counted) / len(self._shares)
        self._counted = now
