"""The list of prices that ships with the tool (prices.toml, also configs/prices.toml), under a file of the user's.

A file of the user's has the same tables and may have fewer; what it says wins, table by table. A price in it whose table does not say
where it is from is the file's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import tomli
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from transcribe_cli.costs.prices.price import Price
from transcribe_cli.errors import ConfigError

# What makes a table that of a price.
_AMOUNTS = frozenset({"per_hour", "per_audio_hour", "price_per_hour"})


class _Table(BaseModel):
    """A table of the file; keys that mean nothing are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Local(_Table):
    """This machine."""

    price_per_hour: float | None = Field(default=None, ge=0)
    as_of: date | None = None
    source: str = ""


class Pool(_Table):
    """Cards of one size at RunPod."""

    gpus: str = ""
    per_hour: float = Field(ge=0)
    as_of: date | None = None
    source: str = ""


class _RunPod(_Table):
    """RunPod serverless: what each pool costs for an hour of a worker with one card."""

    as_of: date | None = None
    source: str
    pools: dict[str, Pool]


class _Model(_Table):
    """A model behind the OpenAI transcription API. `rtfx` is what its provider says; `ends` its last day."""

    per_audio_hour: float = Field(ge=0)
    rtfx: float | None = Field(default=None, gt=0)
    ends: date | None = None
    as_of: date | None = None
    source: str = ""


class _Service(_Table):
    """A server of that API."""

    base_url: str
    as_of: date | None = None
    source: str
    models: dict[str, _Model]


class _Rtfx(_Table):
    """How many times faster than real time models are said to run, by device; the truth is likely within `factor`, either way."""

    as_of: date | None = None
    source: str
    factor: float = Field(ge=1)
    cuda: dict[str, float] = {}
    cpu: dict[str, float] = {}


class PriceList(_Table):
    """All prices, by place."""

    local: _Local
    runpod: _RunPod
    openai: dict[str, _Service]
    rtfx: _Rtfx

    def local_price(self, per_hour: float | None = None) -> Price | None:
        """What an hour of this machine costs; None when nobody said. `per_hour` is what the option `price_per_hour` says, which wins."""
        if per_hour is not None:
            return Price("price_per_hour", per_hour=per_hour)
        if self.local.price_per_hour is None:
            return None
        return Price(self.local.source, self.local.as_of, per_hour=self.local.price_per_hour)

    def price_of(self, *tariffs: str) -> Price | None:
        """The dearest of what places charge by, such as `runpod.ADA_24` or `openai.whisper-1`; None when one of them is not listed.

        The dearest, because a place that chooses among several (an endpoint with two pools) may choose that one, and a limit is to be kept.
        `runpod.ADA_24*2` is a worker with two cards.
        """
        listed = [self._listed(*tariff.split(".", 1)) for tariff in tariffs]
        known = [price for price in listed if price is not None]
        if not known or len(known) < len(listed):
            return None
        return max(known, key=lambda price: (price.per_hour or 0.0, price.per_audio_hour or 0.0))

    def unlisted(self, *tariffs: str) -> tuple[str, ...]:
        """Those of these that are not listed."""
        return tuple(tariff for tariff in tariffs if self._listed(*tariff.split(".", 1)) is None)

    def _listed(self, place: str, name: str = "") -> Price | None:
        if place == "runpod":
            name, _, cards = name.partition("*")
            pool, where = self.runpod.pools.get(name), self.runpod
            return None if pool is None else Price(*_origin(pool, where), per_hour=pool.per_hour * int(cards or 1))
        if (service := self.openai.get(place)) is None or (model := service.models.get(name)) is None:
            return None
        return Price(*_origin(model, service), per_audio_hour=model.per_audio_hour)


def _origin(entry: Pool | _Model, around: _RunPod | _Service) -> tuple[str, date | None]:
    """Source and day of an entry: its own, or those of the table around it."""
    return (entry.source, entry.as_of) if entry.source else (around.source, entry.as_of or around.as_of)


def load_prices(path: Path | None = None) -> PriceList:
    """The tool's list, under the user's file when there is one.

    Raises:
        ConfigError: the file is not there, cannot be read, or says something that cannot be meant; one line that names file and key.
    """
    document = tomli.loads(files(__package__).joinpath("prices.toml").read_text(encoding="utf-8"))
    if path is not None:
        _merge(document, _attributed(_read(path), str(path)))
    try:
        return PriceList.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"In {path or 'prices.toml'}, {where}: {first['msg']}.", "configs/prices.toml shows how it is."
        ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomli.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"There is no file of prices {path}.") from None
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror}.") from error
    except (UnicodeDecodeError, tomli.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from error


def _attributed(table: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The table, and those in it, with a source beside each price that has none: the tool's own source says nothing about it."""
    told = {key: _attributed(value, source) if isinstance(value, Mapping) else value for key, value in table.items()}
    return {"source": source, **told} if _AMOUNTS & told.keys() else told


def _merge(document: dict[str, Any], over: Mapping[str, Any]) -> None:
    """Put `over` into the document, table by table."""
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(document.get(key), dict):
            _merge(document[key], value)
        else:
            document[key] = value
