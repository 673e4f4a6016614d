"""Acquire, refresh, lose, take over and release leases, with real files and real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from transcribe_cli.batch.leases import EXPIRY_SECONDS, Lease, LeaseManager, LocalLeaseStore, Owner, lease_path, manager
from transcribe_cli.batch.leases.owner import utc_now
from transcribe_cli.sinks import assign_outputs
from transcribe_cli.sources import find_recordings

DEAD_PID = 2**22 + 1


def local_owner(**other: object) -> Owner:
    """Another live process on this machine: the parent of this one."""
    return replace(Owner.this_process(utc_now()), **{"pid": os.getppid(), **other})


def remote_owner(**other: object) -> Owner:
    """A process on another machine. Whether it is alive cannot be known here."""
    return local_owner(host="gpu-2", machine="00000000", pid=1, **other)


def write_lease(path: Path, owner: Owner | bytes, age: float = 0.0) -> Path:
    """A lease that `owner` wrote `age` seconds ago."""
    path.write_bytes(owner if isinstance(owner, bytes) else owner.dumps())
    os.utime(path, (time.time() - age, time.time() - age))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a lease."""
    return tmp_path / ".aula.mp3.transcribe-lease"


@pytest.fixture
def leases() -> Iterator[LeaseManager]:
    """The leases of a run."""
    with LeaseManager() as made:
        yield made


def acquired(leases: LeaseManager, path: Path) -> Lease:
    """The lease, which no other process holds."""
    lease = leases.acquire(path)
    assert isinstance(lease, Lease)
    return lease


def test_a_lease_is_acquired_once_and_names_its_owner(leases: LeaseManager, path: Path) -> None:
    """Host, process and time; the next caller receives the owner."""
    lease = acquired(leases, path)
    assert not lease.taken_over
    owner = leases.acquire(path)
    assert isinstance(owner, Owner)
    assert (owner.host, owner.pid, owner.token) == (os.uname().nodename, os.getpid(), lease.owner.token)
    assert owner == Owner.loads(path.read_bytes()) == leases.holder(path)
    leases.release(lease)
    assert not path.exists()
    assert leases.holder(path) is None
    leases.release(lease)


def test_nothing_is_left_at_the_end_of_a_run(tmp_path: Path) -> None:
    """Whatever ends the run."""
    with suppress(KeyboardInterrupt), LeaseManager() as leases:
        for number in range(5):
            acquired(leases, tmp_path / f"{number}")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_signal_during_release_leaves_no_lease(path: Path) -> None:
    """The end of the run releases it."""

    class Interrupted(LocalLeaseStore):
        """Ctrl-C arrives just before the first change."""

        was_interrupted = False

        def swap(self, path: Path, old: bytes, new: bytes | None) -> bool:
            if not self.was_interrupted:
                self.was_interrupted = True
                raise KeyboardInterrupt
            return super().swap(path, old, new)

    with suppress(KeyboardInterrupt), LeaseManager(Interrupted()) as leases:
        leases.release(acquired(leases, path))
    assert not path.exists()


@pytest.mark.parametrize(
    ("owner", "age", "is_expired"),
    [
        (local_owner(), 0, False),
        (local_owner(), EXPIRY_SECONDS - 20, False),
        (local_owner(), EXPIRY_SECONDS + 20, True),
        (local_owner(pid=DEAD_PID), 0, True),
        (remote_owner(), 0, False),
        (remote_owner(), EXPIRY_SECONDS - 20, False),
        (remote_owner(), EXPIRY_SECONDS + 20, True),
        (remote_owner(), -EXPIRY_SECONDS - 20, True),
        (b"", 0, True),
        (b"", EXPIRY_SECONDS + 20, True),
        (b'{"host": "cut off', 0, False),
    ],
    ids=[
        "alive",
        "slow",
        "hangs, or its process id was reused",
        "ended",
        "another machine",
        "another machine, slow",
        "another machine, no refresh",
        "clock set back",
        "being created, or killed then: its creator checks again",
        "killed while it was created",
        "half written",
    ],
)
def test_leases_expire_when_their_owner_has_ended_or_stopped_refreshing(
    leases: LeaseManager, path: Path, owner: Owner | bytes, age: float, is_expired: bool
) -> None:
    """At once if the process has certainly ended; otherwise two minutes after the last refresh."""
    write_lease(path, owner, age)
    before = path.read_bytes()
    assert (leases.holder(path) is None) is is_expired
    found = leases.acquire(path)
    if is_expired:
        assert isinstance(found, Lease)
        assert found.taken_over
        assert Owner.loads(path.read_bytes()) == found.owner
    else:
        assert isinstance(found, Owner)
        assert path.read_bytes() == before


def test_a_sweep_removes_expired_leases_only(leases: LeaseManager, tmp_path: Path) -> None:
    """Also those of recordings that no longer exist."""
    dead = write_lease(tmp_path / ".a.transcribe-lease", local_owner(pid=DEAD_PID))
    alive = write_lease(tmp_path / ".b.transcribe-lease", remote_owner())
    other = write_lease(tmp_path / ".c.lease", local_owner(pid=DEAD_PID), 10_000)
    (tmp_path / ".d.transcribe-lease").mkdir()
    leases.sweep(tmp_path)
    leases.sweep(tmp_path / "nowhere")
    assert not dead.exists()
    assert alive.exists()
    assert other.exists()


def test_leases_are_refreshed_with_the_progress(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the background, repeatedly; a lost lease is left to its new owner."""
    monkeypatch.setattr(manager, "REFRESH_SECONDS", 0.02)
    with LeaseManager() as leases:
        lease = acquired(leases, path)
        lease.progress = (30.0, 120.0)
        deadline = time.monotonic() + 10
        while (now := Owner.loads(path.read_bytes())).beat < 3 or not now.seconds:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert (now.seconds, now.duration, now.token) == (30.0, 120.0, lease.owner.token)
        while not LocalLeaseStore().swap(path, path.read_bytes(), remote_owner().dumps()):
            pass
        time.sleep(0.1)
        assert Owner.loads(path.read_bytes()).host == "gpu-2"
    assert Owner.loads(path.read_bytes()).host == "gpu-2"


def test_the_holder_of_a_lease_may_write(leases: LeaseManager, path: Path) -> None:
    """And marks the lease, so that a former owner waits."""
    lease = acquired(leases, path)
    assert leases.begin_writing(lease)
    assert Owner.loads(path.read_bytes()).writing
    leases.release(lease)
    assert not path.exists()


@pytest.mark.parametrize("other", [None, remote_owner(), local_owner()])
def test_a_lost_lease_is_taken_back_for_writing(leases: LeaseManager, path: Path, other: Owner | None) -> None:
    """This process has the result that the other is still working on. The other notices before it writes."""
    lease = acquired(leases, path)
    path.unlink()
    if other is not None:
        write_lease(path, other)
    assert not leases.begin_writing(lease)
    assert Owner.loads(path.read_bytes()) == lease.owner
    leases.release(lease)
    assert not path.exists()


def test_two_processes_never_write_at_once(leases: LeaseManager, path: Path) -> None:
    """A process that lost its lease waits for the new owner while that one is writing, unless it died."""
    lease = acquired(leases, path)
    write_lease(path, remote_owner(writing=True))
    done: list[bool] = []
    waiting = threading.Thread(target=lambda: done.append(leases.begin_writing(lease)))
    waiting.start()
    time.sleep(0.3)
    assert not done
    path.unlink()
    waiting.join(10)
    assert done == [False]
    write_lease(path, local_owner(pid=DEAD_PID, writing=True))
    assert not leases.begin_writing(lease)


def test_after_kill_9_a_lease_expires_at_once(path: Path, leases: LeaseManager) -> None:
    """The lease of a real process."""
    script = (
        "import sys, time; from pathlib import Path; from transcribe_cli.batch.leases import LeaseManager\n"
        "leases = LeaseManager(); leases.acquire(Path(sys.argv[1])); print('taken', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"taken\n"
        owner = leases.acquire(path)
        assert isinstance(owner, Owner)
        assert owner.pid == process.pid
        process.kill()
    assert acquired(leases, path).taken_over


@pytest.mark.parametrize(
    "data",
    [
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        json.dumps({"host": 1}).encode(),
        remote_owner().dumps().replace(b'"pid": 1', b'"pid": "1"'),
        remote_owner().dumps().replace(b'"seconds": 0.0', b'"seconds": 1e999'),
    ],
)
def test_an_invalid_lease_has_an_unknown_owner(data: bytes) -> None:
    """Anybody may write one."""
    assert Owner.loads(data) == Owner()


@pytest.mark.parametrize("name", ["aula.mp3", "x" * 251 + ".mp3", "ção" * 50 + "x.wav", "a" * 230 + ".wav"])
def test_a_lease_is_hidden_next_to_the_outputs_whatever_the_length_of_the_name(tmp_path: Path, name: str) -> None:
    """It can be created, is never a source, and differs for recordings with similar names."""
    names = [name, name[:-5] + "y" + name[-4:]]
    for each in names:
        (tmp_path / each).touch()
    recordings = list(find_recordings([str(tmp_path)]))
    paths = [
        lease_path(recording, place.output) for recording, place in zip(recordings, assign_outputs(recordings, None), strict=True)
    ]
    assert len(set(paths)) == 2
    for path in paths:
        assert LocalLeaseStore().create(path, b"x")
    assert [recording.name for recording in find_recordings([str(tmp_path)])] == [recording.name for recording in recordings]
    assert list(find_recordings([str(path) for path in paths])) == []
