"""The attacker is a client of the worker's queue who owns the servers of `audio_url` and `result_url`.

They answer with every byte as they like, and want to hold the worker's slots, fill its memory or disk, or receive what belongs to another
server.
"""

from __future__ import annotations

import gzip
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from transcribe_cli.backends.protocol import RemoteJob
from transcribe_cli.errors import BackendFailed, TranscribeError, Unreadable, UsageError
from transcribe_cli.spec import JobSpec
from transcribe_cli.worker import limits, transfer
from transcribe_cli.worker.limits import WorkerLimits

MAX_BYTES = 100_000
LIMITS = WorkerLimits(MAX_BYTES, allow_private=True)
# The first 3 MB of the stream unpack to 3 GB.
BOMB = gzip.compress(bytes(1 << 20)) * 3000
Respond = Callable[[socket.socket, bytes], None]


class Attacker:
    """A server on this machine. `answers` are called in turn with the connection and the head of the request, the last one for ever."""

    def __init__(self, *answers: Respond) -> None:
        self._answers = list(answers)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.requests: list[bytes] = []
        self.sent = 0
        self._ended = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                threading.Thread(target=self._answer, args=(connection, answer), daemon=True).start()

    def _answer(self, connection: socket.socket, answer: Respond) -> None:
        with connection, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(65536) or b"\r\n\r\n"
            self.requests.append(head)
            answer(connection, head)

    def repeat(self, head: bytes, piece: bytes, pause: float = 0.0) -> Respond:
        """Send `head`, and then `piece` for ever."""

        def respond(connection: socket.socket, request: bytes) -> None:
            connection.sendall(head)
            while not self._ended.wait(pause):
                connection.sendall(piece)
                self.sent += len(piece)

        return respond

    def then(self, *answers: Respond) -> None:
        """Replace the answers."""
        self._answers = list(answers)

    def close(self) -> None:
        """Stop."""
        self._ended.set()
        self._socket.close()


def say(*lines: str, body: bytes = b"") -> Respond:
    """An answer that ends with the connection."""
    data = "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body
    return lambda connection, request: connection.sendall(data)


def redirect(target: str, status: str = "302 Found", *headers: str) -> Respond:
    """A redirect."""
    return say(f"HTTP/1.1 {status}", f"Location: {target}", "Content-Length: 0", *headers)


FILE = say("HTTP/1.1 200 OK", "Content-Length: 5", body=b"audio")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def attacker() -> Iterator[Attacker]:
    """A server with a small file."""
    server = Attacker(FILE)
    yield server
    server.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transfer may be slow for half a second. Without a deadline, the tests with this fixture would never end."""
    monkeypatch.setattr(limits, "_GRACE_SECONDS", 0.5)
    monkeypatch.setattr(transfer.time, "sleep", lambda seconds: None)


def download(url: str, path: Path) -> bytes:
    """What a worker downloads."""
    job = RemoteJob(name="a.mp3", spec=JobSpec(), audio_url=url)
    transfer.save_audio(job, path, LIMITS, lambda: False)
    return path.read_bytes()


def test_a_file_is_downloaded(attacker: Attacker, tmp_path: Path) -> None:
    assert download(attacker.url, tmp_path / "a") == b"audio"


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"a"),
        (b"HTTP/1.1 200 OK\r\n", b"X: a\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n", b"a"),
        (CHUNKED, b"1\r\na\r\n"),
        (CHUNKED + b"1;", b"a"),
        (CHUNKED + b"0\r\n", b"X: a\r\n"),
        (b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/10\r\n\r\n", b"a"),
        (b"HTTP/1.1 503 Busy\r\n", b"X: a\r\n"),
    ],
)
@pytest.mark.usefixtures("impatient")
def test_a_byte_now_and_then_does_not_hold_a_slot(head: bytes, piece: bytes, attacker: Attacker, tmp_path: Path) -> None:
    """In the status, headers, interim answers, body, chunk sizes, trailers."""
    attacker.then(attacker.repeat(head, piece, pause=0.02))
    with pytest.raises(Unreadable, match="too slowly"):
        download(attacker.url, tmp_path / "a")


@pytest.mark.usefixtures("impatient")
def test_a_byte_for_each_connection_does_not_hold_a_slot(
    attacker: Attacker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = threading.Event()
    monkeypatch.setattr(transfer.time, "sleep", lambda seconds: pause.wait(0.03))
    attacker.then(
        say("HTTP/1.1 200 OK", "Content-Length: 90000", body=b"a"), say("HTTP/1.1 206 More", "Content-Length: 80000", body=b"a")
    )
    with pytest.raises(Unreadable, match="too slowly"):
        download(attacker.url, tmp_path / "a")
    assert len(attacker.requests) > 6


@pytest.mark.usefixtures("impatient")
def test_slow_redirects_do_not_hold_a_slot(attacker: Attacker, tmp_path: Path) -> None:
    attacker.then(attacker.repeat(b"HTTP/1.1 302 Found\r\nLocation: /a\r\n", b"X: a\r\n", pause=0.02))
    with pytest.raises(Unreadable, match="too slowly"):
        download(attacker.url, tmp_path / "a")


@pytest.mark.usefixtures("impatient")
def test_a_tls_handshake_does_not_hold_a_slot(attacker: Attacker, tmp_path: Path) -> None:
    attacker.then(attacker.repeat(b"", b"\x16", pause=0.02))
    with pytest.raises(Unreadable, match=r"too slowly|ConnectError"):
        download(attacker.url.replace("http:", "https:"), tmp_path / "a")


def test_the_whole_transfer_has_an_end_however_fast(attacker: Attacker, tmp_path: Path) -> None:
    """A server that sends fast, and starts again and again."""
    attacker.then(say("HTTP/1.1 200 OK", "Content-Length: 90000", body=bytes(80_000)))
    job = RemoteJob(name="a.mp3", spec=JobSpec(), audio_url=attacker.url)
    with pytest.raises(Unreadable, match="too slowly"):
        transfer.save_audio(job, tmp_path / "a", WorkerLimits(MAX_BYTES, 0.5, allow_private=True), lambda: False)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", bytes(65536)),
        (CHUNKED, b"8000\r\n" + bytes(0x8000) + b"\r\n"),
        (CHUNKED, b"1;" + b"a" * 8000 + b"\r\na\r\n"),
        (CHUNKED + b"0\r\n", b"X: " + b"a" * 8000 + b"\r\n"),
        (b"", b"HTTP/1.1 102 Processing\r\nX: " + b"a" * 8000 + b"\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X: " + b"a" * 8000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", BOMB[:65536]),
        (b"HTTP/1.1 206 Partial Content\r\n\r\n", bytes(65536)),
    ],
)
def test_endless_answers_are_not_kept(
    head: bytes, piece: bytes, attacker: Attacker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bodies, chunk extensions, trailers, interim answers, headers. At most `MAX_BYTES` reach the disk."""
    monkeypatch.setattr(transfer.time, "sleep", lambda seconds: None)
    attacker.then(attacker.repeat(head, piece))
    with pytest.raises(Unreadable, match=r"larger than|sends more than|RemoteProtocolError"):
        download(attacker.url, tmp_path / "a")
    assert not (tmp_path / "a").exists() or (tmp_path / "a").stat().st_size <= MAX_BYTES


@pytest.mark.parametrize("length", ["99999999999999999999", "-1", "+5", "5, 6", "0x5", "1e999", "9" * 5000, "٥"])
def test_a_wrong_length_is_that_jobs_error(
    length: str, attacker: Attacker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer.time, "sleep", lambda seconds: None)
    attacker.then(say("HTTP/1.1 200 OK", f"Content-Length: {length}", body=b"audio"))
    with pytest.raises(Unreadable):
        download(attacker.url, tmp_path / "a")


@pytest.mark.parametrize("encoding", ["identity", "gzip", "br", "deflate, gzip"])
def test_the_body_of_a_redirect_is_not_read(encoding: str, attacker: Attacker, tmp_path: Path) -> None:
    """An endless one, also as a bomb."""
    head = f"HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Encoding: {encoding}\r\n\r\n".encode()
    attacker.then(attacker.repeat(head, BOMB[:65536]), FILE)
    assert download(attacker.url, tmp_path / "a") == b"audio"
    assert attacker.sent < 20_000_000  # what fits into the buffers of the two sockets


@pytest.mark.parametrize(
    "status", ["200 OK", "201 Created", "204 No Content", "403 Forbidden", "302 Found", "307 Temporary Redirect"]
)
def test_the_body_of_an_answer_to_an_upload_is_not_read(status: str, attacker: Attacker) -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Encoding: gzip\r\n\r\n".encode()
    attacker.then(attacker.repeat(head, BOMB[:65536]))
    if status.startswith("2"):
        transfer.upload_result(attacker.url, b"result", LIMITS)
    else:
        with pytest.raises(BackendFailed, match=status[:3]):
            transfer.upload_result(attacker.url, b"result", LIMITS)
    assert attacker.sent < 20_000_000


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_a_slow_answer_to_an_upload_does_not_hold_a_slot(head: bytes, attacker: Attacker) -> None:
    attacker.then(attacker.repeat(head, b"X" if not head else b"X: a\r\n", pause=0.02))
    with pytest.raises(BackendFailed, match=r"too slow|RemoteProtocolError"):
        transfer.upload_result(attacker.url, b"result", LIMITS)


@pytest.mark.usefixtures("impatient")
def test_a_server_that_does_not_read_the_upload_does_not_hold_a_slot(attacker: Attacker) -> None:
    attacker.then(lambda connection, request: threading.Event().wait())
    with pytest.raises(BackendFailed, match="too slow"):
        transfer.upload_result(attacker.url, bytes(50_000_000), WorkerLimits(MAX_BYTES, 1.0, allow_private=True))


@pytest.mark.usefixtures("impatient")
def test_interim_answers_to_an_upload_are_not_endless(attacker: Attacker) -> None:
    attacker.then(attacker.repeat(b"", b"HTTP/1.1 103 Early Hints\r\nX: " + b"a" * 8000 + b"\r\n\r\n"))
    with pytest.raises((BackendFailed, UsageError), match=r"sends more|too slow"):
        transfer.upload_result(attacker.url, b"result", LIMITS)


def test_redirects_have_an_end(attacker: Attacker, tmp_path: Path) -> None:
    attacker.then(redirect("/again"))
    with pytest.raises(Unreadable, match="redirects too often"):
        download(attacker.url, tmp_path / "a")
    assert len(attacker.requests) == 6
    attacker.then(redirect("/again", "307 Temporary Redirect"))
    with pytest.raises(UsageError, match="redirects too often"):
        transfer.upload_result(attacker.url, b"result", LIMITS)


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/a",
        "unix:///var/run/docker.sock",
        "data:audio/wav;base64,AAAA",
        "gopher://127.0.0.1:9/_a",
        "javascript:1",
        "http://[::1/a",
        "http://a:99999999/a",
        "http://xn--a/a",
        "http://a:port/a",
        "http:///a",
        "//",
        "http://" + "a" * 70_000,
    ],
)
def test_a_redirect_to_an_unusable_url_is_that_jobs_error(target: str, attacker: Attacker, tmp_path: Path) -> None:
    attacker.then(redirect(target))
    with pytest.raises(Unreadable, match=r"^The audio's URL cannot be used") as caught:
        download(attacker.url, tmp_path / "a")
    assert str(caught.value).isprintable()
    with pytest.raises(TranscribeError):
        transfer.upload_result(attacker.url, b"result", LIMITS)


def test_every_hop_is_checked(attacker: Attacker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attacker's server counts as public in this test; what it redirects to does not."""
    from transcribe_cli.worker import addresses, connections

    monkeypatch.setattr(
        connections,
        "public_addresses",
        lambda host, port: ["127.0.0.1"] if host == "public.example" else addresses.public_addresses(host, port),
    )
    monkeypatch.setattr(connections, "_is_own_machine", lambda stream: False)
    public = attacker.url.replace("127.0.0.1", "public.example")
    job = RemoteJob(name="a.mp3", spec=JobSpec(), audio_url=public)
    for hops, target in itertools.product(
        (1, 3), ("http://169.254.169.254/latest", "http://[fd00:ec2::254]/", attacker.url, "//localhost/")
    ):
        attacker.then(
            *[redirect(f"{public}/next", "307 Temporary Redirect")] * (hops - 1), redirect(target, "307 Temporary Redirect")
        )
        with pytest.raises(Unreadable, match="not public"):
            transfer.save_audio(job, tmp_path / "a", WorkerLimits(), lambda: False)
        attacker.then(
            *[redirect(f"{public}/next", "307 Temporary Redirect")] * (hops - 1), redirect(target, "307 Temporary Redirect")
        )
        with pytest.raises(UsageError, match="not public"):
            transfer.upload_result(public, b"result", WorkerLimits())
    assert not (tmp_path / "a").exists()


def test_no_credentials_travel(attacker: Attacker, tmp_path: Path) -> None:
    """Neither a user name in a URL nor a cookie reaches the next hop, the next attempt, or the next job."""
    cookie = "Set-Cookie: session=secret; Path=/"
    other = Attacker(redirect(f"{attacker.url}/back", "302 Found", cookie))
    attacker.then(redirect(f"{other.url}/x", "302 Found", cookie), FILE)
    assert download(attacker.url.replace("http://", "http://ana:secret@"), tmp_path / "a") == b"audio"
    assert b"authorization" in attacker.requests[0].lower()
    for request in (*other.requests, *attacker.requests[1:]):
        assert b"authorization" not in request.lower()
        assert b"cookie" not in request.lower()
    attacker.then(redirect("http://bob:other@" + attacker.url.removeprefix("http://") + "/z", "302 Found", cookie), FILE)
    assert download(attacker.url, tmp_path / "b") == b"audio"
    assert b"authorization" not in attacker.requests[-1].lower()
    assert b"cookie" not in attacker.requests[-1].lower()
    other.close()


@pytest.mark.parametrize("status", ["302 Found", "303 See Other", "300 Multiple Choices"])
def test_an_upload_does_not_become_a_download(status: str, attacker: Attacker) -> None:
    attacker.then(redirect("/a", status), FILE)
    with pytest.raises(BackendFailed, match=status[:3]):
        transfer.upload_result(attacker.url, b"result", LIMITS)
    assert [request[:4] for request in attacker.requests] == [b"PUT "]


def test_an_upload_follows_redirects_that_keep_it_one(attacker: Attacker) -> None:
    attacker.then(redirect("/a", "307 Temporary Redirect"), redirect("/b", "308 Permanent Redirect"), FILE)
    transfer.upload_result(attacker.url, b"result", LIMITS)
    assert [request.split(b" ")[:2] for request in attacker.requests] == [[b"PUT", b"/"], [b"PUT", b"/a"], [b"PUT", b"/b"]]
