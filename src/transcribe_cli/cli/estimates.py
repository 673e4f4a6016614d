"""What the work of a plan would take and cost, here and elsewhere: figures for `plan`, in words and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from transcribe_cli.cli.prices import todays_prices
from transcribe_cli.cli.speeds import Speeds
from transcribe_cli.config import Config
from transcribe_cli.costs.estimate import Estimate, Range, estimate
from transcribe_cli.costs.prices import CURRENCY, PriceList, load_prices
from transcribe_cli.reporting.messages import format_cost, format_duration, pluralize
from transcribe_cli.text.printable import printable

HERE = "this machine"


@dataclass(frozen=True)
class Work:
    """The audio of a plan, in seconds, and how many recordings are not in it because their length or the speed is not known."""

    text_seconds: float
    speakers_seconds: float
    of_unknown_length: int = 0

    @property
    def seconds(self) -> float:
        """What an estimate is about: recognition, and where there is none the speakers."""
        return self.text_seconds or self.speakers_seconds


class Estimates:
    """Estimates for a plan.

    Args:
        config: what would run here.
        work: how much there is to do.

    Raises:
        ConfigError: the user's file of prices cannot be meant.
    """

    def __init__(self, config: Config, work: Work) -> None:
        self._config, self._work = config, work
        self.prices = load_prices(config.settings.prices)
        self.notes: list[str] = []

    def here(self) -> Estimate:
        """On this machine: as fast as the user says, as it was, or as others were."""
        speeds = self._speeds()
        price = self.prices.local_price(self._config.settings.price_per_hour)
        found = estimate(HERE, self._work.seconds, speeds.here(), price)
        self.notes += filter(None, [speeds.trouble])
        return found

    def elsewhere(self) -> Iterator[Estimate]:
        """At RunPod, on one worker of each pool, and at servers of the OpenAI API; with today's prices where they can be had."""
        self.prices, note = todays_prices(self._config.settings)
        self.notes += [note, "RunPod's times are for one worker, and its costs without the worker's start and idle time."]
        speeds = self._speeds()
        speed = speeds.of("runpod", ())
        for name, pool in self.prices.runpod.pools.items():
            yield estimate(f"runpod {name}", self._work.seconds, speed, self.prices.price_of(f"runpod.{name}"), pool.gpus)
        for service, models in self.prices.openai.items():
            for name, model in models.models.items():
                ends = f"ends on {model.ends}" if model.ends else ""
                price = self.prices.price_of(f"{service}.{name}")
                yield estimate(f"{service} {name}", self._work.seconds, speeds.said(service, name), price, ends)

    def _speeds(self) -> Speeds:
        return Speeds(self._config, self.prices, only_speakers=not self._work.text_seconds)


def line(found: Estimate, work: Work) -> str:
    """The estimate for this machine in a sentence."""
    if not work.seconds:
        return ""
    if found.speed is None or found.seconds is None:
        return "How long it takes here is not known before the first such run; --rtfx can say how fast this machine is."
    parts = [f"{_span(found.seconds, format_duration)}, {found.speed.rtfx:.0f}x real time, {found.speed.origin}"]
    if found.cost is not None and found.price is not None:
        parts.append(f"{_span(found.cost, format_cost)} at {found.price}")
    left_out = []
    if work.text_seconds and work.speakers_seconds:
        left_out.append(f"finding out who speaks in {format_duration(work.speakers_seconds)} of audio that has its text")
    if work.of_unknown_length:
        left_out.append(f"{pluralize(work.of_unknown_length, 'recording')} of unknown length")
    omitted = f" Not counted: {' and '.join(left_out)}." if left_out else ""
    return f"On this machine about {'; '.join(parts)}.{omitted}"


def table(found: Sequence[Estimate]) -> list[str]:
    """All places, a line each: likely time, speed, and money with how unsure it is."""
    rows = [("where", "time", "cost", "price", "speed")]
    for place in found:
        where = f"{place.label} ({place.note})" if place.note else place.label
        time = format_duration(place.seconds.likely) if place.seconds else "?"
        cost = _span(place.cost, format_cost) if place.cost else "?"
        speed = f"{place.speed.rtfx:.0f}x {place.speed.origin.partition(',')[0]}" if place.speed else "?"
        rows.append((printable(where), time, cost, str(place.price) if place.price else "?", speed))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, [*widths, 0], strict=True)).rstrip() for row in rows]


def record(found: Estimate) -> dict[str, Any]:
    """The estimate as JSON values; times in seconds."""
    speed, price = found.speed, found.price
    return {
        "place": found.label,
        "rtfx": None if speed is None else round(speed.rtfx, 2),
        "rtfx_factor": None if speed is None else round(speed.factor, 2),
        "rtfx_origin": None if speed is None else speed.origin,
        "seconds": _record(found.seconds, 1),
        "cost": _record(found.cost, 4),
        "currency": CURRENCY,
        "price": price
        and {
            "per_hour": price.per_hour,
            "per_audio_hour": price.per_audio_hour,
            "as_of": price.as_of.isoformat() if price.as_of else None,
            "source": price.source,
        },
        "note": found.note,
    }


def sources_of(prices: PriceList, found: Sequence[Estimate]) -> list[str]:
    """Where prices and speeds are from, a line each."""
    told: dict[str, str] = {}
    for place in found:
        if place.price is not None:
            day = f" of {place.price.as_of}" if place.price.as_of else ""
            told.setdefault(place.price.source, f"Prices{day}: {printable(place.price.source)}")
    lines = list(told.values())
    if any(place.speed is not None and place.speed.origin.startswith("assumed") for place in found):
        lines.append(f"Assumed speeds are of other people's machines, one for all GPUs: {printable(prices.rtfx.source)}")
    return lines


def _span(figure: Range, shown: Callable[[float], str]) -> str:
    low, likely, high = shown(figure.low), shown(figure.likely), shown(figure.high)
    return likely if low == high else f"{likely} ({low} to {high})"


def _record(figure: Range | None, digits: int) -> dict[str, float] | None:
    return None if figure is None else {name: round(value, digits) for name, value in asdict(figure).items()}
