"""The connections of one transfer: to public addresses, and limited in time and in bytes, whatever the server does.

The limits are on the socket, under HTTP and TLS. So they hold for headers, chunk sizes and interim answers, too. The addresses of a host
are checked when the connection is made, and the connection uses an address that was checked. So neither a redirect nor a host name that
resolves differently the next time circumvents the check.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from functools import cache

import httpcore
import httpx

from transcribe_cli.errors import Unreadable
from transcribe_cli.worker.addresses import find_addresses, not_public, public_addresses
from transcribe_cli.worker.limits import Deadline

# A connection without a byte for this long is closed; in seconds.
TIMEOUT = 30.0
# Of a host with more addresses, the first ones are tried.
_MAX_ADDRESSES = 4
# Bytes per write, so that the deadline is looked at often. A server that reads slowly can hold up each of them for the timeout.
_WRITE_BYTES = 4096
# What HTTP adds to a body: headers, chunk sizes.
_OVERHEAD_BYTES = 1 << 20


def open_transport(deadline: Deadline, max_bytes: int, *, allow_private: bool) -> httpx.HTTPTransport:
    """Return what sends the requests of one transfer. It knows no cookies, redirects, or proxies.

    Each transfer has its own, so that connections are not shared between the jobs of different clients.

    Args:
        deadline: of the transfer.
        max_bytes: maximum size of a body that is received.
        allow_private: also connect to private and local addresses.
    """
    transport = httpx.HTTPTransport(verify=_ssl_context(), trust_env=False)
    backend = _LimitedBackend(deadline, max_bytes + _OVERHEAD_BYTES, allow_private=allow_private)
    transport._pool = httpcore.ConnectionPool(ssl_context=_ssl_context(), network_backend=backend, max_connections=1)
    return transport


@cache
def _ssl_context() -> ssl.SSLContext:
    """Loading the certificates takes 20 ms."""
    return httpx.create_ssl_context(trust_env=False)


class _LimitedBackend(httpcore.SyncBackend):
    def __init__(self, deadline: Deadline, max_bytes: int, *, allow_private: bool) -> None:
        self._deadline = deadline
        self._max_bytes = max_bytes
        self._allow_private = allow_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers.

        Raises:
            Unreadable: an address is not public.
        """
        addresses = find_addresses(host, port) if self._allow_private else public_addresses(host, port)
        failure: Exception = httpcore.ConnectError("no address")
        for address in addresses[:_MAX_ADDRESSES]:
            try:
                stream = super().connect_tcp(address, port, _limited(timeout, self._deadline), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            if not self._allow_private and _is_own_machine(stream):
                stream.close()
                raise not_public()
            return _LimitedStream(stream, self._deadline, self._max_bytes)
        raise failure

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.NetworkStream:
        raise Unreadable("The audio cannot be fetched from a local socket.")


class _LimitedStream(httpcore.NetworkStream):
    """A connection until the deadline of its transfer."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline, max_bytes: int) -> None:
        self._stream = stream
        self._deadline = deadline
        self._bytes_left = max_bytes

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._stream.read(max_bytes, _limited(timeout, self._deadline))
        self._deadline.count(len(data))
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise Unreadable("The server of a URL in the job sends more than the worker accepts.")
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITE_BYTES):
            piece = buffer[start : start + _WRITE_BYTES]
            self._stream.write(piece, _limited(timeout, self._deadline))
            self._deadline.count(len(piece))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _limited(timeout, self._deadline))
        return _LimitedStream(stream, self._deadline, self._bytes_left)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _limited(timeout: float | None, deadline: Deadline) -> float:
    """The timeout, shortened to the time that is left.

    Raises:
        httpcore.ReadTimeout: none is left.
    """
    if deadline.is_over:
        raise httpcore.ReadTimeout("the transfer took too long")
    return min(TIMEOUT if timeout is None else timeout, deadline.seconds_left())


def _is_own_machine(stream: httpcore.NetworkStream) -> bool:
    """Whether the server is this machine, under a public address of its own: the kernel then uses that address on both sides."""
    return bool(stream.get_extra_info("client_addr")[0] == stream.get_extra_info("server_addr")[0])
