"""Which addresses a worker connects to: a client must not reach servers that only the worker's machine can reach.

All addresses of a host are checked when the connection is made, and the connection uses the address that was checked. So neither a
redirect nor a host name that resolves differently the next time circumvents the check.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

import httpcore
import httpx

from transcribe_cli.errors import Unreadable


class PublicTransport(httpx.HTTPTransport):
    """Connects to public addresses only.

    Raises:
        Unreadable: an address is not public.
    """

    def __init__(self) -> None:
        super().__init__(trust_env=False)
        context = httpx.create_ssl_context(trust_env=False)
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=_PublicBackend(), max_connections=8)


class _PublicBackend(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return super().connect_tcp(_public_address(host, port), port, timeout, local_address, socket_options)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.NetworkStream:
        raise Unreadable("The audio cannot be fetched from a local socket.")


def _public_address(host: str, port: int) -> str:
    """Return the first address of a host; all of its addresses must be public."""
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} has no address") from error
    addresses = [str(entry[4][0]) for entry in entries]
    if not addresses or not all(is_public(address) for address in addresses):
        raise Unreadable(
            "The job contains an address that is not public; the worker does not connect to it.",
            "Private, loopback and link-local addresses are refused. If you trust all clients, start the worker with --allow-private.",
        )
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet. For an embedded IPv4 address (IPv4-mapped, 6to4, NAT64, Teredo), that one counts."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = _embedded_ipv4(parsed)
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def _embedded_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if address in ipaddress.ip_network("64:ff9b::/96") or address in ipaddress.ip_network("::/96"):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return None
