"""Leases as files: created with O_EXCL, changed under a lock that lasts for the change.

The kernel gives a lock back even after kill -9. Taking over by renaming the file away, as is often done, is no exclusion: a slow
taker would rename the lease away that a faster one has just put in place. Where there are no locks (some network and FUSE file
systems) the change is compared and made without: two takers at the same instant may both believe that they won.
"""

from __future__ import annotations

import errno
import fcntl
import math
import os
import stat
import time
from pathlib import Path

from transcribe_cli.batch.leases.lease_store import StoredLease
from transcribe_cli.sinks import storage_time

_MOST_BYTES = 1 << 16  # a lease has 300
_NO_LOCKS = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EBADF})
_LOCK_TRIES, _LOCK_PAUSE_SECONDS = 50, 0.01


class LocalLeaseStore:
    """See `LeaseStore`."""

    def create(self, path: Path, data: bytes) -> bool:
        """Put a lease there unless there is anything of that name. One that is still empty is anybody's: its maker may be dead."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except FileExistsError:
            return False
        try:
            if not _lock(descriptor) or not _is_at(path, descriptor) or os.fstat(descriptor).st_size:
                return False
            os.write(descriptor, data)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        return True

    def read(self, path: Path) -> StoredLease | None:
        """The lease; what is no regular file is an OSError, and nothing waits for a named pipe."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            info = os.fstat(descriptor)
            if not stat.S_ISREG(info.st_mode):
                raise OSError(errno.EINVAL, "not a regular file", str(path))
            data = os.read(descriptor, _MOST_BYTES)
            return StoredLease(data, storage_time(path.parent) - info.st_mtime if data else math.inf)
        finally:
            os.close(descriptor)

    def swap(self, path: Path, old: bytes, new: bytes | None) -> bool:
        """Compare and change while nobody else can; a reader may see a lease that is half changed, hence young and unreadable."""
        try:
            descriptor, writable = _opened(path)
        except FileNotFoundError:
            return False
        try:
            if not _lock(descriptor) or not _is_at(path, descriptor) or os.pread(descriptor, _MOST_BYTES, 0) != old:
                return False
            if new is not None and writable:
                os.pwrite(descriptor, new, 0)
                os.ftruncate(descriptor, len(new))
                return True
            path.unlink()
            return new is None or self.create(path, new)
        finally:
            os.close(descriptor)


def _opened(path: Path) -> tuple[int, bool]:
    """A descriptor, and whether it can be written through: the lease of another user cannot, but may be removed."""
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(path, os.O_RDWR | flags), True
    except PermissionError:
        return os.open(path, os.O_RDONLY | flags), False


def _lock(descriptor: int) -> bool:
    """Whether the lease may be changed now: nobody else is about to, or nobody could say so here."""
    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE_SECONDS)
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return True
            raise
        else:
            return True
    return False


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether the file that is open still has this name."""
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    here = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)
