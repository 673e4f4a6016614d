"""Leases as files: created with O_EXCL, changed under a lock that is held during the change only.

The kernel releases a lock even after kill -9. The common way to take over, renaming the file away, does not exclude anybody: a slow
process would rename away the lease that a faster one has just created. Where locks are not supported (some network and FUSE file
systems), the content is compared without one, and two processes that take over in the same instant may both succeed.
"""

from __future__ import annotations

import errno
import fcntl
import math
import os
import stat
import time
from pathlib import Path

from transcribe_cli.batch.leases.lease_store import MAX_BYTES, StoredLease
from transcribe_cli.sinks import storage_time

_LOCKS_UNSUPPORTED = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EBADF})
_LOCK_ATTEMPTS, _LOCK_PAUSE_SECONDS = 50, 0.01


class LocalLeaseStore:
    """See `LeaseStore`."""

    def create(self, path: Path, data: bytes) -> bool:
        """Create the lease if nothing has its name. An empty lease may be taken over at once: its creator may be dead."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except FileExistsError:
            return False
        try:
            if not _lock(descriptor) or not _is_same_file(path, descriptor) or os.fstat(descriptor).st_size:
                return False
            os.write(descriptor, data)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        return True

    def read(self, path: Path) -> StoredLease | None:
        """The lease. Raises OSError for what is not a regular file; never blocks on a named pipe."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            info = os.fstat(descriptor)
            if not stat.S_ISREG(info.st_mode):
                raise OSError(errno.EINVAL, "not a regular file", str(path))
            data = os.read(descriptor, MAX_BYTES)
            return StoredLease(data, storage_time(path.parent) - info.st_mtime if data else math.inf)
        finally:
            os.close(descriptor)

    def swap(self, path: Path, old: bytes, new: bytes | None) -> bool:
        """Compare and change under the lock. A reader may see a half-written lease, which is recent and cannot be parsed."""
        try:
            descriptor, is_writable = _open(path)
        except FileNotFoundError:
            return False
        try:
            if not _lock(descriptor) or not _is_same_file(path, descriptor) or os.pread(descriptor, MAX_BYTES, 0) != old:
                return False
            # A file with another name, too, is not ours: it is a hard link to any other file.
            if new is not None and is_writable and os.fstat(descriptor).st_nlink == 1:
                os.pwrite(descriptor, new, 0)
                os.ftruncate(descriptor, len(new))
                return True
            path.unlink()
            return new is None or self.create(path, new)
        finally:
            os.close(descriptor)


def _open(path: Path) -> tuple[int, bool]:
    """A descriptor, and whether it is writable. The lease of another user is not, but can be removed."""
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(path, os.O_RDWR | flags), True
    except PermissionError:
        return os.open(path, os.O_RDONLY | flags), False


def _lock(descriptor: int) -> bool:
    """Whether the lease may be changed now: it is locked, or the file system does not support locks."""
    for _ in range(_LOCK_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE_SECONDS)
        except OSError as error:
            if error.errno in _LOCKS_UNSUPPORTED:
                return True
            raise
        else:
            return True
    return False


def _is_same_file(path: Path, descriptor: int) -> bool:
    """Whether the open file still has this name."""
    try:
        at_path = path.lstat()
    except FileNotFoundError:
        return False
    opened = os.fstat(descriptor)
    return (at_path.st_dev, at_path.st_ino) == (opened.st_dev, opened.st_ino)
