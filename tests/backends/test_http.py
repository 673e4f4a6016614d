"""HTTP retries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from transcribe_cli.backends.http import REPEATABLE, RetryTransport, retry_after, retry_delay

Answers = list[int | httpx.TransportError]


def send(answers: Answers, method: str = "GET", **options: object) -> tuple[httpx.Response | Exception, list[float], int]:
    """Send a request to a server with these answers; returns the response or error, the delays, and the number of requests."""
    delays: list[float] = []
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        next_answer = left.pop(0)
        if isinstance(next_answer, httpx.TransportError):
            raise next_answer
        return httpx.Response(next_answer, headers={"retry-after": "3"} if next_answer == 429 else {})

    with httpx.Client(transport=RetryTransport(httpx.MockTransport(answer), delays.append)) as http:
        try:
            found: httpx.Response | Exception = http.request(method, "http://place.example/", **options)  # type: ignore[arg-type]
        except httpx.TransportError as error:
            found = error
    return found, delays, len(answers) - len(left)


DROPPED, UNREACHED = httpx.ReadError("dropped"), httpx.ConnectError("nobody")


@pytest.mark.parametrize("answers", [[500, 200], [502, DROPPED, 200], [UNREACHED, 429, 503, 200]])
def test_repeatable_requests_are_retried(answers: Answers) -> None:
    found, delays, _ = send(answers)
    assert isinstance(found, httpx.Response)
    assert found.status_code == 200
    assert len(delays) == len(answers) - 1


@pytest.mark.parametrize(
    ("answers", "times"), [([500, 200], 1), ([DROPPED, 200], 1), ([UNREACHED, 200], 2), ([429, 503, 200], 3)]
)
def test_requests_that_may_have_been_accepted_are_not_retried(answers: Answers, times: int) -> None:
    assert send(answers, "POST")[2] == times


def test_a_request_can_be_marked_as_repeatable() -> None:
    assert send([500, DROPPED, 200], "POST", extensions=REPEATABLE)[2] == 3


def test_retries_end() -> None:
    found, delays, times = send([503] * 20)
    assert isinstance(found, httpx.Response)
    assert (found.status_code, times, len(delays)) == (503, 6, 5)
    assert isinstance(send([DROPPED] * 20)[0], httpx.ReadError)


@pytest.mark.parametrize("code", [400, 401, 404, 413])
def test_permanent_errors_are_not_retried(code: int) -> None:
    assert send([code, 200])[2] == 1


def test_it_waits_as_long_as_the_server_requests() -> None:
    assert send([429, 200])[1][0] >= 3.0


def test_delays_grow_and_are_random() -> None:
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
