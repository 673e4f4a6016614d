"""Taking leases, keeping them alive, taking over those of the dead, giving them back.

A lease is alive while its owner refreshes it. Its age is told by the clock of the storage that it lies in, so that machines whose
clocks differ agree. A process of this machine that is gone is dead at once.
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
# Each is a request for each lease in a bucket.
REFRESH_SECONDS = 30.0
# Four beats: a network folder that hangs for a minute costs nobody a lease.
EXPIRY_SECONDS = 120.0
_LOOK_AGAIN_SECONDS = 0.1
_TRIES = 5
# Leases in buckets take 20 to 100 ms to refresh, and a run of short recordings may hold thousands.
_SIDE_BY_SIDE = 16


@dataclass(eq=False)
class Lease:
    """A lease of ours.

    Attributes:
        owner: what it said when it was last written.
        taken_over: whether its last owner died.
        progress: seconds that are recognized, and of how many; the next refresh says so.
    """

    path: AnyPath
    owner: Owner
    taken_over: bool = False
    progress: tuple[float, float] = (0.0, 0.0)
    changing: threading.Lock = field(default_factory=threading.Lock)

    def renewed(self, *, writing: bool) -> Owner:
        """What it is to say next."""
        seconds, duration = self.progress
        return replace(self.owner, beat=self.owner.beat + 1, seconds=seconds, duration=duration, writing=writing)


class LeaseManager:
    """The leases of a run; use inside `with`, which refreshes them in the background and gives back what is left at its end."""

    def __init__(self, store: LeaseStore | None = None) -> None:
        self._store: LeaseStore = store or AnyLeaseStore()
        self._began = utc_now()
        self._held: dict[AnyPath, Lease] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="leases", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        _side_by_side(self.release, self._held.values())

    def acquire(self, path: AnyPath) -> Lease | Owner:
        """The lease, or who holds it.

        Raises:
            OSError: no lease can be written there.
        """
        mine = Owner.this_process(self._began)
        owner = Owner()
        for _ in range(_TRIES):
            if self._store.create(path, mine.dumps()):
                return self._hold(Lease(path, mine))
            if (seen := self._store.read(path)) is None:
                continue  # it was given back this moment
            owner = Owner.loads(seen.data)
            if not _is_over(owner, seen):
                return owner
            if self._store.swap(path, seen.data, mine.dumps()):
                _LOG.debug("took over %s from %s", path, owner)
                return self._hold(Lease(path, mine, taken_over=True))
        return owner

    def holder(self, path: AnyPath) -> Owner | None:
        """Who is at work there now, be it this run; None when nobody is."""
        try:
            seen = self._store.read(path)
        except OSError:
            return None
        return None if seen is None or _is_over(owner := Owner.loads(seen.data), seen) else owner

    def begin_writing(self, lease: Lease) -> bool:
        """Make sure, just before the outputs are written, that nobody else writes them; whether the lease was ours all the time.

        A process that was suspended may have lost it. It takes it back, since it has the result that the other still works on, but
        waits for one that is writing.

        Raises:
            OSError: the storage cannot be reached.
        """
        with lease.changing:
            mine = lease.renewed(writing=True)
            if self._store.swap(lease.path, lease.owner.dumps(), mine.dumps()):
                lease.owner = mine
                return True
            _LOG.debug("lost %s meanwhile", lease.path)
            while not self._taken_back(lease.path, mine):
                time.sleep(_LOOK_AGAIN_SECONDS)
            lease.owner = mine
            return False

    def release(self, lease: Lease) -> None:
        """Give it back; when it is not ours any more nothing happens."""
        with lease.changing:
            with suppress(OSError):  # it ends by itself
                self._store.swap(lease.path, lease.owner.dumps(), None)
            self._held.pop(lease.path, None)  # only now: where a signal came in between, the end of the run still knows of it

    def sweep(self, folder: AnyPath) -> None:
        """Remove the leases in a folder whose owners are dead. Never raises for what it cannot do."""
        with suppress(StorageNotReady):
            names = [name for name in files_of(folder).entries(folder) if name.endswith(LEASE_SUFFIX)]
            _side_by_side(self._sweep, [folder / name for name in names])

    def _sweep(self, path: AnyPath) -> None:
        with suppress(OSError):
            seen = self._store.read(path)
            if seen is not None and _is_over(Owner.loads(seen.data), seen):
                self._store.swap(path, seen.data, None)

    def _hold(self, lease: Lease) -> Lease:
        self._held[lease.path] = lease
        return lease

    def _taken_back(self, path: AnyPath, mine: Owner) -> bool:
        if (seen := self._store.read(path)) is None:
            return self._store.create(path, mine.dumps())
        other = Owner.loads(seen.data)
        return (not other.writing or _is_over(other, seen)) and self._store.swap(path, seen.data, mine.dumps())

    def _beat(self) -> None:
        """The thread: refresh every lease again and again."""
        while not self._ended.wait(REFRESH_SECONDS):
            _side_by_side(self._refresh, self._held.values())

    def _refresh(self, lease: Lease) -> None:
        if not lease.changing.acquire(blocking=False):
            return  # it is being written, or given back
        try:
            new = lease.renewed(writing=lease.owner.writing)
            with suppress(OSError):  # there are three more before it expires
                if lease.path in self._held and self._store.swap(lease.path, lease.owner.dumps(), new.dumps()):
                    lease.owner = new
        finally:
            lease.changing.release()


def _side_by_side(do: Callable[[T], None], items: Iterable[T]) -> None:
    if found := list(items):
        with ThreadPoolExecutor(min(_SIDE_BY_SIDE, len(found))) as pool:
            list(pool.map(do, found))


def _is_over(owner: Owner, seen: StoredLease) -> bool:
    """Whether nobody refreshes the lease any more; one from the future was written before the storage's clock was set back."""
    return owner.has_ended or abs(seen.age) > EXPIRY_SECONDS
