"""Leases in every kind of storage: only one of several runs gets a recording, and expired leases are taken over."""

from __future__ import annotations

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.storage.places import Tree
from tests.storage.web import Proxy
from transcribe_cli.batch.leases import AnyLeaseStore, Lease, LeaseManager, Owner, manager, object_store
from transcribe_cli.sinks import check_store_writable
from transcribe_cli.storage import AnyPath, Location, shared_files

CLIENTS, ROUNDS = 6, 3


def at(tree: Tree, name: str, client: int = 0) -> AnyPath:
    """A lease in a tree. Each client has its own connection, if a connection runs one call at a time."""
    options = {**tree.options, **({"sftp": {**tree.options["sftp"], "timeout": 10 + client}} if "sftp" in tree.options else {})}
    place = dataclasses.replace(tree, options=options).at(name)
    if isinstance(place, Location):
        shared_files.make_folder(place.parent)
    else:
        place.parent.mkdir(exist_ok=True)
    return place


def test_only_one_of_many_creates_and_takes_over_a_lease(tree: Tree) -> None:
    """The lease has the complete content of the winner."""
    names = [f"client {number}".encode() * (1 + number) for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        for number in range(ROUNDS):
            fresh, stale = (
                [at(tree, f".{number}{word}.transcribe-lease", client) for client in range(CLIENTS)] for word in ("a", "b")
            )
            assert AnyLeaseStore().create(stale[0], b"dead")
            for paths, won in (
                (fresh, list(pool.map(AnyLeaseStore().create, fresh, names))),
                (stale, list(pool.map(lambda path, name: AnyLeaseStore().swap(path, b"dead", name), stale, names))),
            ):
                assert won.count(True) == 1
                seen = AnyLeaseStore().read(paths[0])
                assert seen is not None
                assert seen.data == names[won.index(True)]
    assert len(tree.files()) == 2 * ROUNDS


def test_a_lease_that_is_released_while_it_is_read_is_free(remote: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """It existed when ours was refused, and is gone when its owner is read: it can be acquired."""
    path = at(remote, ".aula.mp3.transcribe-lease")
    assert AnyLeaseStore().create(path, b"theirs")
    ask = shared_files.read_version

    def already_removed(place: Location, *more: str) -> object:
        remote.remove(path.name)
        return ask(place, *more)

    monkeypatch.setattr(shared_files, "read_version", already_removed)
    assert not AnyLeaseStore().create(path, b"ours")
    remote.remove(path.name)
    assert AnyLeaseStore().create(path, b"ours")


def test_a_lease_changes_only_if_it_is_the_version_that_was_read(tree: Tree) -> None:
    """For longer and shorter content, removal and creation."""
    store, path = AnyLeaseStore(), at(tree, ".aula.mp3.transcribe-lease")
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
    assert -2 <= seen.age < 60
    assert not store.swap(path, b"a longer one", None)
    assert store.swap(path, b"short", None)
    assert store.read(path) is None
    assert tree.files() == {}
    assert store.create(path, b"again")


def test_a_lease_is_refreshed_taken_over_and_released(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner refreshes it; another process takes over an expired one; its owner releases it. No file is left."""
    path = at(tree, ".aula.mp3.transcribe-lease")
    monkeypatch.setattr(manager, "REFRESH_SECONDS", 0.2)
    with LeaseManager() as first, LeaseManager() as second:
        lease = first.acquire(path)
        assert isinstance(lease, Lease)
        until = time.monotonic() + 30
        while lease.owner.beat < 2:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert isinstance(second.acquire(path), Owner)
        monkeypatch.setattr(manager, "REFRESH_SECONDS", 3600)
        time.sleep(0.5)
        monkeypatch.setattr(manager, "EXPIRY_SECONDS", -3600.0)  # every lease is expired
        taken = second.acquire(path)
        assert isinstance(taken, Lease)
        assert taken.taken_over
        assert not first.begin_writing(lease)
    assert tree.files() == {}


def test_expired_leases_are_removed(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """Valid leases stay. Corrupt ones are removed when they are old."""
    here, nonsense = at(tree, ".a.mp3.transcribe-lease"), at(tree, ".b.mp3.transcribe-lease")
    AnyLeaseStore().create(here, Owner.this_process("now").dumps())
    AnyLeaseStore().create(nonsense, b"\0")
    LeaseManager().sweep(here.parent)
    assert set(tree.files()) == {here.name, nonsense.name}
    monkeypatch.setattr(manager, "EXPIRY_SECONDS", -3600.0)
    LeaseManager().sweep(here.parent)
    assert tree.files() == {}


def test_a_lease_that_is_being_released_is_not_free_yet(bucket: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner may still remove the file. If it does not, the lease becomes free after a while."""
    path = at(bucket, ".aula.mp3.transcribe-lease")
    assert AnyLeaseStore().create(path, b"")  # the owner died before removing it
    assert isinstance(LeaseManager().acquire(path), Owner)
    monkeypatch.setattr(object_store, "_EMPTIED_SECONDS", -10.0)
    assert isinstance(LeaseManager().acquire(path), Lease)


def test_a_lost_response_does_not_lose_the_lease(proxied: tuple[Tree, Proxy]) -> None:
    """The retried request reports an existing file, which is our own."""
    tree, proxy = proxied
    lost = {"first": True}

    def lose(number: int, head: bytes) -> tuple[str, int] | None:
        if head.startswith(b"PUT") and lost["first"]:
            lost["first"] = False
            return "cut", 0
        return None

    proxy.breaking = lose
    path = at(tree, ".aula.mp3.transcribe-lease")
    assert AnyLeaseStore().create(path, b"ours")
    assert not lost["first"]
    lost["first"] = True
    assert AnyLeaseStore().swap(path, b"ours", b"ours still")
    lost["first"] = True
    assert AnyLeaseStore().swap(path, b"ours still", None)
    assert tree.files() == {}


def test_a_store_without_conditional_requests_is_detected(proxied: tuple[Tree, Proxy], tree: Tree) -> None:
    """The test leaves no file."""
    if isinstance(top := tree.at(), Location):
        assert _is_exclusive(top)
        assert tree.files() == {}
    bucket, proxy = proxied
    assert isinstance(top := bucket.at(), Location)
    proxy.changing = lambda data: data.replace(b"If-None-Match", b"X-None-Matches")
    assert not _is_exclusive(top)
    proxy.changing = lambda data: data
    proxy.breaking = lambda number, head: ("status", 501) if b"If-None-Match" in head else None
    assert not _is_exclusive(top)
    assert bucket.files() == {}


def _is_exclusive(top: Location) -> bool | None:
    check_store_writable(top)
    return top.store.can_create_exclusively


def test_a_lease_that_was_just_written_is_removed_in_one_request(proxied: tuple[Tree, Proxy]) -> None:
    """An older one may belong to another process by now: it is emptied with a conditional request first."""
    tree, proxy = proxied
    seen: list[bytes] = []
    proxy.breaking = lambda number, head: seen.append(head.partition(b" ")[0])
    store, path = AnyLeaseStore(), at(tree, ".aula.mp3.transcribe-lease")
    assert store.create(path, b"ours")
    assert store.swap(path, b"ours", None)
    assert seen == [b"PUT", b"DELETE"]
    assert tree.files() == {}
    assert store.create(path, b"ours")
    seen.clear()
    assert AnyLeaseStore().swap(path, b"ours", None)
    assert list(dict.fromkeys(seen)) == [b"GET", b"PUT", b"DELETE"]  # Ceph 16 wants its tags without quotes: a second PUT
    assert tree.files() == {}


def test_a_removed_folder_is_not_created_again(remote: Tree, tmp_path: Path) -> None:
    """In storage with real folders."""
    top = remote.at()
    assert isinstance(top, Location)
    if top.store.kind.family == "sftp":
        with pytest.raises(FileNotFoundError):
            AnyLeaseStore().create(top / "gone" / ".a.transcribe-lease", b"x")
