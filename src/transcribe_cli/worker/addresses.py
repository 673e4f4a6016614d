"""Which addresses a worker fetches from: whoever sends a job must not reach what only the worker's machine can reach.

Every address that a name stands for is looked at when the connection is made, and it is that address which is connected to. So neither
a redirect nor a name that changes its mind between two look-ups leads past it.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

import httpcore
import httpx

from transcribe_cli.errors import Unreadable


class PublicTransport(httpx.HTTPTransport):
    """Connects to public addresses only; everything else is refused with Unreadable."""

    def __init__(self) -> None:
        super().__init__(trust_env=False)
        context = httpx.create_ssl_context(trust_env=False)
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=_Public(), max_connections=8)


class _Public(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return super().connect_tcp(_public(host, port), port, timeout, local_address, socket_options)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.NetworkStream:
        raise Unreadable("The audio cannot be fetched from a socket of this machine.")


def _public(host: str, port: int) -> str:
    """The first address of a host, all of whose addresses are public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} has no address") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(is_public(address) for address in addresses):
        raise Unreadable(
            "An address in the job is not a public one, and is not connected to.",
            "Private, loopback and link-local addresses are refused; --allow-private lifts that where you trust whoever sends jobs.",
        )
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet; one inside another (IPv4 in IPv6, 6to4, NAT64, Teredo) counts as itself."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = _embedded(found)
        if inner is not None:
            return is_public(str(inner))
    return found.is_global and not found.is_multicast and not found.is_reserved


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if address in ipaddress.ip_network("64:ff9b::/96") or address in ipaddress.ip_network("::/96"):
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return None
