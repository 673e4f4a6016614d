"""Current prices, requested from a real HTTP server."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.runpod_catalogue import KEY, fake_catalogue
from transcribe_cli.costs.prices import load_prices
from transcribe_cli.costs.prices.catalogue import CatalogueUnavailable, with_todays_prices

TODAY = date(2026, 11, 21)


def test_todays_prices_replace_those_of_the_list() -> None:
    """For the pools in the catalogue, with its address and the date; the price of a pool is that of its cheapest card."""
    with fake_catalogue() as server:
        prices = with_todays_prices(load_prices(), server.url, KEY, today=TODAY)
    ada, small, old = prices.price_of("runpod.ADA_24"), prices.price_of("runpod.AMPERE_24"), prices.price_of("runpod.ADA_80_PRO")
    assert ada is not None
    assert (ada.per_hour, ada.as_of, ada.source) == (1.1, TODAY, server.address)
    assert small is not None
    assert small.per_hour == 0.66
    new = prices.price_of("runpod.NEW_180")
    assert new is not None
    assert new.per_hour == 8.6
    assert old == load_prices().price_of("runpod.ADA_80_PRO")
    [(path, key)] = server.requests
    assert "product=SERVERLESS" in path
    assert KEY not in path
    assert key == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"status": 500, "body": b"oops"}, "500"),
        ({"status": 429}, "429"),
        ({"body": b"<html>"}, "not a list of GPUs"),
        ({"body": b"\xff\xfe"}, "not a list of GPUs"),
        ({"body": b"[" * 100_000}, "not a list of GPUs"),
        ({"body": b"[]"}, "not a list of GPUs"),
        ({"body": b'{"gpus": 3}'}, "not a list of GPUs"),
        (
            {"body": b'{"gpus": [null, {"pool": "ADA_24"}, {"pool": "ADA_24", "price": {"serverless": "free"}}]}'},
            "has no price",
        ),
        ({"body": b'{"gpus": [{"pool": "ADA_24", "price": {"serverless": NaN}}]}'}, "not a list of GPUs"),
        ({"body": b'{"gpus": [{"pool": "ADA_24", "price": {"serverless": -1}}]}'}, "has no price"),
        ({"body": b" " * (1 << 21)}, "the response is too long"),
        ({"drip": True}, "did not answer within"),
        ({"seconds": 5.0}, "did not answer within"),
    ],
)
def test_an_unusable_answer_is_reported(answer: dict[str, Any], message: str) -> None:
    """With a short reason, without the key."""
    with fake_catalogue(**answer) as server, pytest.raises(CatalogueUnavailable) as caught:
        with_todays_prices(load_prices(), server.url, KEY, timeout=0.5)
    assert message in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_wrong_key_is_reported() -> None:
    """With the status that the catalogue answers."""
    with fake_catalogue() as server, pytest.raises(CatalogueUnavailable, match="401"):
        with_todays_prices(load_prices(), server.url, "rpa_OTHER")


@pytest.mark.parametrize("key", ["with\nnewline", "não"])
def test_an_invalid_key_is_reported(key: str) -> None:
    """Before or after it is sent, without a traceback."""
    with fake_catalogue() as server, pytest.raises(CatalogueUnavailable):
        with_todays_prices(load_prices(), server.url, key)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/v2", "nowhere", "http://", "file:///etc/passwd"])
def test_an_unreachable_catalogue_is_reported(address: str) -> None:
    """No server, or no valid address."""
    with pytest.raises(CatalogueUnavailable, match="cannot be reached"):
        with_todays_prices(load_prices(), address, KEY)


def test_without_a_key_no_request_is_sent() -> None:
    """Every request to RunPod's API needs a key."""
    with fake_catalogue() as server, pytest.raises(CatalogueUnavailable, match="RUNPOD_API_KEY"):
        with_todays_prices(load_prices(), server.url, None)
    assert server.requests == []
