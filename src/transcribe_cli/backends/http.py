"""HTTP with retries, for all backends: growing, random delays, or the delay that the server requests.

A request that is safe to repeat says so: `extensions={"repeatable": True}`. Any other is repeated only when the server refused it (429,
503) or was not reached at all.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

REFUSED = frozenset({429, 503})
# Statuses that may pass.
_TRANSIENT = frozenset({408, 425, 500, 502, 504}) | REFUSED
_ATTEMPTS = 6
_MAX_DELAY_SECONDS = 60.0
REPEATABLE = {"repeatable": True}


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
