"""Prices of backends with date and source: the list that ships with the tool, the user's file, and RunPod's current catalogue.

Reading order: `price` (one price), `listed` (the lists), `catalogue` (RunPod's current prices). All prices are in USD.
"""

from transcribe_cli.costs.prices.listed import PriceList, load_prices
from transcribe_cli.costs.prices.price import CURRENCY, Price

__all__ = ["CURRENCY", "Price", "PriceList", "load_prices"]
