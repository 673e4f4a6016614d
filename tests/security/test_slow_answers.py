"""Attacker: a server that answers a byte at a time, before each timeout of a read, to hold a run or a worker for as long as it likes.

In the status line, headers, interim answers, chunk extensions, trailers and the body. The server here gives up after a while and sends the
rest at once, so that a client without a deadline gets its answer, which fails the test.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest

from tests.storage.web import Web
from transcribe_cli.backends import http as backend_http
from transcribe_cli.backends.openai.client import Client as OpenAIClient
from transcribe_cli.backends.openai.models import Server
from transcribe_cli.backends.runpod import client as runpod_client
from transcribe_cli.backends.runpod.client import Client as RunPodClient
from transcribe_cli.backends.thread_pool import StopFlag
from transcribe_cli.costs.prices import load_prices
from transcribe_cli.costs.prices.catalogue import CatalogueUnavailable, with_todays_prices
from transcribe_cli.errors import BackendFailed, NotReady, TranscribeError, Unreadable
from transcribe_cli.sources import download, find_recordings
from transcribe_cli.sources.fetch import Fetcher
from transcribe_cli.storage import client, http_deadline, store, transfer

# Bytes of the slow part, one every 50 ms: ten times the deadlines below.
SLOW_BYTES = 120
ANSWER = json.dumps({"id": "j", "status": "IN_QUEUE", "data": [{"id": "m"}], "workers": {"idle": 1}, "text": "a"}).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
# What comes at once, what comes slowly, the rest.
FORMS: dict[str, tuple[bytes, bytes, bytes]] = {
    "status": (b"HTTP/1.1 200 ", b"O" * SLOW_BYTES, b"K\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER),
    "headers": (HEAD + b"X: ", b"x" * SLOW_BYTES, b"\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER),
    "interim": (b"", b"HTTP/1.1 103 E\r\n\r\n" * 7, HEAD + b"Content-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER),
    "extension": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x;" % len(ANSWER),
        b"x" * SLOW_BYTES,
        b"\r\n" + ANSWER + b"\r\n0\r\n\r\n",
    ),
    "trailer": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(ANSWER) + ANSWER + b"\r\n0\r\nX: ",
        b"x" * SLOW_BYTES,
        b"\r\n\r\n",
    ),
    "body": (HEAD + b"Content-Length: %d\r\n\r\n" % (len(ANSWER) + SLOW_BYTES), b" " * SLOW_BYTES, ANSWER),
}


class Slow:
    """The server.

    Attributes:
        url: its address.
        answered: whether a client waited for the end of an answer.
    """

    def __init__(self, form: tuple[bytes, bytes, bytes]) -> None:
        self._form, self._stop, self.answered = form, threading.Event(), False
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self._stop.set()
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError), closing(connection):
            connection.recv(1 << 16)
            first, slowly, rest = self._form
            connection.sendall(first)
            for byte in slowly:
                connection.sendall(bytes([byte]))
                if self._stop.wait(0.05):
                    return
            self.answered = True
            connection.sendall(rest)


@pytest.fixture(params=FORMS)
def slow(request: pytest.FixtureRequest) -> Iterator[Slow]:
    """A server for each place of an answer where bytes can come slowly."""
    with closing(Slow(FORMS[request.param])) as server:
        yield server


@pytest.fixture
def web(make_web: Callable[[], Web]) -> Web:
    """A server that answers by path."""
    return make_web()


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short deadlines; each read has longer than the pause between two bytes."""
    monkeypatch.setattr(backend_http, "_BODY_SECONDS", 0.4)
    monkeypatch.setattr(backend_http, "_ATTEMPTS", 1)
    monkeypatch.setattr(runpod_client, "_TIMEOUT", httpx.Timeout(0.2))
    monkeypatch.setattr(runpod_client, "_CANCEL_SECONDS", 0.2)
    monkeypatch.setattr("transcribe_cli.backends.openai.client._CHECK_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr("transcribe_cli.backends.openai.client._SERVICE_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr("transcribe_cli.backends.openai.client._CONNECT_SECONDS", 0.1)


def nothing(seconds: float) -> None:
    """Do not wait between attempts."""


@pytest.mark.parametrize(
    "call",
    [lambda queue: queue.submit({}), lambda queue: queue.status("j"), lambda queue: queue.check()],
    ids=["submit", "status", "check"],
)
def test_runpods_queue_cannot_hold_the_client(slow: Slow, call: Callable[[RunPodClient], object]) -> None:
    with closing(RunPodClient("e", "k", slow.url, slow.url, nothing)) as queue, pytest.raises(TranscribeError):
        call(queue)
    assert not slow.answered


def test_runpods_cancel_and_health_give_up(slow: Slow) -> None:
    """They never raise."""
    with closing(RunPodClient("e", "k", slow.url, slow.url, nothing)) as queue:
        assert not queue.cancel("j")
        assert queue.worker_counts() == {}
    assert not slow.answered


def test_a_server_of_the_openai_api_cannot_hold_the_client(slow: Slow) -> None:
    with closing(OpenAIClient(Server(slow.url), "k", StopFlag())) as server:
        with pytest.raises(NotReady):
            server.models()
        with pytest.raises(BackendFailed):
            server.transcribe([], ("a.wav", b"x", "audio/wav"), seconds=0.0, translate=False)
    assert not slow.answered


def test_the_price_catalogue_cannot_hold_the_client(slow: Slow) -> None:
    with pytest.raises(CatalogueUnavailable):
        with_todays_prices(load_prices(), slow.url, "k", timeout=0.2)
    assert not slow.answered


def test_a_proxy_of_the_environment_cannot_hold_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own connections go through it."""
    with closing(Slow(FORMS["headers"])) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        with pytest.raises(CatalogueUnavailable):
            with_todays_prices(load_prices(), "http://catalogue.invalid", "k", timeout=0.2)
        assert not proxy.answered


def test_a_server_that_reads_slowly_cannot_hold_the_client() -> None:
    """It takes the request, and never the whole body."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with http_deadline.deadline(0.3), backend_http.BoundedClient(timeout=30) as http, pytest.raises(httpx.TimeoutException):
            http.post(url, content=b"x" * (64 << 20))


def test_the_deadline_of_one_exchange_does_not_reach_the_next() -> None:
    """The time limits of two exchanges, one inside the other, and after them."""
    with http_deadline.deadline(1e6):
        with http_deadline.deadline(1e9):
            assert (http_deadline._left(1e12) or 0) <= 1e6
        assert (http_deadline._left(1e12) or 0) <= 1e6
    assert http_deadline._left(5.0) == 5.0


@pytest.mark.parametrize("form", ["status", "headers", "interim", "extension", "body"])
@pytest.mark.parametrize("source", ["{}/p/", "@{}/list", "{}/m.jsonl", "{}/a.mp3"])
def test_a_source_cannot_hold_the_run(form: str, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page, a list, a manifest, a recording. These limits existed."""
    for function in (store.Store.read, store.Store._call, client.Client.call):
        monkeypatch.setitem(function.__kwdefaults__, "seconds", 0.4)
    monkeypatch.setattr(client.Client.wait_for, "__defaults__", (0.4,))
    monkeypatch.setattr("transcribe_cli.sources.web_pages.READ_SECONDS", 0.4)
    monkeypatch.setattr(client.Client.retry, "__defaults__", (1,))
    with closing(Slow(FORMS[form])) as server:
        with suppress(TranscribeError):
            list(find_recordings([source.format(server.url)]))
        assert not server.answered


@pytest.mark.parametrize("form", ["status", "headers", "interim", "extension"])
def test_a_download_of_a_whole_file_cannot_be_held(web: Web, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server tells no size, so that the file comes in one request without a time limit of its own."""
    monkeypatch.setattr(transfer, "STALL_SECONDS", 0.4)
    monkeypatch.setattr(download, "MAX_FAILED_ATTEMPTS", 1)
    answered, asked = threading.Event(), [""]

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.close_connection = True
        asked.append(request.command)
        if (
            request.command == "HEAD" or asked[-2] == "HEAD"
        ):  # a request for metadata, and its repetition because no size is known
            request.send_response(200)
            request.end_headers()
            return
        first, slowly, rest = FORMS[form]
        with suppress(OSError):
            request.wfile.write(first)
            for byte in slowly:
                request.wfile.write(bytes([byte]))
                time.sleep(0.05)
            request.wfile.write(rest)
            answered.set()

    web.answers["/a.mp3"] = answer
    (recording,) = find_recordings([f"{web.url}/a.mp3"])
    with pytest.raises(Unreadable, match="did not answer in time"), Fetcher(folder=tmp_path).fetch(recording):
        pass
    assert not answered.is_set()
