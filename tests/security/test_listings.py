"""What a hostile server answers when a bucket is listed: pages without end, bodies without end, and names of any depth.

The attacker runs an S3 server, or fills an archive, that the user names. They want the memory of the user's machine, or that one name
ends the run.
"""

from __future__ import annotations

import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.security.test_bodies import Source
from tests.storage.places import Tree
from tests.storage.web import Web
from transcribe_cli.errors import StorageNotReady
from transcribe_cli.sources import find_recordings
from transcribe_cli.storage import listing_limits

DEEP = "b/" * 3000 + "aula.mp3"


@pytest.fixture
def web(make_web: Callable[[], Web]) -> Web:
    """The attacker's server."""
    return make_web()


@pytest.fixture
def tree(web: Web) -> Tree:
    """A bucket on it."""
    return Tree("s3://b", {"s3": {"endpoint_url": web.url, "key": "k", "secret": "s"}})


def names_found(tree: Tree) -> list[str]:
    """The paths of the recordings in the bucket."""
    return [str(recording.path) for recording in find_recordings([f"{tree.url}/"], storage=tree.options)]


class Pages:
    """A listing that says that there is more, always or never."""

    def __init__(self, names: Callable[[int], list[str]], *, endless: bool) -> None:
        self._names, self._endless, self._lock = names, endless, threading.Lock()
        self.count = 0

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        """Answer a request."""
        with self._lock:
            self.count += 1
            number = self.count
        entries = "".join(
            f"<Contents><Key>{quote(name)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><Size>9</Size></Contents>"
            for name in self._names(number)
        )
        more = f"<NextContinuationToken>{number}</NextContinuationToken>" if self._endless else ""
        body = (
            '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>'
            f"<EncodingType>url</EncodingType><IsTruncated>{str(self._endless).lower()}</IsTruncated>{more}{entries}</ListBucketResult>"
        ).encode()
        request.send_response(200)
        request.send_header("Content-Type", "application/xml")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


def test_a_listing_without_end_is_refused(web: Web, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its names fill the memory."""
    monkeypatch.setattr(listing_limits, "MAX_NAMES", 5000)
    pages = web.answers["/b"] = web.answers["/b/"] = Pages(lambda page: [f"{page}-{i}.mp3" for i in range(1000)], endless=True)
    with pytest.raises(StorageNotReady, match="more than 5,000 names"):
        names_found(tree)
    assert pages.count < 10


def test_a_listing_that_repeats_itself_is_refused(web: Web, tree: Tree) -> None:
    """The same page again and again."""
    pages = web.answers["/b"] = web.answers["/b/"] = Pages(lambda _: [f"{i}.mp3" for i in range(1000)], endless=True)
    with pytest.raises(StorageNotReady, match="repeats the same names"):
        names_found(tree)
    assert pages.count < 5


def test_a_listing_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page now and then."""
    now = [0.0]
    monkeypatch.setattr(listing_limits.time, "monotonic", lambda: now[0])

    def slow() -> Iterator[list[dict[str, Any]]]:
        for page in range(10_000):
            now[0] += 50.0
            yield [{"name": f"{page}.mp3"}]

    with pytest.raises(StorageNotReady, match="more than 30 minutes"):
        list(listing_limits.within_limits(slow(), "s3://b/"))


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("how", ["chunked", "lie"])
def test_a_page_without_end_is_refused(web: Web, tree: Tree, how: str, status: int) -> None:
    """A listing, and the body of an error. It is not asked for again."""
    source = Source(how, status, "application/xml", b'<?xml version="1.0"?><ListBucketResult>')
    web.answers["/b"] = web.answers["/b/"] = source
    with pytest.raises(StorageNotReady, match="sends too much"):
        names_found(tree)
    assert len(web.asked) == 1


def test_a_folder_of_any_depth_is_one_recording(web: Web, tree: Tree) -> None:
    """Each folder was a call within a call."""
    web.answers["/b"] = web.answers["/b/"] = Pages(lambda _: [DEEP, "ok.mp3"], endless=False)
    assert set(names_found(tree)) == {"s3://b/ok.mp3", f"s3://b/{DEEP}"}


def zip_of(path: Path, names: Iterable[str]) -> str:
    """The URL of an archive with recordings of these names."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"sound")
    return f"zip://::file://{path}"


def tar_of(path: Path, names: Iterable[str]) -> str:
    """The same."""
    with tarfile.open(path, "w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return f"tar://::file://{path}"


@pytest.mark.parametrize("archive", [zip_of, tar_of])
def test_a_name_in_an_archive_may_be_deep(archive: Callable[[Path, Iterable[str]], str], tmp_path: Path) -> None:
    """It does not take the other names with it, nor a gigabyte for the names of its folders."""
    names = ["ok.mp3", "x/y/inner.mp3", DEEP, *(f"{number}{'/b' * 32_000}.mp3" for number in range(10))]
    found = list(find_recordings([archive(tmp_path / "a", names)]))
    assert len(found) == 13
    assert {recording.name for recording in found if recording.problem is None} == {"ok.mp3", "inner.mp3"}
    assert all("folders" in str(recording.problem) for recording in found if recording.problem is not None)
    (inner,) = find_recordings([archive(tmp_path / "b", names).replace("://", "://x/y", 1)])
    assert inner.name == "inner.mp3"


@pytest.mark.parametrize("archive", [zip_of, tar_of])
def test_an_archive_with_many_folders_is_listed_once(archive: Callable[[Path, Iterable[str]], str], tmp_path: Path) -> None:
    """Not once for each folder: with 10,000, that took minutes."""
    found = list(find_recordings([archive(tmp_path / "a", (f"{number}/a.mp3" for number in range(10_000)))]))
    assert len(found) == 10_000
