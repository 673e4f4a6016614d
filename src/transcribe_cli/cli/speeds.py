"""How fast a place is: as the ledger's past runs were there, else as its provider or somebody with such a machine says."""

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

# How far what a user says about this machine, and a provider about itself, may be from what comes of it.
SAID_FACTOR = 1.2
PROVIDERS_FACTOR = 2.0


class Speeds:
    """Speeds for a configuration's model and speakers.

    Args:
        prices: also say how fast others were.
        only_speakers: recognition is done, who speaks is to be found out.

    Attributes:
        trouble: why the ledger could not be asked, or "".
    """

    def __init__(self, config: Config, prices: PriceList, *, only_speakers: bool = False) -> None:
        self._spec, self._settings = config.spec, config.settings
        self._prices = prices
        self._only_speakers = only_speakers
        self.trouble = ""

    def here(self) -> Speed | None:
        """This machine's: as the user says, as it was, or as others were."""
        if self._settings.rtfx is not None:
            return Speed(self._settings.rtfx, SAID_FACTOR, "you say so")
        return measured_speed(self._past_runs("local")) or self._assumed(self._device())

    def of(self, backend: str, tariffs: Sequence[str]) -> Speed | None:
        """A backend's, which charges by these tariffs; None when nobody knows."""
        if backend == "local":
            return self.here()
        if (found := measured_speed(self._past_runs(backend))) is not None:
            return found
        if backend == "runpod":
            return self._assumed("cuda")
        return next((said for tariff in tariffs if (said := self.said(*tariff.partition(".")[::2])) is not None), None)

    def said(self, service: str, model: str) -> Speed | None:
        """What the provider of a model says of it."""
        known = self._prices.openai.get(service)
        rtfx = known.models[model].rtfx if known is not None and model in known.models else None
        return Speed(rtfx, PROVIDERS_FACTOR, f"{service} says so") if rtfx else None

    def _past_runs(self, backend: str) -> Sequence[PastRun]:
        """What the ledger knows of such runs."""
        url = ledger_url(secret.get_secret_value() if (secret := self._settings.ledger_url) else None, self._settings.state_dir)
        if not self._settings.ledger or not ledger_exists(url):
            return ()
        from transcribe_cli.ledger.database import Database  # brings SQLAlchemy

        try:
            with Database(url).read_connection() as connection:
                return () if connection is None else self._past(connection, backend)
        except LedgerUnavailable as error:
            self.trouble = error.message
            return ()

    def _past(self, connection: Connection, backend: str) -> Sequence[PastRun]:
        from transcribe_cli.ledger.history import past_attempts, past_runs

        if backend != "local":
            return past_attempts(connection, self._spec, backend)
        return past_runs(connection, self._spec, device=self._settings.device, only_speakers=self._only_speakers)

    def _assumed(self, device: str) -> Speed | None:
        """As fast as somebody else's machine; of finding out who speaks nobody published anything that fits."""
        said = self._prices.rtfx
        known = (said.cuda if device == "cuda" else said.cpu).get(self._spec.model)
        if known is None or self._spec.diarize:
            return None
        return Speed(known, said.factor, "assumed, from other people's machines")

    def _device(self) -> str:
        if self._settings.device != "auto":
            return self._settings.device
        import ctranslate2

        return "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
