"""Estimates of time and cost before a run, from hours of audio and the speed of a backend; and the cost of time that was used.

An estimate is a range: the speed of a backend varies between runs, and a first run may differ much from what others measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transcribe_cli.costs.prices import CURRENCY, Price
from transcribe_cli.transcript import Cost

# In runs with less audio, start-up dominates; they are used only if there are no longer ones. In seconds.
MIN_AUDIO_SECONDS = 300.0
# The minimum uncertainty factor of a speed measured in such runs.
SHORT_RUN_FACTOR = 2.0


@dataclass(frozen=True)
class Speed:
    """The speed of a backend.

    Attributes:
        rtfx: seconds of audio processed per second.
        factor: uncertainty; the real speed is likely between `rtfx / factor` and `rtfx * factor`.
        origin: the source of the figure: `measured in 4 runs`, the user, an address.
        load_seconds: time until the model is loaded.
    """

    rtfx: float
    factor: float
    origin: str
    load_seconds: float = 0.0


@dataclass(frozen=True)
class PastRun:
    """The audio and the time of a past run; `seconds` excludes `load_seconds`, the time until the model was loaded."""

    audio_seconds: float
    seconds: float
    load_seconds: float


@dataclass(frozen=True)
class Range:
    """An uncertain figure."""

    low: float
    likely: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """Estimated time and cost of work on one backend.

    Attributes:
        label: this machine, or a backend with its GPU pool or model: `runpod ADA_24`, `openai whisper-1`.
        seconds: from start to end on one machine; None if the speed is not known.
        cost: in USD; None if the price or the billed time is not known.
        note: a remark for the user, or "".
    """

    label: str
    speed: Speed | None
    price: Price | None
    seconds: Range | None
    cost: Range | None
    note: str = ""


def measured_speed(past: Sequence[PastRun]) -> Speed | None:
    """Return the speed of past runs: their total audio divided by their total time; None without runs.

    The factor is 1.5 for one run and shrinks with more runs, unless their speeds differ more: four of five runs lie within the factor.
    """
    if not past:
        return None
    audio, seconds = sum(run.audio_seconds for run in past), sum(run.seconds for run in past)
    rtfx = audio / seconds
    deviations = sorted(max(ratio, 1 / ratio) for ratio in (run.audio_seconds / run.seconds / rtfx for run in past))
    factor = max(1 + 0.5 / len(past) ** 0.5, deviations[int(0.8 * (len(deviations) - 1))])
    if audio < MIN_AUDIO_SECONDS:
        factor = max(factor, SHORT_RUN_FACTOR)
    load = sorted(run.load_seconds for run in past)[len(past) // 2]
    return Speed(rtfx, factor, f"measured in {len(past)} run{'s' if len(past) > 1 else ''}", load)


def estimate(label: str, audio_seconds: float, speed: Speed | None, price: Price | None, note: str = "") -> Estimate:
    """Estimate time and cost of transcribing `audio_seconds` on one backend.

    The time includes loading the model once, however little audio there is. A price per hour of audio gives an exact cost.
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
    """Return the cost of a transcript: of `seconds` of a machine, or of the audio if the price is per hour of audio."""
    return Cost(
        amount=round(price.amount(seconds=seconds or 0.0, audio_seconds=audio_seconds), 6),
        currency=CURRENCY,
        seconds=None if seconds is None else round(seconds, 3),
        per_hour=price.per_hour,
        per_audio_hour=price.per_audio_hour,
        as_of=price.as_of.isoformat() if price.as_of else None,
        source=price.source,
    )
