"""The attacker is a client of the worker's queue who names hosts, and owns a domain with its name server.

They want the worker to talk to servers that only its machine can reach: metadata of the cloud, services of the private network, the
machine itself.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import httpcore
import httpx
import pytest

from transcribe_cli.errors import Unreadable
from transcribe_cli.worker import addresses, connections
from transcribe_cli.worker.addresses import is_public
from transcribe_cli.worker.limits import Deadline

# IANA's registries of special-purpose addresses, November 2026, whole; and the services of clouds under other numbers.
_NOT_PUBLIC = """
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.0.0/29 192.0.0.8/32 192.0.0.9/32
    192.0.0.10/32 192.0.0.170/32 192.0.0.171/32 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.88.99.2/32
    192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 255.255.255.255/32
    ::1/128 ::/128 ::/96 ::ffff:0:0:0/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32 2001:1::1/128 2001:1::2/128
    2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28 2001:20::/28 2001:30::/28 2001:db8::/32 2002::/16
    2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8 3ffe::/16 4000::/3 8000::/1 ::/8
    168.63.129.16/32 169.254.169.254/32 169.254.170.2/32 100.100.100.200/32 192.0.0.192/32 fd00:ec2::254/128 fd20:ce::254/128
    161.26.0.0/16 166.8.0.0/14
"""
_PUBLIC = """
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 168.63.129.15 168.63.129.17 169.253.255.255
    172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255
    198.20.0.0 223.255.255.255 2001:200:: 2001:4860:4860::8888 2003:: 2606:4700::1111 2620:4f:7fff:ffff:: 2620:4f:8001:: 2a00::1
    3ffd:: 3fff:1000:: 64:ff9b::8.8.8.8 ::ffff:8.8.8.8
"""
NOT_PUBLIC, PUBLIC = _NOT_PUBLIC.split(), _PUBLIC.split()


def ends(network: str) -> list[str]:
    """The first and the last address of a network."""
    parsed = ipaddress.ip_network(network)
    return [str(parsed[0]), str(parsed[-1])]


@pytest.mark.parametrize("network", NOT_PUBLIC)
def test_no_special_purpose_address_is_public(network: str) -> None:
    assert [address for address in ends(network) if is_public(address)] == []


@pytest.mark.parametrize("network", [network for network in NOT_PUBLIC if "." in network])
def test_no_form_of_an_ipv4_address_hides_one(network: str) -> None:
    """IPv4-mapped, IPv4-compatible, translated, NAT64, 6to4, Teredo (its client is inverted)."""
    for address in ends(network):
        number = int(ipaddress.ip_address(address))
        forms = [
            0xFFFF << 32 | number,
            number,
            0xFFFF << 48 | number,
            0x64_FF9B << 96 | number,
            0x64_FF9B_0001 << 80 | number,
            0x2002 << 112 | number << 80,
            0x2001_0000 << 96 | number << 64,
            0x2001_0000 << 96 | number ^ 0xFFFF_FFFF,
        ]
        assert [str(ipaddress.IPv6Address(form)) for form in forms if is_public(str(ipaddress.IPv6Address(form)))] == []


@pytest.mark.parametrize("address", PUBLIC)
def test_the_neighbours_of_special_addresses_stay_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address", ["", " ", "%", "1", "0x7f000001", "010.0.0.1", "8.8.8.8 ", "8.8.8.8\n", "::1%lo", "a.example", "٨.8.8.8"]
)
def test_what_is_no_address_is_not_public(address: str) -> None:
    assert not is_public(address)


def resolver(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """The attacker's name server: one of these answers after the other. Returns the addresses that were connected to."""
    left = list(answers)
    connected: list[str] = []

    def getaddrinfo(*arguments: object, **options: object) -> list[Any]:
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET6 if ":" in address else socket.AF_INET, 1, 6, "", (address, 80)) for address in found]

    def connect(self: object, host: str, *arguments: object) -> httpcore.NetworkStream:
        connected.append(host)
        raise httpcore.ConnectError("refused")

    monkeypatch.setattr(addresses.socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    return connected


def get(url: str) -> httpx.Response:
    """A request of a worker."""
    with connections.open_transport(Deadline(60.0), 1000, allow_private=False) as transport:
        return transport.handle_request(httpx.Request("GET", url))


@pytest.mark.parametrize(
    "answer",
    [
        ["8.8.8.8", "10.0.0.1"],
        ["10.0.0.1", "8.8.8.8"],
        ["8.8.8.8", "::1"],
        ["2606:4700::1111", "fe80::1%eth0"],
        ["8.8.8.8"] * 50 + ["168.63.129.16"],
        [],
    ],
)
def test_a_host_with_one_address_that_is_not_public_is_refused(answer: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    connected = resolver(monkeypatch, answer)
    with pytest.raises(Unreadable, match="not public"):
        get("http://both.example/")
    assert connected == []


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name server answers the check with a public address, and whatever asks next with a private one."""
    connected = resolver(monkeypatch, ["8.8.8.8", "1.1.1.1"], ["127.0.0.1"])
    with pytest.raises(httpx.ConnectError):
        get("http://rebinding.example/")
    assert connected == ["8.8.8.8", "1.1.1.1"]
    with pytest.raises(Unreadable, match="not public"):
        get("http://rebinding.example/")
    assert len(connected) == 2


def test_few_addresses_of_a_host_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    connected = resolver(monkeypatch, [f"8.8.{number}.1" for number in range(200)])
    with pytest.raises(httpx.ConnectError):
        get("http://many.example/")
    assert len(connected) == 4


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/",
        "http://127.1:9/",
        "http://0/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://017700000001/",
        "http://[::]/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[fe80::1]/",
        "http://[fec0::1]/",
        "http://localhost/",
        "http://LOCALHOST/",
        "http://localhost./",
        "http://user:password@127.0.0.1/",
        "http://8.8.8.8@127.0.0.1/",
        "http://127。0。0。1/",
        "http://①②⑦.0.0.1/",
        "https://127.0.0.1/",
    ],
)
def test_no_spelling_reaches_this_machine(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*arguments: object) -> httpcore.NetworkStream:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    with pytest.raises((Unreadable, httpx.ConnectError, httpx.InvalidURL)):
        get(url)


def test_this_machine_is_refused_under_a_public_address_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(connections, "public_addresses", lambda host, port: ["127.0.0.1"])
        with pytest.raises(Unreadable, match="not public"):
            get(f"http://own.example:{server.getsockname()[1]}/")


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    connected = resolver(monkeypatch, ["8.8.8.8"])
    with pytest.raises(httpx.ConnectError):
        get("http://public.example/")
    assert connected == ["8.8.8.8"]


def test_a_local_socket_is_refused() -> None:
    backend: Callable[..., object] = connections._LimitedBackend(Deadline(60.0), 1000, allow_private=False).connect_unix_socket
    with pytest.raises(Unreadable, match="local socket"):
        backend("/var/run/docker.sock")
