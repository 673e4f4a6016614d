"""Taking, refreshing, losing, taking over and giving back, with real files and real processes."""

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


def somebody(**other: object) -> Owner:
    """Another process of this machine, which is alive: the one that started us."""
    return replace(Owner.this_process(utc_now()), **{"pid": os.getppid(), **other})


def elsewhere(**other: object) -> Owner:
    """A process of another machine, of which nobody here can say whether it lives."""
    return somebody(host="gpu-2", machine="00000000", pid=1, **other)


def left(path: Path, owner: Owner | bytes, age: float = 0.0) -> Path:
    """A lease as somebody wrote it, seconds ago."""
    path.write_bytes(owner if isinstance(owner, bytes) else owner.dumps())
    os.utime(path, (time.time() - age, time.time() - age))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a lease."""
    return tmp_path / ".aula.mp3.transcribe-lease"


@pytest.fixture
def leases() -> Iterator[LeaseManager]:
    """A run's."""
    with LeaseManager() as made:
        yield made


def taken(leases: LeaseManager, path: Path) -> Lease:
    """The lease, which nobody else has."""
    lease = leases.acquire(path)
    assert isinstance(lease, Lease)
    return lease


def test_a_lease_is_taken_once_and_says_by_whom(leases: LeaseManager, path: Path) -> None:
    """Host, process, since when; the next who asks is told."""
    lease = taken(leases, path)
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
    """Whatever ends it."""
    with suppress(KeyboardInterrupt), LeaseManager() as leases:
        for number in range(5):
            taken(leases, tmp_path / f"{number}")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_signal_while_a_lease_is_given_back_leaves_none(path: Path) -> None:
    """The end of the run gives it back then."""

    class Struck(LocalLeaseStore):
        """Ctrl-C comes just before the first change."""

        struck = False

        def swap(self, path: Path, old: bytes, new: bytes | None) -> bool:
            if not self.struck:
                self.struck = True
                raise KeyboardInterrupt
            return super().swap(path, old, new)

    with suppress(KeyboardInterrupt), LeaseManager(Struck()) as leases:
        leases.release(taken(leases, path))
    assert not path.exists()


@pytest.mark.parametrize(
    ("owner", "age", "over"),
    [
        (somebody(), 0, False),
        (somebody(), EXPIRY_SECONDS - 20, False),
        (somebody(), EXPIRY_SECONDS + 20, True),
        (somebody(pid=DEAD_PID), 0, True),
        (elsewhere(), 0, False),
        (elsewhere(), EXPIRY_SECONDS - 20, False),
        (elsewhere(), EXPIRY_SECONDS + 20, True),
        (elsewhere(), -EXPIRY_SECONDS - 20, True),
        (b"", 0, True),
        (b"", EXPIRY_SECONDS + 20, True),
        (b'{"host": "cut off', 0, False),
    ],
    ids=[
        "alive",
        "slow",
        "hangs, or its number was given to another",
        "gone",
        "another machine",
        "another machine, slow",
        "another machine, silent",
        "clock set back",
        "just being made, or killed then: who makes it looks again",
        "killed while it was made",
        "half changed",
    ],
)
def test_the_dead_lose_their_leases_and_the_living_keep_them(
    leases: LeaseManager, path: Path, owner: Owner | bytes, age: float, over: bool
) -> None:
    """At once when the process is certain to be gone; otherwise when nobody refreshed it for two minutes."""
    left(path, owner, age)
    before = path.read_bytes()
    assert (leases.holder(path) is None) is over
    found = leases.acquire(path)
    if over:
        assert isinstance(found, Lease)
        assert found.taken_over
        assert Owner.loads(path.read_bytes()) == found.owner
    else:
        assert isinstance(found, Owner)
        assert path.read_bytes() == before


def test_a_sweep_removes_what_the_dead_left_and_nothing_else(leases: LeaseManager, tmp_path: Path) -> None:
    """Also of recordings that are not there any more."""
    dead = left(tmp_path / ".a.transcribe-lease", somebody(pid=DEAD_PID))
    alive = left(tmp_path / ".b.transcribe-lease", elsewhere())
    other = left(tmp_path / ".c.lease", somebody(pid=DEAD_PID), 10_000)
    (tmp_path / ".d.transcribe-lease").mkdir()
    leases.sweep(tmp_path)
    leases.sweep(tmp_path / "nowhere")
    assert not dead.exists()
    assert alive.exists()
    assert other.exists()


def test_leases_are_refreshed_with_what_is_done(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the background, again and again; one that was lost is left to its new owner."""
    monkeypatch.setattr(manager, "REFRESH_SECONDS", 0.02)
    with LeaseManager() as leases:
        lease = taken(leases, path)
        lease.progress = (30.0, 120.0)
        deadline = time.monotonic() + 10
        while (now := Owner.loads(path.read_bytes())).beat < 3 or not now.seconds:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert (now.seconds, now.duration, now.token) == (30.0, 120.0, lease.owner.token)
        while not LocalLeaseStore().swap(path, path.read_bytes(), elsewhere().dumps()):
            pass
        time.sleep(0.1)
        assert Owner.loads(path.read_bytes()).host == "gpu-2"
    assert Owner.loads(path.read_bytes()).host == "gpu-2"


def test_who_holds_it_may_write(leases: LeaseManager, path: Path) -> None:
    """And says so, so that nobody who had it before disturbs."""
    lease = taken(leases, path)
    assert leases.begin_writing(lease)
    assert Owner.loads(path.read_bytes()).writing
    leases.release(lease)
    assert not path.exists()


@pytest.mark.parametrize("other", [None, elsewhere(), somebody()])
def test_who_lost_it_takes_it_back_to_write(leases: LeaseManager, path: Path, other: Owner | None) -> None:
    """It has the result that the other is still working on; the other finds out before it writes."""
    lease = taken(leases, path)
    path.unlink()
    if other is not None:
        left(path, other)
    assert not leases.begin_writing(lease)
    assert Owner.loads(path.read_bytes()) == lease.owner
    leases.release(lease)
    assert not path.exists()


def test_two_never_write_at_once(leases: LeaseManager, path: Path) -> None:
    """Who lost its lease waits for one that is writing, unless that one died."""
    lease = taken(leases, path)
    left(path, elsewhere(writing=True))
    done: list[bool] = []
    waiting = threading.Thread(target=lambda: done.append(leases.begin_writing(lease)))
    waiting.start()
    time.sleep(0.3)
    assert not done
    path.unlink()
    waiting.join(10)
    assert done == [False]
    left(path, somebody(pid=DEAD_PID, writing=True))
    assert not leases.begin_writing(lease)


def test_kill_9_gives_a_lease_free_at_once(path: Path, leases: LeaseManager) -> None:
    """A real process that holds it."""
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
    assert taken(leases, path).taken_over


@pytest.mark.parametrize(
    "data",
    [
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        json.dumps({"host": 1}).encode(),
        elsewhere().dumps().replace(b'"pid": 1', b'"pid": "1"'),
        elsewhere().dumps().replace(b'"seconds": 0.0', b'"seconds": 1e999'),
    ],
)
def test_a_lease_that_says_nonsense_has_an_unknown_owner(data: bytes) -> None:
    """Anybody may write one."""
    assert Owner.loads(data) == Owner()


@pytest.mark.parametrize("name", ["aula.mp3", "x" * 251 + ".mp3", "ção" * 50 + "x.wav", "a" * 230 + ".wav"])
def test_a_lease_lies_hidden_beside_the_outputs_whatever_the_length_of_the_name(tmp_path: Path, name: str) -> None:
    """It can be created, is never a source, and is another one for a recording of nearly the same name."""
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
