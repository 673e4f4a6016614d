"""Which addresses are on the public internet: a client must not reach servers that only the worker's machine can reach.

Python's `ipaddress` knows IANA's registries as they were when it was released. The tables here add what it calls global although no
recording is there: relays and anycast services of the registries, later entries, and services of cloud providers under public numbers.
https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpcore

from transcribe_cli.errors import Unreadable

_NOT_PUBLIC_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # shared address space of providers; 100.100.100.200 is Alibaba Cloud's metadata server
        "168.63.129.16/32",  # Azure's wire server, which hands out a machine's secrets
        "161.26.0.0/16",  # services inside IBM Cloud
        "166.8.0.0/14",  # the same
        "192.0.0.0/24",  # IETF protocol assignments; 192.0.0.192 is Oracle Cloud's metadata server
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT relays
        "192.88.99.0/24",  # 6to4 relays
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
    )
)
# The addresses that IANA gives out are in here; what is outside is local, reserved, or an IPv4 address in another form.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments, such as Teredo, ORCHID, AMT, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which hides an IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # the former 6bone
        "3fff::/20",  # documentation
    )
)
# IPv4 addresses in IPv6: as seen by sockets, and as translated by a network that has IPv6 only.
_IPV4_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet. For an IPv4 address in an IPv6 one (IPv4-mapped, NAT64), that one counts."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and (parsed in _IPV4_MAPPED or parsed in _NAT64):
        parsed = IPv4Address(int(parsed) & 0xFFFF_FFFF)
    if not parsed.is_global or parsed.is_multicast or parsed.is_reserved:
        return False
    if isinstance(parsed, IPv4Address):
        return not any(parsed in network for network in _NOT_PUBLIC_V4)
    return parsed in _GLOBAL_UNICAST and not any(parsed in network for network in _NOT_PUBLIC_V6)


def find_addresses(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host, in the order in which to try them.

    Raises:
        httpcore.ConnectError: it has none.
    """
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError("the host has no address") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))


def public_addresses(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host. All must be public: of a mixture, a client could pick the private one by trying often.

    Raises:
        httpcore.ConnectError: it has none.
        Unreadable: one is not public.
    """
    addresses = find_addresses(host, port)
    if not addresses or not all(is_public(address) for address in addresses):
        raise not_public()
    return addresses


def not_public() -> Unreadable:
    """The error for an address that is not public. It names none: the answer must not tell a client about the worker's network."""
    return Unreadable(
        "The job contains an address that is not public; the worker does not connect to it.",
        "Private, loopback and link-local addresses are refused. If you trust all clients, start the worker with --allow-private.",
    )
