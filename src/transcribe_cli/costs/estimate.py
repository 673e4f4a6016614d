"""What work costs: beforehand, from hours of audio and how fast a place is, with how unsure that is; and of so many seconds of it.

An estimate is a range: a place is rarely as fast as it was, and the first run on it may be far from what others measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transcribe_cli.costs.prices import CURRENCY, Price
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
        label: this machine, or a backend with what is rented there: `runpod ADA_24`, `openai whisper-1`.
        seconds: from the beginning to the end on one machine of it; None where nobody knows how fast it is.
        cost: in USD; None where nobody knows what it costs, or how long it is paid for.
        note: what else to know, or "".
    """

    label: str
    speed: Speed | None
    price: Price | None
    seconds: Range | None
    cost: Range | None
    note: str = ""


def measured_speed(past: Sequence[PastRun]) -> Speed | None:
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


def estimate(label: str, audio_seconds: float, speed: Speed | None, price: Price | None, note: str = "") -> Estimate:
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
    return Estimate(label, speed, price, seconds, cost, note)


def cost_of(price: Price, *, seconds: float | None = None, audio_seconds: float = 0.0) -> Cost:
    """What a transcript cost at this price: a machine for so many seconds, or so much audio, whatever the machine then took."""
    return Cost(
        amount=round(price.amount(seconds=seconds or 0.0, audio_seconds=audio_seconds), 6),
        currency=CURRENCY,
        seconds=None if seconds is None else round(seconds, 3),
        per_hour=price.per_hour,
        per_audio_hour=price.per_audio_hour,
        as_of=price.as_of.isoformat() if price.as_of else None,
        source=price.source,
    )
