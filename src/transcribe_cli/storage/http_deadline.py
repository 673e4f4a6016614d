"""Deadlines of HTTP exchanges with httpx, on the socket: from the connection to the last header, and again for the body.

httpx has timeouts of single reads. A server that sends a byte of a header, an interim answer or the extension of a chunk before each of
them would hold its client for as long as it likes. Requests over fsspec have the deadline of `Client.wait_for` instead.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

# A request may be sent this slowly, in bytes per second, before its time for the answer starts. It is a very slow line, 128 kbit/s.
_MIN_BYTES_PER_SECOND = 16_000
# A timeout that is not set, in seconds.
_DEFAULT_SECONDS = 60.0
# Of the exchange in progress in this thread, on the clock of `time.monotonic`.
_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """End all reads and writes of this thread over a `DeadlineTransport` in that time. They raise httpx's timeouts."""
    ends_at = time.monotonic() + seconds
    token = _ends_at.set(min(ends_at, outer) if (outer := _ends_at.get()) is not None else ends_at)
    try:
        yield
    finally:
        _ends_at.reset(token)


class DeadlineTransport(httpx.HTTPTransport):
    """A transport that receives the headers of an answer in the sum of the request's timeouts, plus the time to send its body."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._pool._network_backend = _DeadlineBackend()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request. The body of the answer is read later, within the caller's `deadline`."""
        timeouts = request.extensions.get("timeout", {})
        seconds = sum(_DEFAULT_SECONDS if (part := timeouts.get(name)) is None else part for name in ("connect", "write", "read"))
        size = request.headers.get("content-length", "")
        with deadline(seconds + (int(size) / _MIN_BYTES_PER_SECOND if size.isdecimal() else 0.0)):
            return super().handle_request(request)


class DeadlineClient(httpx.Client):
    """A client whose own transports, also those through proxies of the environment, are `DeadlineTransport`s."""

    def _init_transport(self, transport: httpx.BaseTransport | None = None, **options: Any) -> httpx.BaseTransport:  # type: ignore[override]
        return transport or DeadlineTransport(**options)

    def _init_proxy_transport(self, proxy: httpx.Proxy, **options: Any) -> httpx.BaseTransport:  # type: ignore[override]
        return DeadlineTransport(proxy=proxy, **options)


class _DeadlineBackend(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _DeadlineStream(super().connect_tcp(host, port, _left(timeout), local_address, socket_options))


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _MIN_BYTES_PER_SECOND):  # so that the deadline is looked at often
            self._stream.write(buffer[start : start + _MIN_BYTES_PER_SECOND], _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(timeout: float | None) -> float | None:
    """The timeout, shortened to the time that is left.

    Raises:
        httpcore.ReadTimeout: none is left.
    """
    if (ends_at := _ends_at.get()) is None:
        return timeout
    if (left := ends_at - time.monotonic()) <= 0:
        raise httpcore.ReadTimeout("the exchange took too long")
    return left if timeout is None else min(timeout, left)
