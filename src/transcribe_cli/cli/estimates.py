"""What the work of a plan would take and cost, here and elsewhere: figures for `plan`, in words and as JSON."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from transcribe_cli.config import Config
from transcribe_cli.cost import Estimate, PastRun, Range, Speed, estimate, measured
from transcribe_cli.errors import LedgerUnavailable
from transcribe_cli.ledger import is_there, ledger_url
from transcribe_cli.prices import CURRENCY, Price, PriceList, load_prices
from transcribe_cli.printable import printable
from transcribe_cli.reporting.sentences import clock, counted, dollars

if TYPE_CHECKING:
    from sqlalchemy import Connection

HERE = "this machine"
# How far what a user says about this machine, and a provider about itself, may be from what comes of it.
SAID_FACTOR = 1.2
PROVIDERS_FACTOR = 2.0


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
        self._spec, self._settings = config.spec, config.settings
        self._work = work
        self.prices = load_prices(config.settings.prices)
        self.notes: list[str] = []

    def here(self) -> Estimate:
        """On this machine: as fast as the user says, as it was, or as others were."""
        price = self.prices.of_this_machine(self._settings.price_per_hour)
        return estimate(HERE, self._work.seconds, self._speed_here(), price)

    def elsewhere(self) -> Iterator[Estimate]:
        """At RunPod, on one worker of each pool, and at servers of the OpenAI API; with today's prices where they can be had."""
        self._ask_for_todays_prices()
        self.notes.append("RunPod's times are for one worker, and its costs without the worker's start and idle time.")
        speed = measured(self._asked("runpod")) or self._assumed("cuda")
        for name, pool in self.prices.runpod.pools.items():
            yield estimate(f"runpod {name}", self._work.seconds, speed, self.prices.of(f"runpod.{name}"), pool.gpus)
        for service, models in self.prices.openai.items():
            for name, model in models.models.items():
                said = Speed(model.rtfx, PROVIDERS_FACTOR, f"{service} says so") if model.rtfx else None
                ends = f"ends on {model.ends}" if model.ends else ""
                yield estimate(f"{service} {name}", self._work.seconds, said, self.prices.of(f"{service}.{name}"), ends)

    def _ask_for_todays_prices(self) -> None:
        from transcribe_cli.prices.catalogue import NoCatalogue, with_todays_prices  # brings httpx

        as_of = f"RunPod's prices are of {self.prices.runpod.as_of or 'an unknown day'}"
        if self._settings.offline:
            self.notes.append(f"{as_of}; today's were not asked for (--offline).")
            return
        try:
            self.prices = with_todays_prices(self.prices, os.environ.get("RUNPOD_API_KEY"))
        except NoCatalogue as error:
            self.notes.append(f"{as_of}; today's are not known: {printable(error.message)}.")
        else:
            self.notes.append("RunPod's prices are today's, from its catalogue.")

    def _speed_here(self) -> Speed | None:
        if self._settings.rtfx is not None:
            return Speed(self._settings.rtfx, SAID_FACTOR, "you say so")
        return measured(self._asked("local")) or self._assumed(self._device())

    def _asked(self, backend: str) -> Sequence[PastRun]:
        """What the ledger knows of such runs."""
        url = ledger_url(secret.get_secret_value() if (secret := self._settings.ledger_url) else None, self._settings.state_dir)
        if not self._settings.ledger or not is_there(url):
            return ()
        from transcribe_cli.ledger.database import Database  # brings SQLAlchemy

        try:
            with Database(url).reading() as connection:
                return () if connection is None else self._past(connection, backend)
        except LedgerUnavailable as error:
            self.notes.append(error.message)
            return ()

    def _past(self, connection: Connection, backend: str) -> Sequence[PastRun]:
        from transcribe_cli.ledger.history import past_jobs, past_runs

        if backend != "local":
            return past_jobs(connection, self._spec, backend)
        only_speakers = not self._work.text_seconds
        return past_runs(connection, self._spec, device=self._settings.device, only_speakers=only_speakers)

    def _assumed(self, device: str) -> Speed | None:
        """As fast as somebody else's machine; of finding out who speaks nobody published anything that fits."""
        said = self.prices.rtfx
        known = (said.cuda if device == "cuda" else said.cpu).get(self._spec.model)
        if known is None or self._spec.diarize:
            return None
        return Speed(known, said.factor, "assumed, from other people's machines")

    def _device(self) -> str:
        if self._settings.device != "auto":
            return self._settings.device
        import ctranslate2

        return "cuda" if ctranslate2.get_cuda_device_count() else "cpu"


def line(found: Estimate, work: Work) -> str:
    """The estimate for this machine in a sentence."""
    if not work.seconds:
        return ""
    if found.speed is None or found.seconds is None:
        return "How long it takes here is not known before the first such run; --rtfx can say how fast this machine is."
    parts = [f"{_span(found.seconds, clock)}, {found.speed.rtfx:.0f}x real time, {found.speed.origin}"]
    if found.cost is not None and found.price is not None:
        parts.append(f"{_span(found.cost, dollars)} at {_per_hour(found.price)}")
    left_out = []
    if work.text_seconds and work.speakers_seconds:
        left_out.append(f"finding out who speaks in {clock(work.speakers_seconds)} of audio that has its text")
    if work.of_unknown_length:
        left_out.append(f"{counted(work.of_unknown_length, 'recording')} of unknown length")
    omitted = f" Not counted: {' and '.join(left_out)}." if left_out else ""
    return f"On this machine about {'; '.join(parts)}.{omitted}"


def table(found: Sequence[Estimate]) -> list[str]:
    """All places, a line each: likely time, speed, and money with how unsure it is."""
    rows = [("where", "time", "cost", "price", "speed")]
    for place in found:
        where = f"{place.place} ({place.note})" if place.note else place.place
        time = clock(place.seconds.likely) if place.seconds else "?"
        cost = _span(place.cost, dollars) if place.cost else "?"
        speed = f"{place.speed.rtfx:.0f}x {place.speed.origin.partition(',')[0]}" if place.speed else "?"
        rows.append((printable(where), time, cost, _per_hour(place.price) if place.price else "?", speed))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, [*widths, 0], strict=True)).rstrip() for row in rows]


def record(found: Estimate) -> dict[str, Any]:
    """The estimate as JSON values; times in seconds."""
    speed, price = found.speed, found.price
    return {
        "place": found.place,
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


def _per_hour(price: Price) -> str:
    hour, of_what = (price.per_hour, "") if price.per_audio_hour is None else (price.per_audio_hour, " of audio")
    amount = f"{hour or 0.0:.4f}".rstrip("0")
    return f"${amount}{'0' * (2 - len(amount.partition('.')[2]))}/h{of_what}"


def _record(figure: Range | None, digits: int) -> dict[str, float] | None:
    return None if figure is None else {name: round(value, digits) for name, value in asdict(figure).items()}
