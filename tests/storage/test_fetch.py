"""Recordings are fetched completely or not at all, whatever fails in the transfer, and leave no files behind."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.storage.places import Tree
from transcribe_cli.audio import scratch
from transcribe_cli.errors import RecordingChanged, Unreadable
from transcribe_cli.sources import Recording, download, find_recordings
from transcribe_cli.sources.fetch import Fetcher

MIB = 1 << 20


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The scratch folder."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small chunks and short timeouts, so that tests are quick."""
    monkeypatch.setattr(download, "CHUNK_BYTES", MIB)
    monkeypatch.setattr(download, "CHUNK_SECONDS", 2.0)


def one(tree: Tree, name: str = "aula.mp3") -> Recording:
    """The recording in a tree."""
    (found,) = find_recordings([f"{tree.url}/{name}"], storage=tree.options)
    return found


def content(size: int) -> bytes:
    """Bytes without repeated parts."""
    return os.urandom(size)


@pytest.mark.parametrize("size", [0, 1, MIB, 3 * MIB + 1])
def test_a_recording_is_fetched_from_every_store(remote: Tree, here: Path, size: int) -> None:
    """The copy keeps the extension, and is removed afterwards."""
    data = content(size)
    remote.put("aula.mp3", data)
    with Fetcher(folder=here).fetch(one(remote)) as (path, now):
        assert path.read_bytes() == data
        assert path.suffix == ".mp3"
        assert now.size == size
    assert list(here.iterdir()) == []


def test_a_large_file_is_read_in_parallel_ranges(proxied, here: Path) -> None:
    """Each byte is read once."""
    tree, proxy = proxied
    data = content(8 * MIB)
    tree.put("aula.mp3", data)
    proxy.sent = 0
    with Fetcher(folder=here).fetch(one(tree)) as (path, _):
        assert path.read_bytes() == data
    assert len([head for head in proxy.requests if b"ange: bytes=" in head]) == 8
    assert proxy.sent < len(data) * 1.1


BREAKS = {
    "cut": lambda number, head: ("cut", 300_000) if number % 3 == 0 and b"ange: bytes=" in head else None,
    "reset": lambda number, head: ("reset", 300_000) if number % 3 == 0 and b"ange: bytes=" in head else None,
    "stalled": lambda number, head: ("stall", 300_000) if number in (5, 6) and b"ange: bytes=" in head else None,
    "overloaded": lambda number, head: ("status", 503) if number % 4 == 0 and b"ange: bytes=" in head else None,
}


@pytest.mark.parametrize("how", BREAKS)
def test_a_broken_transfer_is_resumed(proxied, here: Path, how: str) -> None:
    """Only the missing part is requested again."""
    tree, proxy = proxied
    data = content(6 * MIB)
    tree.put("aula.mp3", data)
    recording = one(tree)
    proxy.requests.clear()
    proxy.sent, proxy.breaking = 0, BREAKS[how]
    with Fetcher(folder=here).fetch(recording) as (path, _):
        assert path.read_bytes() == data
    assert proxy.sent < 3 * len(data)


def test_a_failed_transfer_is_reported_in_one_line(proxied, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After several attempts, with a hint and without a signature. The scratch folder is empty."""
    monkeypatch.setattr(download, "MAX_FAILED_ATTEMPTS", 2)
    tree, proxy = proxied
    tree.put("aula.mp3", content(MIB))
    recording = one(tree)
    proxy.breaking = lambda number, head: ("stall", 0) if b"ange: bytes=" in head else None
    with pytest.raises(Unreadable, match="did not answer in time") as caught, Fetcher(folder=here).fetch(recording):
        pass
    assert "Signature" not in str(caught.value)
    assert list(here.iterdir()) == []


def test_a_file_of_an_http_server_without_ranges_is_read_at_once(web, here: Path) -> None:
    """Also if the server does not return the size."""
    data = web.files["/aula.mp3"] = content(2 * MIB + 5)
    web.ranges = False
    (recording,) = find_recordings([f"{web.url}/aula.mp3"])
    with Fetcher(folder=here).fetch(recording) as (path, _):
        assert path.read_bytes() == data

    def unsized(request) -> None:
        request.send_response(200)
        request.send_header("Connection", "close")
        request.end_headers()
        request.close_connection = True
        if request.command == "GET":
            request.wfile.write(data)

    web.answers["/aula.mp3"] = unsized
    (recording,) = find_recordings([f"{web.url}/aula.mp3"])
    with Fetcher(folder=here).fetch(recording) as (path, _):
        assert path.read_bytes() == data


def test_redirects_are_followed(web, here: Path) -> None:
    """The name is that of the requested URL."""
    web.files["/real"] = b"sound"

    def moved(request) -> None:
        request.send_response(302)
        request.send_header("Location", "/real")
        request.send_header("Content-Length", "0")
        request.end_headers()

    web.answers["/aula.mp3"] = moved
    (recording,) = find_recordings([f"{web.url}/aula.mp3"])
    with Fetcher(folder=here).fetch(recording) as (path, now):
        assert (path.read_bytes(), now.name) == (b"sound", "aula.mp3")


def test_a_broken_sftp_connection_is_reopened(servers, tmp_path: Path, here: Path) -> None:
    """Between two recordings, and during a transfer."""
    from contextlib import ExitStack

    from tests.storage.sftp import PASSWORD, USER, SftpServer

    with ExitStack() as stack:
        (tmp_path / "home").mkdir()
        server = SftpServer(tmp_path)
        stack.callback(server.close)
        known = str(server.known_hosts(tmp_path / "known"))
        options = {
            "sftp": {"username": USER, "password": PASSWORD, "known_hosts": known, "allow_agent": False, "look_for_keys": False}
        }
        tree = Tree(f"sftp://127.0.0.1:{server.port}/home", options)
        data = content(3 * MIB)
        tree.put("aula.mp3", data)
        recording = one(tree)
        server.drop()
        with Fetcher(folder=here).fetch(recording) as (path, _):
            assert path.read_bytes() == data


def test_metadata_from_a_listing_is_not_requested_again(proxied, here: Path) -> None:
    """The checksum identifies the content, so that one request is enough."""
    tree, proxy = proxied
    data = content(1000)
    tree.put("aula.mp3", data)
    recording = one(tree)
    proxy.requests.clear()
    with Fetcher(folder=here).fetch(recording) as (path, now):
        assert (path.read_bytes(), now) == (data, recording)
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("size", [999, 1000, 1001])
def test_a_file_that_changed_since_its_listing_is_fetched_as_it_is_now(remote: Tree, here: Path, size: int) -> None:
    """Shorter, longer or of the same size."""
    remote.put("aula.mp3", content(1000))
    recording = one(remote)
    later = content(size)
    remote.put("aula.mp3", later)
    with Fetcher(folder=here).fetch(recording) as (path, now):
        assert (path.read_bytes(), now.size) == (later, size)


def test_a_recording_that_changes_during_the_transfer_is_detected(proxied, here: Path) -> None:
    """Parts of two versions are never combined. The next attempt gets the new version."""
    tree, proxy = proxied
    tree.put("aula.mp3", content(4 * MIB))
    recording = one(tree)
    later = [content(4 * MIB), content(4 * MIB)]
    contents = list(later)
    asked: list[bytes] = []

    def replaced(number: int, head: bytes) -> None:
        if b"ange: bytes=" in head:
            asked.append(head)
            if len(asked) in (1, 6) and contents:  # in the middle of the first transfer, and of the one after it
                tree.put("aula.mp3", contents.pop(0))

    proxy.breaking = replaced
    fetcher = Fetcher(folder=here)
    with pytest.raises(RecordingChanged), fetcher.fetch(recording):
        pass
    with fetcher.fetch(recording) as (path, now):
        assert path.read_bytes() == later[-1]
        assert now.identity != recording.identity


def test_damage_in_transfer_is_detected_by_the_checksum(bucket: Tree, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same content twice means that the store's ETag is not a checksum. Different content is damage."""
    bucket.put("aula.mp3", b"sound")
    place = one(bucket).path
    wrong = replace(place.store.info(place), md5="0" * 32)
    monkeypatch.setattr(type(place.store), "info", lambda store, asked: wrong)
    recording = one(bucket)
    place = recording.path
    with Fetcher(folder=here).fetch(recording) as (path, _):
        assert path.read_bytes() == b"sound"
    assert not place.store.etags_are_md5
    place.store.etags_are_md5 = True
    monkeypatch.setattr(place.store, "read", lambda *args, **more: os.urandom(5))
    with pytest.raises(Unreadable, match="damaged in transfer, twice"), Fetcher(folder=here).fetch(recording):
        pass


def test_the_scratch_limit_is_enforced(bucket: Tree, here: Path) -> None:
    """A recording above the limit fails. A fetch waits for space, and prefetched copies are released for it."""
    for name, size in (("a.mp3", 600), ("b.mp3", 600), ("c.mp3", 600), ("huge.mp3", 2000)):
        bucket.put(name, bytes(size))
    a, b, c, huge = (one(bucket, name) for name in ("a.mp3", "b.mp3", "c.mp3", "huge.mp3"))
    fetcher = Fetcher(1300, here)
    with pytest.raises(Unreadable, match="larger than the scratch limit"), fetcher.fetch(huge):
        pass
    with fetcher.fetch(a):
        fetcher.prefetch(b)
        fetcher.prefetch(c)  # no room: nothing
        with fetcher.fetch(c) as (path, _):  # b gives way
            assert path.stat().st_size == 600
            assert len([file for file in here.iterdir() if file.stat().st_size]) <= 2
    assert list(here.iterdir()) == []


def test_the_next_recording_is_prefetched(bucket: Tree, here: Path) -> None:
    """It is complete when it is requested."""
    bucket.put("a.mp3", b"1")
    bucket.put("b.mp3", b"22")
    a, b = one(bucket, "a.mp3"), one(bucket, "b.mp3")
    fetcher = Fetcher(folder=here)
    with fetcher.fetch(a):
        fetcher.prefetch(b)
        until = time.monotonic() + 20
        while not any(file.stat().st_size == 2 for file in here.iterdir()):
            assert time.monotonic() < until
            time.sleep(0.01)
    with fetcher.fetch(b) as (path, _):
        assert path.read_bytes() == b"22"
    fetcher.prefetch(a)
    fetcher.close()
    until = time.monotonic() + 20
    while list(here.iterdir()):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_copies_of_a_crashed_run_are_removed(here: Path) -> None:
    """Like other scratch files: only files of this tool from processes that have ended."""
    left = here / "transcribe-1-crashed0.copy.mp3"
    other = here / "transcribe-notes.mp3"
    for path in (left, other):
        path.write_bytes(b"x")
        os.utime(path, (0, 0))
    assert scratch.sweep(here) == [left]
    assert other.exists()


def test_a_file_that_was_removed_since_its_listing_is_reported(remote: Tree, here: Path) -> None:
    """The recording fails with one line."""
    place = remote.put("aula.mp3", b"sound")
    recording = one(remote)
    place.store.remove(place)
    with pytest.raises(Unreadable, match=r"aula\.mp3 does not exist any more"), Fetcher(folder=here).fetch(recording):
        pass
