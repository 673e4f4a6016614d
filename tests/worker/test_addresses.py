"""What a worker downloads, and from which addresses it refuses to."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from transcribe_cli.backends.protocol import RemoteJob
from transcribe_cli.errors import Unreadable
from transcribe_cli.spec import JobSpec
from transcribe_cli.worker import addresses, connections, transfer
from transcribe_cli.worker.addresses import is_public
from transcribe_cli.worker.limits import WorkerLimits

CONTENT = bytes(range(256)) * 40


class Web(BaseHTTPRequestHandler):
    """Serves a file, with ranges. `/cut` drops the first connection in the middle, `/to/…` redirects."""

    protocol_version = "HTTP/1.1"
    cut: bool = False

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        """Serve the path."""
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("location", self.path.removeprefix("/to/"))
            self.send_header("content-length", "0")
            self.end_headers()
            return
        if self.path == "/gone":
            self.send_error(403)
            return
        start = int((self.headers.get("range") or "bytes=0-")[6:].rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("content-length", str(len(CONTENT) - start))
        self.end_headers()
        if self.path == "/cut" and not type(self).cut:
            type(self).cut = True
            self.wfile.write(CONTENT[:5000])
            self.wfile.flush()
            self.close_connection = True
            self.connection.close()
            return
        self.wfile.write(CONTENT[start:])


@pytest.fixture
def web() -> Iterator[str]:
    """A server on this machine."""
    Web.cut = False
    with ThreadingHTTPServer(("127.0.0.1", 0), Web) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def download(url: str, path: Path, *, allow_private: bool = True, max_bytes: int = 1_000_000) -> bytes:
    """What a worker downloads from a URL."""
    job = RemoteJob(name="a.mp3", spec=JobSpec(), audio_url=url)
    transfer.save_audio(job, path, WorkerLimits(max_bytes, allow_private=allow_private), lambda: False)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::10.0.0.1", False),
        ("2002:7f00:1::", False),
        ("nonsense", False),
    ],
)
def test_public_addresses_are_recognized(address: str, *, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "0x7f000001", "2130706433"])
def test_the_local_machine_is_refused_under_any_name(host: str, web: str, tmp_path: Path) -> None:
    port = web.rpartition(":")[2]
    with pytest.raises(Unreadable, match="not public"):
        download(f"http://{host}:{port}/a", tmp_path / "a", allow_private=False)
    assert not (tmp_path / "a").exists()


def test_a_redirect_to_the_local_machine_is_refused(web: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server itself counts as public in this test; the address that it redirects to does not."""
    port = int(web.rpartition(":")[2])
    checked = []

    def public_addresses(host: str, port_: int) -> list[str]:
        checked.append(host)
        return ["127.0.0.1"] if host == "public.example" else addresses.public_addresses(host, port_)

    monkeypatch.setattr(connections, "public_addresses", public_addresses)
    monkeypatch.setattr(connections, "_is_own_machine", lambda stream: False)
    with pytest.raises(Unreadable, match="not public"):
        download(f"http://public.example:{port}/to/http://127.0.0.1:{port}/a", tmp_path / "a", allow_private=False)
    assert checked == ["public.example", "127.0.0.1"]


def test_a_host_with_a_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [(2, 1, 6, "", ("8.8.8.8", 80)), (2, 1, 6, "", ("10.0.0.1", 80))]
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *arguments, **options: entries)
    with pytest.raises(Unreadable, match="not public"):
        addresses.public_addresses("both.example", 80)


def test_a_dropped_download_is_resumed(web: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer.time, "sleep", lambda seconds: None)
    assert download(f"{web}/cut", tmp_path / "a") == CONTENT


@pytest.mark.parametrize("path", ["/a", "/cut"])
def test_a_file_that_is_too_large_is_refused(web: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="larger than this worker accepts"):
        download(f"{web}{path}", tmp_path / "a", max_bytes=1000)


def test_an_expired_url_is_reported_without_the_url(web: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="403") as caught:
        download(f"{web}/gone", tmp_path / "a")
    assert "expired" in caught.value.hint
    assert web not in str(caught.value)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/a", "/etc/passwd", "http://"])
def test_other_schemes_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        download(url, tmp_path / "a")


def test_invalid_base64_is_refused(tmp_path: Path) -> None:
    job = RemoteJob(name="a.mp3", spec=JobSpec(), audio_base64="%%%")
    with pytest.raises(Unreadable, match="base64"):
        transfer.save_audio(job, tmp_path / "a", WorkerLimits(1000), lambda: False)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Key and certificate of public.example."""
    key, made = tmp_path / "key.pem", tmp_path / "certificate.pem"
    options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=public.example"]
    names = ["-addext", "subjectAltName=DNS:public.example"]
    line = ["openssl", "req", "-x509", *options, *names, "-keyout", key, "-out", made]
    if shutil.which("openssl") is None or subprocess.run(line, capture_output=True).returncode:
        pytest.skip("openssl cannot make a certificate")
    return key, made


def test_https_is_checked_for_the_name_and_not_for_the_address(
    certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection goes to an address, the certificate is that of the host."""
    key, made = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    trusting = ssl.create_default_context(cafile=str(made))
    monkeypatch.setattr(connections, "_ssl_context", lambda: trusting)
    monkeypatch.setattr(connections, "public_addresses", lambda host, port: ["127.0.0.1"])
    monkeypatch.setattr(connections, "_is_own_machine", lambda stream: False)
    monkeypatch.setattr(transfer.time, "sleep", lambda seconds: None)
    with ThreadingHTTPServer(("127.0.0.1", 0), Web) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        port = server.server_address[1]
        assert download(f"https://public.example:{port}/a", tmp_path / "a", allow_private=False) == CONTENT
        with pytest.raises(Unreadable, match="ConnectError"):
            download(f"https://other.example:{port}/a", tmp_path / "b", allow_private=False)
        server.shutdown()


def test_the_next_address_of_a_host_is_tried(web: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one does not answer, as IPv6 where a machine has none."""
    monkeypatch.setattr(connections, "find_addresses", lambda host, port: ["127.0.0.2", "127.0.0.1"])
    assert download(web.replace("127.0.0.1", "two.example") + "/a", tmp_path / "a") == CONTENT
