"""Current prices from RunPod's catalogue, requested with a short timeout.

https://docs.runpod.io/api-reference-v2/catalog/list-gpu-types: `gpus[].pool`, and `gpus[].price.serverless` in USD per hour of one card.
The catalogue requires an account's key, but does not include the account's discounts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import httpx

from transcribe_cli.costs.prices.listed import Pool, PriceList
from transcribe_cli.errors import TranscribeError
from transcribe_cli.storage.http_deadline import DeadlineClient, deadline
from transcribe_cli.text.json_data import parse_json

# Seconds for the connection and for each read; for all of it, twice that. Short, because the shipped list has approximate prices.
TIMEOUT = 3.0
# The catalogue lists about forty cards in a few kB.
_MAX_BYTES = 1 << 20


class CatalogueUnavailable(TranscribeError):
    """The catalogue returned no prices. The message is a clause with the reason."""

    code = "no_catalogue"


def with_todays_prices(
    prices: PriceList, api_url: str, key: str | None, *, today: date | None = None, timeout: float = TIMEOUT
) -> PriceList:
    """Return the list with current prices of RunPod's pools, including new pools. Pools that the catalogue does not list keep their prices.

    Args:
        prices: the list.
        api_url: URL of RunPod's API, the setting `runpod_api_url`.
        key: API key of a RunPod account.
        today: date of the prices. Default: the local date.
        timeout: seconds.

    Raises:
        CatalogueUnavailable: there is no key, no answer, or no usable answer. The key is in no message.
    """
    if not key:
        raise CatalogueUnavailable("RUNPOD_API_KEY is not set")
    address = f"{api_url.rstrip('/')}/catalog/gpus"
    as_of = today or datetime.now(UTC).astimezone().date()
    per_hour = _pool_prices(_request(address, key, timeout))
    gpus = {name: pool.gpus for name, pool in prices.runpod.pools.items()}
    current = {name: Pool(gpus=gpus.get(name, ""), per_hour=hour, as_of=as_of, source=address) for name, hour in per_hour.items()}
    return prices.model_copy(update={"runpod": prices.runpod.model_copy(update={"pools": {**prices.runpod.pools, **current}})})


def _request(address: str, key: str, timeout: float) -> object:
    query = {"include": "AVAILABILITY", "product": "SERVERLESS"}
    try:
        with (
            deadline(2 * timeout),
            DeadlineClient(timeout=timeout, headers={"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"}) as client,
            client.stream("GET", address, params=query) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise CatalogueUnavailable(f"the catalogue answered {response.status_code} {response.reason_phrase}".rstrip())
            if response.headers.get("content-encoding", "identity") != "identity":
                raise CatalogueUnavailable("the response is compressed")
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _MAX_BYTES:
                    raise CatalogueUnavailable("the response is too long")
        return parse_json(bytes(body))
    except httpx.TimeoutException as error:
        raise CatalogueUnavailable(f"the catalogue did not answer within {timeout:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CatalogueUnavailable("the catalogue cannot be reached") from error
    except ValueError as error:  # including UnicodeDecodeError, and a key with characters that headers do not allow
        raise CatalogueUnavailable("the response is not a list of GPUs") from error


def _pool_prices(document: object) -> dict[str, float]:
    """USD per hour of each pool: of its cheapest card, if prices differ."""
    gpus = document.get("gpus") if isinstance(document, Mapping) else None
    if not isinstance(gpus, list):
        raise CatalogueUnavailable("the response is not a list of GPUs")
    prices: dict[str, float] = {}
    for gpu in gpus:
        pool, price = _pool_and_price(gpu)
        if pool is not None and price is not None:
            prices[pool] = min(price, prices.get(pool, price))
    if not prices:
        raise CatalogueUnavailable("the response has no price of a serverless pool")
    return prices


def _pool_and_price(gpu: Any) -> tuple[str | None, float | None]:  # noqa: ANN401 - external JSON
    if not isinstance(gpu, Mapping) or not isinstance(gpu.get("price"), Mapping) or not isinstance(gpu.get("pool"), str):
        return None, None
    price = gpu["price"].get("serverless")
    is_valid = isinstance(price, int | float) and not isinstance(price, bool) and math.isfinite(price) and price > 0
    return gpu["pool"], float(price) if is_valid else None
