"""Today's prices from RunPod's catalogue, when it answers within a moment.

https://docs.runpod.io/api-reference-v2/catalog/list-gpu-types: `gpus[].pool`, and `gpus[].price.serverless` in USD for an hour of one
card. It wants the key of an account, whose discounts are not in it.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import httpx

from transcribe_cli.costs.prices.listed import Pool, PriceList
from transcribe_cli.errors import TranscribeError

# Nobody waits long for a figure that is known roughly anyway. Seconds for the connection, for the answer to begin, and for all of it.
TIMEOUT = 3.0
# The catalogue has some forty cards, a few kB.
_MOST_BYTES = 1 << 20


class CatalogueUnavailable(TranscribeError):
    """The catalogue did not say what is asked; the message says why, in a few words."""

    code = "no_catalogue"


def with_todays_prices(
    prices: PriceList, api_url: str, key: str | None, *, today: date | None = None, timeout: float = TIMEOUT
) -> PriceList:
    """The list with today's prices of RunPod's pools, also of new ones; pools that the catalogue does not name keep theirs.

    Args:
        prices: the list.
        api_url: of RunPod, the setting `runpod_api_url`.
        key: of an account at RunPod.
        today: the day here, unless said otherwise.
        timeout: seconds.

    Raises:
        CatalogueUnavailable: there is no key, nobody answers, or with something else. The key is in no message.
    """
    if not key:
        raise CatalogueUnavailable("RUNPOD_API_KEY is not set")
    address = f"{api_url.rstrip('/')}/catalog/gpus"
    now = today or datetime.now(UTC).astimezone().date()
    found = _pools(_asked(address, key, timeout))
    gpus = {name: pool.gpus for name, pool in prices.runpod.pools.items()}
    asked = {name: Pool(gpus=gpus.get(name, ""), per_hour=hour, as_of=now, source=address) for name, hour in found.items()}
    return prices.model_copy(update={"runpod": prices.runpod.model_copy(update={"pools": {**prices.runpod.pools, **asked}})})


def _asked(address: str, key: str, timeout: float) -> object:
    query = {"include": "AVAILABILITY", "product": "SERVERLESS"}
    try:
        with (
            httpx.Client(timeout=timeout, headers={"Authorization": f"Bearer {key}"}) as client,
            client.stream("GET", address, params=query) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise CatalogueUnavailable(f"it answered {answer.status_code} {answer.reason_phrase}".rstrip())
            body, began = bytearray(), time.monotonic()
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > _MOST_BYTES or time.monotonic() - began > timeout:
                    raise CatalogueUnavailable("its answer does not end")
        return json.loads(body)
    except httpx.TimeoutException as error:
        raise CatalogueUnavailable(f"no answer within {timeout:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CatalogueUnavailable("it cannot be reached") from error
    except (ValueError, RecursionError) as error:  # among them UnicodeDecodeError, and a key that no header can carry
        raise CatalogueUnavailable("what it answered is no list of GPUs") from error


def _pools(document: object) -> dict[str, float]:
    """USD an hour of each pool: of its cheapest card, should they differ."""
    gpus = document.get("gpus") if isinstance(document, Mapping) else None
    if not isinstance(gpus, list):
        raise CatalogueUnavailable("what it answered is no list of GPUs")
    found: dict[str, float] = {}
    for gpu in gpus:
        pool, price = _priced(gpu)
        if pool is not None and price is not None:
            found[pool] = min(price, found.get(pool, price))
    if not found:
        raise CatalogueUnavailable("it names no price of a serverless pool")
    return found


def _priced(gpu: Any) -> tuple[str | None, float | None]:  # noqa: ANN401 - JSON of somebody else
    if not isinstance(gpu, Mapping) or not isinstance(gpu.get("price"), Mapping) or not isinstance(gpu.get("pool"), str):
        return None, None
    price = gpu["price"].get("serverless")
    real = isinstance(price, int | float) and not isinstance(price, bool) and math.isfinite(price) and price > 0
    return gpu["pool"], float(price) if real else None
