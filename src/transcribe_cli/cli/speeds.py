"""Speed of a backend: measured in the past runs of the ledger, else stated by its provider, else assumed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from transcribe_cli.config import Config
from transcribe_cli.costs.estimate import PastRun, Speed, measured_speed
from transcribe_cli.costs.prices import PriceList
from transcribe_cli.errors import LedgerUnavailable
from transcribe_cli.ledger import ledger_exists, ledger_url

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Uncertainty, as a factor, of a speed that the user configured, and of one that a provider states.
CONFIGURED_FACTOR = 1.2
PROVIDER_FACTOR = 2.0


class Speeds:
    """Speeds for a configuration's model and diarization.

    Args:
        prices: the price list, which also contains stated and assumed speeds.
        only_speakers: only diarization is left to do.

    Attributes:
        ledger_error: why the ledger could not be read, or "".
    """

    def __init__(self, config: Config, prices: PriceList, *, only_speakers: bool = False) -> None:
        self._spec, self._settings = config.spec, config.settings
        self._prices = prices
        self._only_speakers = only_speakers
        self.ledger_error = ""

    def local(self) -> Speed | None:
        """Speed of this machine: configured by the user, else measured, else assumed."""
        if self._settings.rtfx is not None:
            return Speed(self._settings.rtfx, CONFIGURED_FACTOR, "as configured")
        return measured_speed(self._past_runs("local")) or self._assumed(self._device())

    def for_backend(self, backend: str, tariffs: Sequence[str]) -> Speed | None:
        """Speed of a backend with these tariffs; None when unknown."""
        if backend == "local":
            return self.local()
        if (speed := measured_speed(self._past_runs(backend))) is not None:
            return speed
        if backend == "runpod":
            return self._assumed("cuda")
        return next((speed for tariff in tariffs if (speed := self.stated(*tariff.partition(".")[::2])) is not None), None)

    def stated(self, service: str, model: str) -> Speed | None:
        """Speed that the provider of a model states."""
        models = self._prices.openai.get(service)
        rtfx = models.models[model].rtfx if models is not None and model in models.models else None
        return Speed(rtfx, PROVIDER_FACTOR, f"stated by {service}") if rtfx else None

    def _past_runs(self, backend: str) -> Sequence[PastRun]:
        """Comparable runs in the ledger."""
        url = ledger_url(secret.get_secret_value() if (secret := self._settings.ledger_url) else None, self._settings.state_dir)
        if not self._settings.ledger or not ledger_exists(url):
            return ()
        from transcribe_cli.ledger.database import Database  # imports SQLAlchemy

        try:
            with Database(url).read_connection() as connection:
                return () if connection is None else self._read_past_runs(connection, backend)
        except LedgerUnavailable as error:
            self.ledger_error = error.message
            return ()

    def _read_past_runs(self, connection: Connection, backend: str) -> Sequence[PastRun]:
        from transcribe_cli.ledger.history import past_attempts, past_runs

        if backend != "local":
            return past_attempts(connection, self._spec, backend)
        return past_runs(connection, self._spec, device=self._settings.device, only_speakers=self._only_speakers)

    def _assumed(self, device: str) -> Speed | None:
        """Published speed of other machines; None with diarization, for which there is no published figure."""
        published = self._prices.rtfx
        rtfx = (published.cuda if device == "cuda" else published.cpu).get(self._spec.model)
        if rtfx is None or self._spec.diarize:
            return None
        return Speed(rtfx, published.factor, "assumed, measured on other machines")

    def _device(self) -> str:
        if self._settings.device != "auto":
            return self._settings.device
        import ctranslate2

        return "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
