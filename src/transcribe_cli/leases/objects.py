"""Leases in buckets and on servers: written under the store's own conditions, or, over SFTP, while a second file is held.

A bucket of S3 need not mind which version of an object it removes. There a lease that is given back is emptied first, under a condition,
and an empty one is nobody's to take until its owner has had the time to remove it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import math
import time
from collections.abc import Iterator

from transcribe_cli.errors import StorageNotReady
from transcribe_cli.leases.store import Seen
from transcribe_cli.sinks import temporary_name
from transcribe_cli.sources import LEASE_ENDING
from transcribe_cli.storage import Location, shared

_EMPTIED_SECONDS = 5.0
# Of the file that is held for a change, which takes four requests.
_CHANGE_SECONDS, _LOOK_AGAIN_SECONDS = 30.0, 0.2
_HASH_DIGITS = 16


class ObjectStore:
    """See `LeaseStore`. Remembers the tags of what it wrote last, so that a lease of ours need not be read to be changed."""

    def __init__(self) -> None:
        self._written: dict[Location, tuple[bytes, str]] = {}

    def create(self, path: Location, data: bytes) -> bool:
        """Put a lease there unless there is one."""
        with _os_errors():
            return self._remember(path, data, shared.create(path, data))

    def read(self, path: Location) -> Seen | None:
        """The lease; one that is being given back is very old as soon as it can be taken."""
        with _os_errors():
            found = shared.version(path, temporary_name())
        if found is None:
            return None
        return Seen(found.data, math.inf if not found.data and found.age > _EMPTIED_SECONDS else found.age)

    def swap(self, path: Location, old: bytes, new: bytes | None) -> bool:
        """Compare and change, under a condition or while nobody else can."""
        with _os_errors():
            if shared.has_conditions(path):
                return self._changed(path, old, new)
            with _alone(path):
                return self._changed(path, old, new)

    def _changed(self, path: Location, old: bytes, new: bytes | None) -> bool:
        written, tag = self._written.pop(path, (b"", ""))
        if tag and written == old and self._change(path, tag, new):
            return True
        there = shared.version(path, temporary_name())
        if there is None or there.data != old:
            return there is not None and new is not None and there.data == new
        return self._change(path, there.tag, new)

    def _change(self, path: Location, tag: str, new: bytes | None) -> bool:
        return _removed(path, tag) if new is None else self._remember(path, new, shared.replace(path, tag, new))

    def _remember(self, path: Location, data: bytes, tag: str | None) -> bool:
        if tag is not None:
            self._written[path] = data, tag
        return tag is not None


def knows_conditions(folder: Location) -> bool:
    """Whether leases can lie in a folder that can be written to: a file that is created twice is refused the second time."""
    probe = folder / temporary_name()
    try:
        return shared.create(probe, b"1") is not None and shared.create(probe, b"2") is None
    except (StorageNotReady, OSError):  # to servers that know no conditions they may be an error
        return False
    finally:
        with contextlib.suppress(StorageNotReady, OSError):
            probe.store.remove(probe)


def _removed(path: Location, tag: str) -> bool:
    if path.store.kind.family != "s3":
        return shared.discard(path, tag)
    began = time.monotonic()
    if (emptied := shared.replace(path, tag, b"")) is None:
        return False
    with contextlib.suppress(StorageNotReady):  # it ends by itself
        if time.monotonic() - began < _EMPTIED_SECONDS:
            try:
                shared.discard(path, emptied)
            except StorageNotReady:  # a server that takes no condition there
                path.store.remove(path)
    return True


@contextlib.contextmanager
def _alone(path: Location) -> Iterator[None]:
    """While a file of its name and an ending is held; one whose owner died goes after a while.

    Raises:
        OSError: others held it all the time.
    """
    held = path.with_name(f".{hashlib.sha256(path.name.encode()).hexdigest()[:_HASH_DIGITS]}.change{LEASE_ENDING}")
    until = time.monotonic() + _CHANGE_SECONDS
    while shared.create(held, b"") is None:
        if time.monotonic() > until:
            raise OSError(errno.EBUSY, "another run is changing it", path.uri)
        there = shared.version(held, temporary_name())
        if there is not None and abs(there.age) > _CHANGE_SECONDS:
            shared.discard(held, there.tag)
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
