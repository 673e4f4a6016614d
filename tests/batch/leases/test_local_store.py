"""The contract of a lease store, for files: one of many callers creates, one of many changes, and nothing blocks."""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from collections.abc import Iterator
from multiprocessing.pool import Pool
from pathlib import Path

import pytest

from transcribe_cli.batch.leases import LocalLeaseStore, local_store
from transcribe_cli.sinks import recover, storage_time

CLIENTS = 8
ROUNDS = 8


def create(path: Path, name: bytes) -> bool:
    """Runs in its own process."""
    return LocalLeaseStore().create(path, name)


def take_over(path: Path, name: bytes) -> bool:
    """As a process that found the lease expired some time ago."""
    return LocalLeaseStore().swap(path, b"dead", name)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """Processes that compete for one lease."""
    with multiprocessing.get_context("spawn").Pool(CLIENTS) as made:
        yield made
        made.close()
        made.join()


@pytest.mark.slow
def test_of_many_at_once_one_creates_and_one_takes_over(tmp_path: Path, pool: Pool) -> None:
    """The lease contains the complete name of the winner, also when slower processes follow."""
    names = [f"client {number}".encode() * (1 + number) for number in range(CLIENTS)]
    for number in range(ROUNDS):
        fresh, stale = tmp_path / f"{number} fresh", tmp_path / f"{number} stale"
        stale.write_bytes(b"dead")
        for path, action in ((fresh, create), (stale, take_over)):
            won = pool.starmap(action, [(path, name) for name in names], chunksize=1)
            assert won.count(True) == 1
            assert path.read_bytes() == names[won.index(True)]
    assert len(list(tmp_path.iterdir())) == 2 * ROUNDS


def test_a_lease_is_changed_and_removed_only_if_it_is_unchanged(tmp_path: Path) -> None:
    """Longer, shorter, removed, and created again."""
    store, path = LocalLeaseStore(), tmp_path / "lease"
    assert store.read(path) is None
    assert not store.swap(path, b"", b"x")
    assert store.create(path, b"first")
    assert not store.create(path, b"second")
    assert store.swap(path, b"first", b"a longer one")
    assert not store.swap(path, b"first", b"x")
    assert store.swap(path, b"a longer one", b"short")
    seen = store.read(path)
    assert seen is not None
    assert seen.data == b"short"
    assert not store.swap(path, b"a longer one", None)
    assert store.swap(path, b"short", None)
    assert not path.exists()


def test_an_empty_lease_can_be_taken_over_and_its_slow_creator_notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its creator may have been killed before it wrote anything, so the lease expires without a delay of two minutes."""
    path, store = tmp_path / ".aula.wav.transcribe-lease", LocalLeaseStore()
    path.touch()
    seen = store.read(path)
    assert seen is not None
    assert (seen.data, seen.age) == (b"", math.inf)
    path.unlink()
    locked = local_store._lock

    def slow(descriptor: int) -> bool:
        monkeypatch.setattr(local_store, "_lock", locked)
        assert LocalLeaseStore().swap(path, b"", b"the faster one")
        return locked(descriptor)

    monkeypatch.setattr(local_store, "_lock", slow)
    assert not store.create(path, b"the slow one")
    assert path.read_bytes() == b"the faster one"


def test_the_lease_of_another_user_can_be_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not writable, but can be removed and created again."""
    store, path = LocalLeaseStore(), tmp_path / "lease"
    assert store.create(path, b"theirs")
    original = os.open

    def denied(name: str | Path, flags: int, *more: int, **options: int) -> int:
        if flags & os.O_RDWR and not flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied", str(name))
        return original(name, flags, *more, **options)

    monkeypatch.setattr(os, "open", denied)  # root may write everything
    assert store.swap(path, b"theirs", b"ours")
    assert path.read_bytes() == b"ours"


def test_without_locks_the_content_is_still_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network file systems have no locks. Other errors are raised."""

    def fail(number: int) -> None:
        def flock(*_: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr("fcntl.flock", flock)

    store, path = LocalLeaseStore(), tmp_path / "lease"
    store.create(path, b"a")
    fail(37)  # ENOLCK
    assert not store.swap(path, b"b", b"c")
    assert store.swap(path, b"a", b"c")
    fail(5)  # EIO
    with pytest.raises(OSError, match="Input/output"):
        store.swap(path, b"c", b"d")


def test_what_is_not_a_file_is_an_error_and_nothing_blocks(tmp_path: Path) -> None:
    """A folder, a named pipe, a broken symlink: no lease can be created there."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("pipe", "folder", "link"):
        assert not LocalLeaseStore().create(tmp_path / name, b"x")
        with pytest.raises(OSError):  # noqa: PT011 - of several kinds
            LocalLeaseStore().read(tmp_path / name)
    assert not (tmp_path / "nowhere").exists()


def test_a_removed_folder_is_not_created_again(tmp_path: Path) -> None:
    """The user removed it."""
    with pytest.raises(FileNotFoundError):
        LocalLeaseStore().create(tmp_path / "gone" / "lease", b"x")
    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize("unnamed", [True, False])
def test_the_age_is_measured_by_the_clock_that_stamps_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unnamed: bool
) -> None:
    """Independently of the clock of this machine. No file remains, and the folder is not changed if the kernel supports unnamed files."""
    if not unnamed:
        monkeypatch.setattr(os, "O_TMPFILE", os.O_DIRECTORY | os.O_CREAT)  # refused, as NFS refuses O_TMPFILE
    store, path = LocalLeaseStore(), tmp_path / "lease"
    store.create(path, b"x")
    os.utime(path, (time.time() - 100, time.time() - 100))
    before = tmp_path.stat().st_mtime_ns
    monkeypatch.setattr(time, "time", lambda: 0.0)
    seen = store.read(path)
    assert seen is not None
    assert 99 < seen.age < 110
    assert [entry.name for entry in tmp_path.iterdir()] == ["lease"]
    assert (tmp_path.stat().st_mtime_ns == before) is unnamed
    assert recover(tmp_path) == []


def test_where_no_file_can_be_created_the_local_clock_is_used(tmp_path: Path) -> None:
    """To read leases in a read-only tree."""
    assert storage_time(tmp_path / "nowhere") == pytest.approx(time.time(), abs=5)
