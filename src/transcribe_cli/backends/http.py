"""HTTP with retries and limits, for all backends: growing, random delays, or the delay that the server requests.

A request that is safe to repeat says so: `extensions={"repeatable": True}`. Any other is repeated only when the server refused it (429,
503) or was not reached at all.

Redirects are not followed: they would take the key to another address.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from transcribe_cli.storage.http_deadline import DeadlineClient, deadline

REFUSED = frozenset({429, 503})
# Statuses that may pass.
_TRANSIENT = frozenset({408, 425, 500, 502, 504}) | REFUSED
_ATTEMPTS = 6
_MAX_DELAY_SECONDS = 60.0
REPEATABLE = {"repeatable": True}
# The limit of an answer, after decompression. RunPod's own limit of a result is 20 MB.
MAX_ANSWER_BYTES = 64 << 20
# The least time limit of the body of an answer.
_BODY_SECONDS = 120.0


class UnusableAnswer(httpx.TransportError):
    """An answer is too long, too slow, or compressed in a way that was not asked for."""


class BoundedClient(DeadlineClient):
    """A client whose answers have limits of size and time. Its arguments are those of `httpx.Client`."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - of httpx
        super().__init__(**options)
        self.headers["accept-encoding"] = "gzip"

    def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:  # noqa: ANN401 - of httpx
        """Send a request and read the answer.

        Raises:
            UnusableAnswer: see there.
        """
        response = super().send(request, stream=True, **options)
        was_read = response.is_stream_consumed  # by a transport
        return response if stream or was_read else read_answer(response, request)


class RetryTransport(httpx.BaseTransport):
    """A transport that retries.

    Args:
        transport: the wrapped transport.
        wait: sleeps for this many seconds; may raise, to stop.
    """

    def __init__(self, transport: httpx.BaseTransport, wait: Callable[[float], None]) -> None:
        self._transport = transport
        self._wait = wait

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request, with retries."""
        is_repeatable = request.method == "GET" or request.extensions.get("repeatable", False)
        for attempt in range(_ATTEMPTS):
            is_last = attempt == _ATTEMPTS - 1
            try:
                response = self._transport.handle_request(request)
            except httpx.TransportError as error:
                was_reached = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
                if is_last or (was_reached and not is_repeatable):
                    raise
                self._wait(retry_delay(attempt))
                continue
            if is_last or response.status_code not in (_TRANSIENT if is_repeatable else REFUSED):
                return response
            response.close()
            self._wait(retry_delay(attempt, retry_after(response)))
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


def read_answer(response: httpx.Response, request: httpx.Request) -> httpx.Response:
    """Read the body of an answer, within `MAX_ANSWER_BYTES` and the time limit.

    Raises:
        UnusableAnswer: see there.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    seconds = max(_BODY_SECONDS, request.extensions.get("timeout", {}).get("read") or 0.0)
    inflate = zlib.decompressobj(wbits=47) if encoding in ("gzip", "deflate") else None  # 47: gzip or zlib
    body = bytearray()
    try:
        if inflate is None and encoding != "identity":
            raise UnusableAnswer(f"compressed by {encoding[:20]}")
        with deadline(seconds):
            for chunk in response.iter_raw():
                body += inflate.decompress(chunk, MAX_ANSWER_BYTES + 1 - len(body)) if inflate is not None else chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise UnusableAnswer("too long")
    except httpx.TimeoutException as error:
        raise UnusableAnswer("too slow") from error
    except zlib.error as error:
        raise UnusableAnswer("damaged") from error
    finally:
        response.close()
    hidden = ("content-encoding", "content-length", "transfer-encoding")
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in hidden]
    return httpx.Response(response.status_code, headers=headers, content=bytes(body), request=request)


def retry_delay(attempt: int, requested: float | None = None) -> float:
    """Seconds to wait after failed attempt number `attempt`, from 0: doubled each time, ±50 %, but at least what the server requested."""
    grown = min(_MAX_DELAY_SECONDS, 0.5 * 2.0**attempt)
    jittered = grown * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
    return max(jittered, min(requested, 10 * _MAX_DELAY_SECONDS)) if requested is not None else jittered


def retry_after(response: httpx.Response) -> float | None:
    """Seconds that the `Retry-After` header requests, as a number or a date; None without a valid one."""
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
