"""Leases in buckets and on servers: written with the store's conditional requests or, over SFTP, while a second file is held.

S3 servers may ignore the condition of a delete request. So a released lease is deleted directly only if it was written so recently that no
other process can own it yet. Otherwise it is first emptied, with a conditional write, and no process takes over an empty lease until its
owner has had the time to delete it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

from transcribe_cli.batch.leases.lease_store import StoredLease
from transcribe_cli.errors import StorageNotReady
from transcribe_cli.sinks import temporary_name
from transcribe_cli.sources import LEASE_SUFFIX
from transcribe_cli.storage import Location, shared_files

_EMPTIED_SECONDS = 5.0
# Even the slowest permitted request ends before the lease expires.
_FRESH_SECONDS = 30.0
# Maximum age of the lock file that is held during a change, which takes four requests.
_LOCK_FILE_SECONDS, _POLL_SECONDS = 30.0, 0.2
_HASH_DIGITS = 16


class ObjectLeaseStore:
    """See `LeaseStore`. Remembers the tag of each lease that it wrote, so that it can change the lease without reading it."""

    def __init__(self) -> None:
        self._written: dict[Location, _Written] = {}

    def create(self, path: Location, data: bytes) -> bool:
        """Create the lease if there is none."""
        with _os_errors():
            return self._remember(path, data, time.time(), shared_files.create(path, data))

    def read(self, path: Location) -> StoredLease | None:
        """The lease. One that is being released has an infinite age as soon as it may be taken over."""
        with _os_errors():
            version = shared_files.read_version(path, temporary_name())
        if version is None:
            return None
        return StoredLease(version.data, math.inf if not version.data and version.age > _EMPTIED_SECONDS else version.age)

    def swap(self, path: Location, old: bytes, new: bytes | None) -> bool:
        """Compare and change, with a conditional request or under a lock file."""
        with _os_errors():
            if shared_files.supports_conditions(path):
                return self._compare_and_change(path, old, new)
            with _lock_file(path):
                return self._compare_and_change(path, old, new)

    def _compare_and_change(self, path: Location, old: bytes, new: bytes | None) -> bool:
        written = self._written.pop(path, None)
        if written is not None and written.data == old and self._change(path, written, new):
            return True
        current = shared_files.read_version(path, temporary_name())
        if current is None or current.data != old:
            return current is not None and new is not None and current.data == new
        return self._change(path, _Written(old, current.tag), new)

    def _change(self, path: Location, old: _Written, new: bytes | None) -> bool:
        if new is None:
            return _remove(path, old)
        return self._remember(path, new, time.time(), shared_files.replace_version(path, old.tag, new, temporary_name()))

    def _remember(self, path: Location, data: bytes, at: float, tag: str | None) -> bool:
        if tag is not None:
            self._written[path] = _Written(data, tag, at)
        return tag is not None


@dataclass(frozen=True)
class _Written:
    """The last known content of a lease and its tag. `at` is the time when this process sent it, by our clock; -inf if it did not."""

    data: bytes
    tag: str
    at: float = -math.inf


def _remove(path: Location, old: _Written) -> bool:
    if path.store.kind.family != "s3":
        return shared_files.remove_version(path, old.tag)
    if _is_within(_FRESH_SECONDS, old.at) and shared_files.remove_version(path, old.tag):
        return True
    started = time.time()
    if (emptied := shared_files.replace_version(path, old.tag, b"")) is None:
        return False
    with contextlib.suppress(StorageNotReady):  # it expires by itself
        if _is_within(_EMPTIED_SECONDS, started):
            try:
                shared_files.remove_version(path, emptied)
            except StorageNotReady:  # the server does not support conditional deletes
                path.store.remove(path)
    return True


def _is_within(seconds: float, since: float) -> bool:
    """Measured with the wall clock, which continues while the machine is suspended."""
    return abs(time.time() - since) < seconds


@contextlib.contextmanager
def _lock_file(path: Location) -> Iterator[None]:
    """Hold a lock file that belongs to the lease. The lock file of a dead process is removed after a while.

    Raises:
        OSError: other processes held it all the time.
    """
    lock = path.with_name(f".{hashlib.sha256(path.name.encode()).hexdigest()[:_HASH_DIGITS]}.change{LEASE_SUFFIX}")
    deadline = time.monotonic() + _LOCK_FILE_SECONDS
    while shared_files.create(lock, b"") is None:
        if time.monotonic() > deadline:
            raise OSError(errno.EBUSY, "another run is changing it", path.uri)
        current = shared_files.read_version(lock, temporary_name())
        if current is not None and abs(current.age) > _LOCK_FILE_SECONDS:
            shared_files.remove_version(lock, current.tag)
        time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        path.store.remove(lock)


@contextlib.contextmanager
def _os_errors() -> Iterator[None]:
    """Turn StorageNotReady into the OSError of the contract."""
    try:
        yield
    except StorageNotReady as error:
        raise OSError(errno.EIO, error.message) from error
