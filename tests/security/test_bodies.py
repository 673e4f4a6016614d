"""Attacker: a web server, or whoever fills a bucket: they send without end, a gigabyte as a megabyte of gzip, or a byte at a time.

They want memory, disk, or to hold the run for ever. A test server counts what the client takes; its process is the client's, too, so
that a limit that fails shows in both.
"""

from __future__ import annotations

import gzip
import json
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from pathlib import Path

import pytest

from tests.storage.places import Tree
from tests.storage.web import Web
from transcribe_cli.backends import http as backend_http
from transcribe_cli.backends.openai.client import Client as OpenAIClient
from transcribe_cli.backends.openai.models import Server
from transcribe_cli.backends.runpod.client import Client as RunPodClient
from transcribe_cli.backends.thread_pool import StopFlag
from transcribe_cli.costs.prices import load_prices
from transcribe_cli.costs.prices.catalogue import CatalogueUnavailable, with_todays_prices
from transcribe_cli.errors import ConfigError, DiarizationFailed, StorageNotReady, TranscribeError, Unreadable, UsageError
from transcribe_cli.formats.speaker_names import read_name_files
from transcribe_cli.sinks import read_transcript, reading
from transcribe_cli.sources import download, find_recordings
from transcribe_cli.sources.fetch import Fetcher
from transcribe_cli.speakers.diarizers.rttm import read_text
from transcribe_cli.storage import bounded, shared_files

MIB = 1 << 20
BLOCK = b" " * (1 << 16)


class Source:
    """An endless body.

    Attributes:
        sent: bytes that the client took, before compression.
    """

    def __init__(self, how: str, status: int = 200, content_type: str = "text/html", head: bytes = b"") -> None:
        self.how, self.status, self.content_type, self.head = how, status, content_type, head
        self.sent = 0
        self.stop = threading.Event()

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        """Answer a request."""
        request.send_response(self.status)
        request.send_header("Content-Type", self.content_type)
        if self.how in ("gzip", "deflate", "br", "zstd"):
            request.send_header("Content-Encoding", self.how)
        if self.how == "lie":
            request.send_header("Content-Length", "10" if request.command == "HEAD" else str(1 << 40))
        else:
            request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        request.close_connection = True
        if request.command == "HEAD":
            return
        with suppress(OSError):
            for data in self.body():
                request.wfile.write(data if self.how == "lie" else b"%x\r\n%s\r\n" % (len(data), data))

    def body(self) -> Iterator[bytes]:
        """The blocks as they are sent; at most 4 GB."""
        deflate = zlib.compressobj(9, wbits=31 if self.how == "gzip" else 15) if self.how in ("gzip", "deflate") else None
        plain = self.head
        while self.sent < 1 << 32:
            plain += b" " if self.how == "drip" else BLOCK * (256 if deflate else 1)
            data = deflate.compress(plain) + deflate.flush(zlib.Z_SYNC_FLUSH) if deflate else plain
            yield data
            self.sent += len(plain)
            plain = b""
            if self.how == "drip" and self.stop.wait(0.05):
                return


@pytest.fixture
def web(make_web: Callable[[], Web]) -> Web:
    """The attacker's server."""
    return make_web()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small limits, so that tests are fast."""
    monkeypatch.setattr(backend_http, "MAX_ANSWER_BYTES", MIB)
    monkeypatch.setattr("transcribe_cli.sources.web_pages.PAGE_BYTES", MIB)


@pytest.mark.parametrize("content_type", ["text/html", "application/rss+xml"])
@pytest.mark.parametrize("how", ["chunked", "lie", "gzip", "deflate", "br"])
def test_an_endless_page_is_refused(web: Web, how: str, content_type: str) -> None:
    """With the real limit: 16 MB of page."""
    source = web.answers["/p/"] = Source(how, content_type=content_type, head=b'<a href="x.mp3">')
    with pytest.raises(TranscribeError) as caught:
        list(find_recordings([f"{web.url}/p/"]))
    assert how == "br" or "too large" in str(caught.value)
    assert source.sent < 300 * MIB  # one block of the compressed forms has 16 MB


@pytest.mark.parametrize("how", ["chunked", "lie", "gzip"])
@pytest.mark.parametrize("name", ["list", "m.jsonl"])
def test_an_endless_list_is_refused(web: Web, how: str, name: str) -> None:
    """A list, a manifest."""
    source = web.answers[f"/{name}"] = Source(how, content_type="text/plain")
    with pytest.raises(UsageError, match="larger than 256 MiB"):
        list(find_recordings([f"{'@' if name == 'list' else ''}{web.url}/{name}"]))
    assert source.sent < 2 * bounded.MAX_FILE_BYTES


@pytest.mark.parametrize("path", ["/p/", "/aula.mp3"])
def test_a_server_that_sends_a_byte_at_a_time_does_not_hold_the_run(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """The time limits are for the whole page, and for each quarter of a megabyte of a recording."""
    source = web.answers[path] = Source("drip", content_type="text/html")
    monkeypatch.setattr(download, "CHUNK_SECONDS", 0.3)
    monkeypatch.setattr(download, "MAX_FAILED_ATTEMPTS", 2)
    if path == "/p/":
        monkeypatch.setattr("transcribe_cli.sources.web_pages.READ_SECONDS", 0.3)
        with pytest.raises(StorageNotReady, match="did not answer in time"):
            list(find_recordings([f"{web.url}{path}"]))
    else:
        (recording,) = find_recordings([f"{web.url}{path}"])
        with pytest.raises(Unreadable, match="too slowly"), Fetcher(folder=tmp_path).fetch(recording):
            pass
    source.stop.set()


@pytest.mark.parametrize("how", ["chunked", "lie", "gzip", "deflate"])
def test_an_endless_recording_is_that_recording(web: Web, tmp_path: Path, how: str) -> None:
    """Also if its size is known and wrong."""
    source = web.answers["/aula.mp3"] = Source(how, content_type="audio/mpeg")
    web.files["/own.mp3"] = b"own"
    endless, own = find_recordings([f"{web.url}/aula.mp3", f"{web.url}/own.mp3"])
    fetcher = Fetcher(limit=4 * MIB, folder=tmp_path)
    with pytest.raises(Unreadable, match="larger than its store reported"), fetcher.fetch(endless):
        pass
    with fetcher.fetch(own) as (path, _):
        assert path.read_bytes() == b"own"
    assert source.sent < 128 * MIB


@pytest.mark.parametrize("sent", [1, 100_000_000])
def test_a_range_has_the_size_that_was_asked_for(web: Web, tmp_path: Path, sent: int) -> None:
    """A server that answers each range with a byte, or with far more than the range."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range")
        request.send_response(206 if asked else 200)
        request.send_header("Content-Length", str(sent if asked else 3 * MIB))
        request.end_headers()
        if request.command == "GET":
            with suppress(OSError):
                request.wfile.write(b"x" * sent)

    web.answers["/aula.mp3"] = answer
    (recording,) = find_recordings([f"{web.url}/aula.mp3"])
    fetcher = Fetcher(folder=tmp_path)
    if sent == 1:
        with pytest.raises(Unreadable, match="sends less"), fetcher.fetch(recording):
            pass
        assert len(web.asked) < 20
    else:
        with fetcher.fetch(recording) as (path, _):
            assert path.stat().st_size == 3 * MIB


def test_a_huge_file_in_a_bucket_is_not_read(bucket: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transcript, a list, a lease."""
    huge = bucket.put("aula.json", b'{"schema_version": 1, ' + b" " * (3 * MIB))
    monkeypatch.setitem(type(huge.store).read.__kwdefaults__, "max_bytes", MIB)
    monkeypatch.setattr(reading, "MAX_BYTES", MIB)
    with pytest.raises(Unreadable, match="too large for a transcript"):
        read_transcript(huge)
    bucket.put("list", b"#" * (3 * MIB))
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        list(find_recordings([f"@{bucket.url}/list"], storage=bucket.options))
    lease = shared_files.read_version(huge)
    assert lease is not None
    assert len(lease.data) <= 1 << 16


def test_a_huge_file_of_names_or_turns_in_a_bucket_is_not_read(bucket: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """`speakers.toml` and RTTM beside a recording: each has a limit of its own."""
    names = bucket.put("speakers.toml", b'A = "a"\n' + b"#" * (2 * MIB))
    with pytest.raises(ConfigError, match=r"speakers\.toml"):
        read_name_files(names.with_name("aula.mp3"))
    monkeypatch.setattr("transcribe_cli.speakers.diarizers.rttm._MAX_BYTES", MIB)
    with pytest.raises(DiarizationFailed, match="too large"):
        read_text(bucket.put("aula.rttm", b";" * (2 * MIB)))


@pytest.mark.parametrize("path", ["aula.json", "list", "header", "lease"])
def test_an_s3_server_that_ignores_ranges_is_bounded(web: Web, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """It says that it sends a terabyte, and does."""
    source = web.answers["/b/x"] = Source("lie", content_type="text/plain")
    tree = Tree("s3://b", {"s3": {"endpoint_url": web.url, "key": "k", "secret": "s"}})
    location = tree.at("x")
    monkeypatch.setitem(type(location.store).read.__kwdefaults__, "max_bytes", MIB)
    with suppress(TranscribeError, OSError, KeyError):
        match path:
            case "header":
                list(location.store.read_headers([location], 4096))
            case "lease":
                shared_files.read_version(location)
            case _:
                location.store.read(location)
    assert source.sent < 64 * MIB


def test_an_archive_is_read_in_bounded_parts(web: Web) -> None:
    """A zip on a server; then one whose server sends without end instead of ranges."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/x.mp3", b"sound")
    web.files["/aulas.zip"] = packed.getvalue()
    (recording,) = find_recordings([f"zip://::{web.url}/aulas.zip"])
    assert (recording.label, recording.size) == ("a/x.mp3", 5)
    source = web.answers["/endless.zip"] = Source("lie", content_type="application/zip")
    with pytest.raises(TranscribeError):
        list(find_recordings([f"zip://::{web.url}/endless.zip"]))
    assert source.sent < 64 * MIB


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("how", ["chunked", "lie", "gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
def test_answers_of_backends_are_bounded(web: Web, how: str, status: int) -> None:
    """OpenAI's API and RunPod: answers and errors."""
    source = Source(how, status, "application/json")
    web.answers |= {
        f"/{path}": source for path in ("models", "audio/transcriptions", "e/run", "e/status/j", "e/health", "e/cancel/j")
    }
    web.answers |= {"/serverless/e": source, "/catalog/gpus": source}

    def wait(seconds: float) -> None:
        """Do not wait between attempts."""

    stop = StopFlag()
    stop.wait = wait  # type: ignore[method-assign]
    server, queue = OpenAIClient(Server(web.url), "k", stop), RunPodClient("e", "k", web.url, web.url, wait)
    with closing(server), closing(queue):
        for call in (
            server.models,
            server.check_address,
            lambda: server.transcribe([], ("a.wav", b"x", "audio/wav"), seconds=1, translate=False),
            lambda: queue.submit({}),
            lambda: queue.status("j"),
            queue.worker_counts,
            queue.endpoint_config,
            lambda: queue.cancel("j"),
        ):
            before = source.sent
            with suppress(TranscribeError):
                assert not call()
            assert source.sent - before < 256 * MIB
    with pytest.raises(CatalogueUnavailable):
        with_todays_prices(load_prices(), web.url, "k")


def test_a_slow_answer_of_a_backend_ends(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limit is for the whole body."""
    source = web.answers["/e/status/j"] = Source("drip", content_type="application/json")
    monkeypatch.setattr(backend_http, "_BODY_SECONDS", 0.2)
    monkeypatch.setattr("transcribe_cli.backends.runpod.client._TIMEOUT", 0.2)
    queue = RunPodClient("e", "k", web.url, web.url, lambda seconds: None)
    with closing(queue), pytest.raises(TranscribeError, match="UnusableAnswer"):
        queue.status("j")
    source.stop.set()


def test_compressed_answers_still_work(web: Web) -> None:
    """The client asks for gzip, and unpacks it."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        data = gzip.compress(json.dumps({"id": "j", "status": "IN_QUEUE"}).encode())
        request.send_response(200)
        request.send_header("Content-Encoding", "gzip")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    web.answers["/e/status/j"] = answer
    queue = RunPodClient("e", "k", web.url, web.url, lambda seconds: None)
    with closing(queue):
        assert queue.status("j").id == "j"
    assert web.headers[0]["accept-encoding"] == "gzip"


@pytest.mark.parametrize("name", ["Content-MD5", "Last-Modified", "Content-Length", "ETag", "Content-Range"])
@pytest.mark.parametrize("value", ["!!!", "9" * 5000, "Mon, 99 Xyz 99999 99:99:99 GMT", "-1", "bytes x/y"])
def test_headers_of_any_content_are_survived(web: Web, name: str, value: str) -> None:
    """An invalid one counts as missing, or the file as not there."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header(name, value)
        if name != "Content-Length":
            request.send_header("Content-Length", "5")
        request.end_headers()
        if request.command == "GET":
            with suppress(OSError):
                request.wfile.write(b"sound")

    web.answers["/x.mp3"] = answer
    with suppress(TranscribeError):
        assert len(list(find_recordings([f"{web.url}/x.mp3"]))) == 1
