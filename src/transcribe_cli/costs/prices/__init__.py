"""What places cost, from when and who says so: a list that ships with the tool, a file of the user's, RunPod's catalogue of today.

Reading order: `price` (one), `listed` (the lists), `catalogue` (today's). All in USD; `cost` makes hours and amounts of them.
"""

from transcribe_cli.costs.prices.listed import PriceList, load_prices
from transcribe_cli.costs.prices.price import CURRENCY, Price

__all__ = ["CURRENCY", "Price", "PriceList", "load_prices"]
