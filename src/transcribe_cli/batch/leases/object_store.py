"""Leases in buckets and on servers: written under the store's own conditions, or, over SFTP, while a second file is held.

A bucket of S3 need not mind which version of an object it removes. There a lease that is given back is removed at once if it was written
a moment ago, when it can be nobody else's yet. Otherwise it is emptied first, under a condition, and an empty one is nobody's to take until
its owner has had the time to remove it.
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
# A request that takes as long as it may is still over before the lease expires.
_FRESH_SECONDS = 30.0
# Of the file that is held for a change, which takes four requests.
_CHANGE_SECONDS, _LOOK_AGAIN_SECONDS = 30.0, 0.2
_HASH_DIGITS = 16


class ObjectLeaseStore:
    """See `LeaseStore`. Remembers the tags of what it wrote last, so that a lease of ours need not be read to be changed."""

    def __init__(self) -> None:
        self._written: dict[Location, _Written] = {}

    def create(self, path: Location, data: bytes) -> bool:
        """Put a lease there unless there is one."""
        with _os_errors():
            return self._remember(path, data, time.time(), shared_files.create(path, data))

    def read(self, path: Location) -> StoredLease | None:
        """The lease; one that is being given back is very old as soon as it can be taken."""
        with _os_errors():
            found = shared_files.read_version(path, temporary_name())
        if found is None:
            return None
        return StoredLease(found.data, math.inf if not found.data and found.age > _EMPTIED_SECONDS else found.age)

    def swap(self, path: Location, old: bytes, new: bytes | None) -> bool:
        """Compare and change, under a condition or while nobody else can."""
        with _os_errors():
            if shared_files.supports_conditions(path):
                return self._changed(path, old, new)
            with _alone(path):
                return self._changed(path, old, new)

    def _changed(self, path: Location, old: bytes, new: bytes | None) -> bool:
        ours = self._written.pop(path, None)
        if ours is not None and ours.data == old and self._change(path, ours, new):
            return True
        there = shared_files.read_version(path, temporary_name())
        if there is None or there.data != old:
            return there is not None and new is not None and there.data == new
        return self._change(path, _Written(old, there.tag), new)

    def _change(self, path: Location, old: _Written, new: bytes | None) -> bool:
        if new is None:
            return _removed(path, old)
        return self._remember(path, new, time.time(), shared_files.replace_version(path, old.tag, new))

    def _remember(self, path: Location, data: bytes, at: float, tag: str | None) -> bool:
        if tag is not None:
            self._written[path] = _Written(data, tag, at)
        return tag is not None


@dataclass(frozen=True)
class _Written:
    """What is in a lease, as far as we know, and the tag of that version; `at`: when it was sent, by our clock, if we did."""

    data: bytes
    tag: str
    at: float = -math.inf


def _removed(path: Location, old: _Written) -> bool:
    if path.store.kind.family != "s3":
        return shared_files.remove_version(path, old.tag)
    if _within(_FRESH_SECONDS, old.at) and shared_files.remove_version(path, old.tag):
        return True
    began = time.time()
    if (emptied := shared_files.replace_version(path, old.tag, b"")) is None:
        return False
    with contextlib.suppress(StorageNotReady):  # it ends by itself
        if _within(_EMPTIED_SECONDS, began):
            try:
                shared_files.remove_version(path, emptied)
            except StorageNotReady:  # a server that takes no condition there
                path.store.remove(path)
    return True


def _within(seconds: float, since: float) -> bool:
    """By the clock of the wall, which goes on while a machine sleeps."""
    return abs(time.time() - since) < seconds


@contextlib.contextmanager
def _alone(path: Location) -> Iterator[None]:
    """While a file of its name and an ending is held; one whose owner died goes after a while.

    Raises:
        OSError: others held it all the time.
    """
    held = path.with_name(f".{hashlib.sha256(path.name.encode()).hexdigest()[:_HASH_DIGITS]}.change{LEASE_SUFFIX}")
    until = time.monotonic() + _CHANGE_SECONDS
    while shared_files.create(held, b"") is None:
        if time.monotonic() > until:
            raise OSError(errno.EBUSY, "another run is changing it", path.uri)
        there = shared_files.read_version(held, temporary_name())
        if there is not None and abs(there.age) > _CHANGE_SECONDS:
            shared_files.remove_version(held, there.tag)
        time.sleep(_LOOK_AGAIN_SECONDS)
    try:
        yield
    finally:
        path.store.remove(held)


@contextlib.contextmanager
def _os_errors() -> Iterator[None]:
    """StorageNotReady as the contract has it."""
    try:
        yield
    except StorageNotReady as error:
        raise OSError(errno.EIO, error.message) from error
