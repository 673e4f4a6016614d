"""Patience with servers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from transcribe_cli.backends.http import REPEATABLE, RetryTransport, retry_after, retry_delay

Answers = list[int | httpx.TransportError]


def asked(answers: Answers, method: str = "GET", **options: object) -> tuple[httpx.Response | Exception, list[float], int]:
    """What comes of a request to a server that answers so: the answer, the pauses, and how often it was asked."""
    waits: list[float] = []
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        came = left.pop(0)
        if isinstance(came, httpx.TransportError):
            raise came
        return httpx.Response(came, headers={"retry-after": "3"} if came == 429 else {})

    with httpx.Client(transport=RetryTransport(httpx.MockTransport(answer), waits.append)) as http:
        try:
            found: httpx.Response | Exception = http.request(method, "http://place.example/", **options)  # type: ignore[arg-type]
        except httpx.TransportError as error:
            found = error
    return found, waits, len(answers) - len(left)


DROPPED, UNREACHED = httpx.ReadError("dropped"), httpx.ConnectError("nobody")


@pytest.mark.parametrize("answers", [[500, 200], [502, DROPPED, 200], [UNREACHED, 429, 503, 200]])
def test_what_may_be_repeated_is(answers: Answers) -> None:
    found, waits, _ = asked(answers)
    assert isinstance(found, httpx.Response)
    assert found.status_code == 200
    assert len(waits) == len(answers) - 1


@pytest.mark.parametrize(
    ("answers", "times"), [([500, 200], 1), ([DROPPED, 200], 1), ([UNREACHED, 200], 2), ([429, 503, 200], 3)]
)
def test_what_may_have_been_taken_is_not_sent_again(answers: Answers, times: int) -> None:
    assert asked(answers, "POST")[2] == times


def test_unless_it_says_that_it_may() -> None:
    assert asked([500, DROPPED, 200], "POST", extensions=REPEATABLE)[2] == 3


def test_patience_ends() -> None:
    found, waits, times = asked([503] * 20)
    assert isinstance(found, httpx.Response)
    assert (found.status_code, times, len(waits)) == (503, 6, 5)
    assert isinstance(asked([DROPPED] * 20)[0], httpx.ReadError)


@pytest.mark.parametrize("code", [400, 401, 404, 413])
def test_what_no_other_try_changes_is_not_repeated(code: int) -> None:
    assert asked([code, 200])[2] == 1


def test_it_waits_as_long_as_the_server_asks() -> None:
    assert asked([429, 200])[1][0] >= 3.0


def test_pauses_grow_and_differ() -> None:
    assert all(retry_delay(attempt) <= 90.0 for attempt in range(20))
    assert len({retry_delay(3) for _ in range(5)}) > 1
    assert retry_delay(0) < retry_delay(6)


@pytest.mark.parametrize(
    ("header", "about"),
    [
        (lambda: "12", 12.0),
        (lambda: format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True), 29.5),
        (lambda: "yesterday", None),
        (lambda: "-5", 0.0),
        (lambda: "", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: Callable[[], str], about: float | None) -> None:
    found = retry_after(httpx.Response(429, headers={"retry-after": header()}))
    assert found == (None if about is None else pytest.approx(about, abs=1.5))
