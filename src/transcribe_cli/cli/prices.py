"""The prices that a command goes by: the tool's list, the user's file, RunPod's catalogue of today where it answers at once."""

from __future__ import annotations

from transcribe_cli.costs.prices import PriceList, load_prices
from transcribe_cli.settings import Settings
from transcribe_cli.text.printable import printable


def todays_prices(settings: Settings) -> tuple[PriceList, str]:
    """The list with today's prices of RunPod where they can be had within a moment, and a line that says whether it has them.

    Raises:
        ConfigError: the user's file of prices cannot be meant.
    """
    from transcribe_cli.costs.prices.catalogue import CatalogueUnavailable, with_todays_prices  # brings httpx

    prices = load_prices(settings.prices)
    as_of = f"RunPod's prices are of {prices.runpod.as_of or 'an unknown day'}"
    if settings.offline:
        return prices, f"{as_of}; today's were not asked for (--offline)."
    key = settings.runpod_api_key.get_secret_value() if settings.runpod_api_key else None
    try:
        return with_todays_prices(prices, settings.runpod_api_url, key), "RunPod's prices are today's, from its catalogue."
    except CatalogueUnavailable as error:
        return prices, f"{as_of}; today's are not known: {printable(error.message)}."
