"""Attacker: whoever fills a bucket of Google Cloud or Azure. An object with `Content-Encoding: gzip` is unpacked by the clients.

The services are answers of a server of the test; those of a whole emulator are in `tests/storage`.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import re
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from importlib.util import find_spec

import aiohttp
import pytest

from tests.security.test_bodies import MIB, Source
from tests.storage.web import Web
from transcribe_cli.storage import FileTooLarge, Location, locate
from transcribe_cli.storage.conditional import CONDITIONAL, MAX_SHARED_BYTES
from transcribe_cli.storage.gcs_session import response_class

PACKED = gzip.compress(bytes(64 * MIB), mtime=0)


@pytest.fixture
def web(make_web: Callable[[], Web]) -> Web:
    """The service."""
    return make_web()


async def body_of(url: str, headers: dict[str, str]) -> bytes:
    """The body that a session with our response class returns."""
    async with aiohttp.ClientSession(response_class=response_class()) as session, session.get(url, headers=headers) as response:
        return await response.read()


@pytest.mark.parametrize("how", ["chunked", "lie", "gzip"])
def test_a_body_of_google_has_a_limit(web: Web, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of its range; without one, that of a whole file."""
    source = web.answers["/x"] = Source(how)
    assert len(asyncio.run(body_of(f"{web.url}/x", {"Range": "bytes=10-109"}))) == 100
    monkeypatch.setattr("transcribe_cli.storage.gcs_session.MAX_FILE_BYTES", MIB)
    with pytest.raises(FileTooLarge):
        asyncio.run(body_of(f"{web.url}/x", {}))
    assert source.sent < 300 * MIB
    web.files["/y"] = b"whole"
    assert asyncio.run(body_of(f"{web.url}/y", {})) == b"whole"
    assert asyncio.run(body_of(f"{web.url}/y", {"Range": "bytes=0-1"})) == b"wh"


def object_of_google(web: Web) -> Location:
    """An object that unpacks without end."""
    if find_spec("gcsfs") is None:  # it is imported by `locate`, which first sets it up
        pytest.skip("gcsfs is not installed")
    source = Source("gzip")
    about = {"kind": "storage#object", "bucket": "b", "name": "x.json", "size": str(1 << 30), "generation": "1"}
    about |= {"updated": "2026-01-01T00:00:00+00:00", "etag": "e"}

    def answer(request: BaseHTTPRequestHandler) -> None:
        if "alt=media" in request.path:
            source(request)
            return
        data = json.dumps(about).encode()
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    web.answers |= {f"{top}storage/v1/b/b/o/x.json": answer for top in ("/", "/download/")}
    return locate("gs://b/x.json", {"gcs": {"endpoint_url": web.url, "token": "anon", "project": "test"}})


def blob_of_azure(web: Web) -> Location:
    """A blob that unpacks to a thousand times its size."""
    pytest.importorskip("adlfs")

    def answer(request: BaseHTTPRequestHandler) -> None:
        start, end = map(int, re.findall(r"\d+", request.headers.get("x-ms-range") or request.headers.get("Range") or "0 0"))
        data = PACKED[start : end + 1]
        request.send_response(206)
        request.send_header("Content-Encoding", "gzip")
        request.send_header("Content-Length", str(len(data)))
        request.send_header("Content-Range", f"bytes {start}-{start + len(data) - 1}/{len(PACKED)}")
        request.send_header("Last-Modified", formatdate(1_700_000_000, usegmt=True))
        request.send_header("ETag", '"e"')
        request.send_header("x-ms-blob-type", "BlockBlob")
        request.end_headers()
        request.wfile.write(data)

    web.answers["/acc/b/x.json"] = answer
    key = base64.b64encode(b"key").decode()
    connection = f"DefaultEndpointsProtocol=http;AccountName=acc;AccountKey={key};BlobEndpoint={web.url}/acc;"
    return locate("az://b/x.json", {"azure": {"connection_string": connection}})


def test_an_object_of_google_has_the_size_that_was_asked_for(web: Web) -> None:
    """After decompression."""
    location = object_of_google(web)
    assert len(location.store.read(location, 0, 1000)) == 1000
    assert [len(head or b"") for head in location.store.read_headers([location], 100)] == [100]
    with pytest.raises(FileTooLarge):
        location.store.read(location, max_bytes=MIB)
    version = location.store.call(location, lambda fs, _: CONDITIONAL["gcs"].read(fs, "b", "x.json"))
    assert len(version.data) == MAX_SHARED_BYTES


def test_a_blob_of_azure_is_not_unpacked(web: Web) -> None:
    """It is read as it is stored, also in parts, as from S3."""
    location = blob_of_azure(web)
    assert location.store.read(location) == PACKED
    assert location.store.read(location, 100, 200) == PACKED[100:200]
    assert list(location.store.read_headers([location], 100)) == [PACKED[:100]]
    with pytest.raises(FileTooLarge):
        location.store.read(location, max_bytes=1000)
    version = location.store.call(location, lambda fs, _: CONDITIONAL["azure"].read(fs, "b", "x.json"))
    assert version.data == PACKED[:MAX_SHARED_BYTES]
