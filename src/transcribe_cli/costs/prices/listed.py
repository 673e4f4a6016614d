"""The price list that ships with the tool (prices.toml, also configs/prices.toml), overridden by the user's file.

The user's file has the same tables, all of them optional, and overrides the shipped list table by table. The source of a price in it is
the file, unless the table gives another source.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from transcribe_cli.costs.prices.price import Price
from transcribe_cli.errors import ConfigError
from transcribe_cli.text.regular_files import read_regular_file
from transcribe_cli.text.toml_data import parse_toml

# The shipped list has 10 kB.
_MAX_BYTES = 1_000_000
# Keys that mark a table as a price.
_PRICE_KEYS = frozenset({"per_hour", "per_audio_hour", "price_per_hour"})


class _Table(BaseModel):
    """A table of the file. Unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Local(_Table):
    """This machine."""

    price_per_hour: float | None = Field(default=None, ge=0)
    as_of: date | None = None
    source: str = ""


class Pool(_Table):
    """A RunPod pool: GPU types of one memory size."""

    gpus: str = ""
    per_hour: float = Field(ge=0)
    as_of: date | None = None
    source: str = ""


class _RunPod(_Table):
    """RunPod serverless: the price of each pool per hour of a worker with one card."""

    as_of: date | None = None
    source: str
    pools: dict[str, Pool]


class _Model(_Table):
    """A model of a server with the OpenAI transcription API. `rtfx` is the provider's figure; `ends` is the model's last day."""

    per_audio_hour: float = Field(ge=0)
    rtfx: float | None = Field(default=None, gt=0)
    ends: date | None = None
    as_of: date | None = None
    source: str = ""


class _Service(_Table):
    """A server with the OpenAI transcription API."""

    base_url: str
    as_of: date | None = None
    source: str
    models: dict[str, _Model]


class _Rtfx(_Table):
    """Published speeds of models by device, as multiples of real time. The real speed is likely within `factor`, up or down."""

    as_of: date | None = None
    source: str
    factor: float = Field(ge=1)
    cuda: dict[str, float] = {}
    cpu: dict[str, float] = {}


class PriceList(_Table):
    """All prices, by backend."""

    local: _Local
    runpod: _RunPod
    openai: dict[str, _Service]
    rtfx: _Rtfx

    def local_price(self, per_hour: float | None = None) -> Price | None:
        """The price of this machine; None if it is not known. `per_hour`, the option `price_per_hour`, overrides the list."""
        if per_hour is not None:
            return Price("price_per_hour", per_hour=per_hour)
        if self.local.price_per_hour is None:
            return None
        return Price(self.local.source, self.local.as_of, per_hour=self.local.price_per_hour)

    def price_of(self, *tariffs: str) -> Price | None:
        """The highest price of the tariffs, such as `runpod.ADA_24` or `openai.whisper-1`; None if one of them is not listed.

        The highest, because a backend with several tariffs (an endpoint with two pools) may charge it, and cost limits must hold.
        `runpod.ADA_24*2` is a worker with two cards.
        """
        listed = [self._listed(*tariff.split(".", 1)) for tariff in tariffs]
        known = [price for price in listed if price is not None]
        if not known or len(known) < len(listed):
            return None
        return max(known, key=lambda price: (price.per_hour or 0.0, price.per_audio_hour or 0.0))

    def unlisted(self, *tariffs: str) -> tuple[str, ...]:
        """The tariffs that are not listed."""
        return tuple(tariff for tariff in tariffs if self._listed(*tariff.split(".", 1)) is None)

    def _listed(self, backend: str, name: str = "") -> Price | None:
        if backend == "runpod":
            name, _, cards = name.partition("*")
            pool = self.runpod.pools.get(name)
            return None if pool is None else Price(*_origin(pool, self.runpod), per_hour=pool.per_hour * int(cards or 1))
        if (service := self.openai.get(backend)) is None or (model := service.models.get(name)) is None:
            return None
        return Price(*_origin(model, service), per_audio_hour=model.per_audio_hour)


def _origin(entry: Pool | _Model, parent: _RunPod | _Service) -> tuple[str, date | None]:
    """Source and date of an entry: its own, or those of the parent table."""
    return (entry.source, entry.as_of) if entry.source else (parent.source, entry.as_of or parent.as_of)


def load_prices(path: Path | None = None) -> PriceList:
    """Load the shipped list, overridden by the user's file if there is one.

    Raises:
        ConfigError: the file does not exist, cannot be read, or is invalid; one line with the file and the key.
    """
    document = parse_toml(files(__package__).joinpath("prices.toml").read_bytes())
    if path is not None:
        _merge(document, _attributed(_read(path), str(path)))
    try:
        return PriceList.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"In {path or 'prices.toml'}, {key}: {first['msg']}.", "See configs/prices.toml for the format."
        ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return parse_toml(read_regular_file(path, _MAX_BYTES))
    except FileNotFoundError:
        raise ConfigError(f"The price file {path} does not exist.") from None
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigError(f"{path} {error}.") from error


def _attributed(table: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Set the source of each price in a table that has none, recursively: the shipped list's source does not apply to it."""
    attributed = {key: _attributed(value, source) if isinstance(value, Mapping) else value for key, value in table.items()}
    return {"source": source, **attributed} if _PRICE_KEYS & attributed.keys() else attributed


def _merge(document: dict[str, Any], overrides: Mapping[str, Any]) -> None:
    """Merge the overrides into the document, table by table."""
    for key, value in overrides.items():
        if isinstance(value, Mapping) and isinstance(document.get(key), dict):
            _merge(document[key], value)
        else:
            document[key] = value
