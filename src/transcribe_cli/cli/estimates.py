"""Time and cost estimates for `plan`, on this machine and on other backends, as text and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from transcribe_cli.cli.prices import current_prices
from transcribe_cli.cli.speeds import Speeds
from transcribe_cli.config import Config
from transcribe_cli.costs.estimate import Estimate, Range, estimate
from transcribe_cli.costs.prices import CURRENCY, PriceList, load_prices
from transcribe_cli.reporting.messages import format_cost, format_duration, pluralize
from transcribe_cli.text.printable import printable

THIS_MACHINE = "this machine"


@dataclass(frozen=True)
class Work:
    """Seconds of audio to transcribe and to diarize, and the number of recordings that are not included: their length is unknown."""

    text_seconds: float
    speakers_seconds: float
    of_unknown_length: int = 0

    @property
    def seconds(self) -> float:
        """What an estimate covers: recognition, or diarization when there is nothing to recognize."""
        return self.text_seconds or self.speakers_seconds


class Estimates:
    """Estimates for a plan.

    Args:
        config: model, device, prices and speeds.
        work: the work to estimate.

    Raises:
        ConfigError: the user's price file is invalid.
    """

    def __init__(self, config: Config, work: Work) -> None:
        self._config, self._work = config, work
        self.prices = load_prices(config.settings.prices)
        self.notes: list[str] = []

    def local_estimate(self) -> Estimate:
        """On this machine. Speed: given by the user, else measured in past runs, else assumed."""
        speeds = self._speeds()
        price = self.prices.local_price(self._config.settings.price_per_hour)
        result = estimate(THIS_MACHINE, self._work.seconds, speeds.local(), price)
        self.notes += filter(None, [speeds.ledger_error])
        return result

    def remote_estimates(self) -> Iterator[Estimate]:
        """On one RunPod worker of each pool, and on OpenAI-compatible services; at today's prices where available."""
        self.prices, note = current_prices(self._config.settings)
        self.notes += [note, "RunPod's times are for one worker. Its costs do not include start and idle time of workers."]
        speeds = self._speeds()
        speed = speeds.for_backend("runpod", ())
        for name, pool in self.prices.runpod.pools.items():
            yield estimate(f"runpod {name}", self._work.seconds, speed, self.prices.price_of(f"runpod.{name}"), pool.gpus)
        for service, models in self.prices.openai.items():
            for name, model in models.models.items():
                ends = f"ends on {model.ends}" if model.ends else ""
                price = self.prices.price_of(f"{service}.{name}")
                yield estimate(f"{service} {name}", self._work.seconds, speeds.stated(service, name), price, ends)

    def _speeds(self) -> Speeds:
        return Speeds(self._config, self.prices, only_speakers=not self._work.text_seconds)


def estimate_line(result: Estimate, work: Work) -> str:
    """The estimate for this machine as one line; "" when there is no work."""
    if not work.seconds:
        return ""
    if result.speed is None or result.seconds is None:
        return "No time estimate: there is no earlier run to measure the speed. Set it with --rtfx."
    parts = [f"{_range_text(result.seconds, format_duration)}, {result.speed.rtfx:.0f}x real time, {result.speed.origin}"]
    if result.cost is not None and result.price is not None:
        parts.append(f"{_range_text(result.cost, format_cost)} at {result.price}")
    excluded = []
    if work.text_seconds and work.speakers_seconds:
        excluded.append(f"diarizing {format_duration(work.speakers_seconds)} of audio that is already transcribed")
    if work.of_unknown_length:
        excluded.append(f"{pluralize(work.of_unknown_length, 'recording')} of unknown length")
    not_included = f" Not included: {' and '.join(excluded)}." if excluded else ""
    return f"On this machine about {'; '.join(parts)}.{not_included}"


def estimate_table(estimates: Sequence[Estimate]) -> list[str]:
    """A line for each backend: likely time, cost with its range, price and speed."""
    rows = [("where", "time", "cost", "price", "speed")]
    for result in estimates:
        where = f"{result.label} ({result.note})" if result.note else result.label
        time = format_duration(result.seconds.likely) if result.seconds else "?"
        cost = _range_text(result.cost, format_cost) if result.cost else "?"
        speed = f"{result.speed.rtfx:.0f}x {result.speed.origin.partition(',')[0]}" if result.speed else "?"
        rows.append((printable(where), time, cost, str(result.price) if result.price else "?", speed))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, [*widths, 0], strict=True)).rstrip() for row in rows]


def estimate_record(result: Estimate) -> dict[str, Any]:
    """The estimate as JSON values; times in seconds."""
    speed, price = result.speed, result.price
    return {
        "place": result.label,
        "rtfx": None if speed is None else round(speed.rtfx, 2),
        "rtfx_factor": None if speed is None else round(speed.factor, 2),
        "rtfx_origin": None if speed is None else speed.origin,
        "seconds": _range_record(result.seconds, 1),
        "cost": _range_record(result.cost, 4),
        "currency": CURRENCY,
        "price": price
        and {
            "per_hour": price.per_hour,
            "per_audio_hour": price.per_audio_hour,
            "as_of": price.as_of.isoformat() if price.as_of else None,
            "source": price.source,
        },
        "note": result.note,
    }


def source_lines(prices: PriceList, estimates: Sequence[Estimate]) -> list[str]:
    """A line for each source of prices and speeds."""
    by_source: dict[str, str] = {}
    for result in estimates:
        if result.price is not None:
            day = f" of {result.price.as_of}" if result.price.as_of else ""
            by_source.setdefault(result.price.source, f"Prices{day}: {printable(result.price.source)}")
    lines = list(by_source.values())
    if any(result.speed is not None and result.speed.origin.startswith("assumed") for result in estimates):
        lines.append(
            f"Assumed speeds were measured on other machines, with one value for all GPUs: {printable(prices.rtfx.source)}"
        )
    return lines


def _range_text(value: Range, format_value: Callable[[float], str]) -> str:
    low, likely, high = format_value(value.low), format_value(value.likely), format_value(value.high)
    return likely if low == high else f"{likely} ({low} to {high})"


def _range_record(range_: Range | None, digits: int) -> dict[str, float] | None:
    return None if range_ is None else {name: round(value, digits) for name, value in asdict(range_).items()}
