"""HTTP with patience, for all places: what was surely not taken is sent again, with growing and random pauses or when the place says.

A request that may be made twice says so: `extensions={"repeatable": True}`. Any other is repeated only when the place refused it (429,
503) or was not reached at all.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

REFUSED = frozenset({429, 503})
# What a server says that may be otherwise in a moment.
_LATER = frozenset({408, 425, 500, 502, 504}) | REFUSED
_TRIES = 6
_LONGEST_SECONDS = 60.0
REPEATABLE = {"repeatable": True}


class RetryTransport(httpx.BaseTransport):
    """A transport that tries again.

    Args:
        transport: the one that it wraps.
        wait: waits so many seconds; may raise, to stop.
    """

    def __init__(self, transport: httpx.BaseTransport, wait: Callable[[float], None]) -> None:
        self._transport = transport
        self._wait = wait

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, perhaps again."""
        repeatable = request.method == "GET" or request.extensions.get("repeatable", False)
        for attempt in range(_TRIES):
            last = attempt == _TRIES - 1
            try:
                answer = self._transport.handle_request(request)
            except httpx.TransportError as error:
                reached = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
                if last or (reached and not repeatable):
                    raise
                self._wait(retry_delay(attempt))
                continue
            if last or answer.status_code not in (_LATER if repeatable else REFUSED):
                return answer
            answer.close()
            self._wait(retry_delay(attempt, retry_after(answer)))
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


def retry_delay(attempt: int, asked: float | None = None) -> float:
    """Seconds to wait after a failure, the first being number 0: what the place asks for, or twice as long each time, give or take half."""
    grown = min(_LONGEST_SECONDS, 0.5 * 2.0**attempt)
    jittered = grown * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
    return max(jittered, min(asked, 10 * _LONGEST_SECONDS)) if asked is not None else jittered


def retry_after(answer: httpx.Response) -> float | None:
    """Seconds that a server asks to wait, as a number or a date; None when it does not say."""
    value = answer.headers.get("retry-after", "").strip()
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
