"""The prices for a command: the built-in list, the user's price file, and RunPod's catalogue where it answers quickly."""

from __future__ import annotations

from transcribe_cli.costs.prices import PriceList, load_prices
from transcribe_cli.settings import Settings
from transcribe_cli.text.printable import printable


def current_prices(settings: Settings) -> tuple[PriceList, str]:
    """The price list, with RunPod's current prices where its catalogue answers quickly; and a line that says which prices these are.

    Raises:
        ConfigError: the user's price file is invalid.
    """
    from transcribe_cli.costs.prices.catalogue import CatalogueUnavailable, with_todays_prices  # imports httpx

    prices = load_prices(settings.prices)
    as_of = f"RunPod's prices are as of {prices.runpod.as_of or 'an unknown day'}"
    if settings.offline:
        return prices, f"{as_of}; current prices were not requested (--offline)."
    key = settings.runpod_api_key.get_secret_value() if settings.runpod_api_key else None
    try:
        return with_todays_prices(prices, settings.runpod_api_url, key), "RunPod's prices are current, from its catalogue."
    except CatalogueUnavailable as error:
        return prices, f"{as_of}; current prices are not available: {printable(error.message)}."
