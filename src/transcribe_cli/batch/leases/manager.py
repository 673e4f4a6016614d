"""Acquire leases, refresh them, take over expired ones, release them.

A lease is valid while its owner refreshes it. Its age is measured by the clock of the storage that holds it, so that machines whose
clocks differ agree. The lease of a process on this machine expires as soon as that process has ended.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self, TypeVar

from transcribe_cli.batch.leases.any_store import AnyLeaseStore
from transcribe_cli.batch.leases.lease_store import LeaseStore, StoredLease
from transcribe_cli.batch.leases.owner import Owner, utc_now
from transcribe_cli.errors import StorageNotReady
from transcribe_cli.sinks import files_of
from transcribe_cli.sources import LEASE_SUFFIX
from transcribe_cli.storage import AnyPath

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
# In a bucket, each refresh costs one request per lease.
REFRESH_SECONDS = 30.0
# Four refreshes: a network folder may hang for a minute without any lease expiring.
EXPIRY_SECONDS = 120.0
_POLL_SECONDS = 0.1
_ACQUIRE_ATTEMPTS = 5
# A longer file is not a lease, even if its name says so.
_MAX_BYTES = 4096
# Leases in buckets take 20 to 100 ms to refresh, and a run of short recordings may hold thousands.
_THREADS = 16


@dataclass(eq=False)
class Lease:
    """A lease that this process holds.

    Attributes:
        owner: the content that was last written.
        taken_over: whether it was taken over from an owner that died.
        progress: seconds that are recognized, and the duration; written with the next refresh.
        lock: held while the lease is changed.
    """

    path: AnyPath
    owner: Owner
    taken_over: bool = False
    progress: tuple[float, float] = (0.0, 0.0)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_content(self, *, writing: bool) -> Owner:
        """What the next refresh writes."""
        seconds, duration = self.progress
        return replace(self.owner, beat=self.owner.beat + 1, seconds=seconds, duration=duration, writing=writing)


class LeaseManager:
    """The leases of a run. Use inside `with`: a background thread refreshes them, and the end releases those that are left."""

    def __init__(self, store: LeaseStore | None = None) -> None:
        self._store: LeaseStore = store or AnyLeaseStore()
        self._run_started = utc_now()
        self._held: dict[AnyPath, Lease] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._refresh_loop, name="leases", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        _in_parallel(self.release, self._held.values())

    def acquire(self, path: AnyPath) -> Lease | Owner:
        """The lease, or its owner when another process holds it.

        Raises:
            OSError: no lease can be written there.
        """
        mine = Owner.this_process(self._run_started)
        owner = Owner()
        for _ in range(_ACQUIRE_ATTEMPTS):
            if self._store.create(path, mine.dumps()):
                return self._hold(Lease(path, mine))
            if (stored := self._store.read(path)) is None:
                continue  # it was released in this instant
            owner = Owner.loads(stored.data)
            if not _is_expired(owner, stored):
                return owner
            if self._store.swap(path, stored.data, mine.dumps()):
                _LOG.debug("took over %s from %s", path, owner)
                return self._hold(Lease(path, mine, taken_over=True))
        return owner

    def holder(self, path: AnyPath) -> Owner | None:
        """The owner of a valid lease, which may be this run; None when there is none."""
        try:
            stored = self._store.read(path)
        except OSError:
            return None
        return None if stored is None or _is_expired(owner := Owner.loads(stored.data), stored) else owner

    def begin_writing(self, lease: Lease) -> bool:
        """Ensure, just before the outputs are written, that no other process writes them. Returns whether the lease was ours all along.

        A process that was suspended may have lost it. It takes the lease back, because it has the result that the new owner is still
        working on, but waits for an owner that is writing.

        Raises:
            OSError: the storage cannot be reached.
        """
        with lease.lock:
            mine = lease.next_content(writing=True)
            if self._store.swap(lease.path, lease.owner.dumps(), mine.dumps()):
                lease.owner = mine
                return True
            _LOG.debug("lost %s meanwhile", lease.path)
            while not self._take_back(lease.path, mine):
                time.sleep(_POLL_SECONDS)
            lease.owner = mine
            return False

    def release(self, lease: Lease) -> None:
        """Remove the lease. Does nothing if it is no longer ours."""
        with lease.lock:
            with suppress(OSError):  # it expires by itself
                self._store.swap(lease.path, lease.owner.dumps(), None)
            # Only now: if a signal arrives before this line, the end of the run still releases the lease.
            self._held.pop(lease.path, None)

    def sweep(self, folder: AnyPath) -> None:
        """Remove the expired leases in a folder. Ignores what cannot be read or removed, and what is not a lease."""
        with suppress(StorageNotReady):
            names = [name for name in files_of(folder).entries(folder) if name.startswith(".") and name.endswith(LEASE_SUFFIX)]
            _in_parallel(self._remove_expired, [folder / name for name in names])

    def _remove_expired(self, path: AnyPath) -> None:
        with suppress(OSError):
            stored = self._store.read(path)
            if stored is None or not _is_expired(Owner.loads(stored.data), stored):
                return
            if len(stored.data) <= _MAX_BYTES:
                self._store.swap(path, stored.data, None)

    def _hold(self, lease: Lease) -> Lease:
        self._held[lease.path] = lease
        return lease

    def _take_back(self, path: AnyPath, mine: Owner) -> bool:
        if (stored := self._store.read(path)) is None:
            return self._store.create(path, mine.dumps())
        other = Owner.loads(stored.data)
        return (not other.writing or _is_expired(other, stored)) and self._store.swap(path, stored.data, mine.dumps())

    def _refresh_loop(self) -> None:
        """The background thread."""
        while not self._ended.wait(REFRESH_SECONDS):
            _in_parallel(self._refresh, self._held.values())

    def _refresh(self, lease: Lease) -> None:
        if not lease.lock.acquire(blocking=False):
            return  # it is being written or released
        try:
            new = lease.next_content(writing=lease.owner.writing)
            with suppress(OSError):  # three more refreshes follow before it expires
                if lease.path in self._held and self._store.swap(lease.path, lease.owner.dumps(), new.dumps()):
                    lease.owner = new
        finally:
            lease.lock.release()


def _in_parallel(call: Callable[[T], None], items: Iterable[T]) -> None:
    if todo := list(items):
        with ThreadPoolExecutor(min(_THREADS, len(todo))) as pool:
            list(pool.map(call, todo))


def _is_expired(owner: Owner, stored: StoredLease) -> bool:
    """Whether the owner no longer refreshes the lease. One from the future was written before the storage's clock was set back."""
    return owner.has_ended or abs(stored.age) > EXPIRY_SECONDS
