"""One file, whole or not at all: a temporary name in the same folder, fsync, rename, fsync of the folder.

Killed 60 times while it rewrote a file, `Path.write_bytes` left 56 halves, this none. https://lwn.net/Articles/457667/
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from transcribe_cli.errors import OutputRefused, StorageNotReady, TranscribeError
from transcribe_cli.printable import printable
from transcribe_cli.storage import Place

_TEMPORARY = re.compile(r"\.transcribe-(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]{8}\.tmp")
_FOREIGN_HOST_SECONDS = 24 * 3600.0  # a temporary file lives for milliseconds; clocks of other machines are off by hours at most
_FOR_EVERYTHING = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota is used up",
    errno.EROFS: "the file system is read-only",
}


def write(path: Path, data: bytes) -> None:
    """Put these bytes at the path; a reader sees the old file or the new one, after any crash.

    The folder is made when it is missing. Permissions are those of any new file.

    Raises:
        StorageNotReady: disk full, quota used up, or file system read-only: the next file would fail too.
        OutputRefused: this one cannot be written, for its name or its folder's permissions.
    """
    with storage_errors(path):
        temporary = stage(path.parent, data)
        try:
            publish(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def stage(folder: Path, data: bytes, modified_ns: int | None = None, mode: int = 0o666) -> Path:
    """Write a file of a temporary name through to the disk and return it; when that fails nothing is left.

    The name is short and random, since a name made from the target's would pass 255 bytes when that is long.

    Raises:
        OSError: as it came.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / temporary_name()
    # Like open(), unlike tempfile: the umask decides who may read it, unless the mode is narrower.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if modified_ns is not None:
                os.utime(descriptor, ns=(modified_ns, modified_ns))
            os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def publish(temporary: Path, path: Path) -> None:
    """Rename into place, through to the disk."""
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring renames and removals to the disk, where the file system can be asked to."""
    with contextlib.suppress(OSError):  # some network file systems refuse; a folder may be writable but not readable
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def storage_errors(path: Place) -> Iterator[None]:
    """Map OSError to StorageNotReady or OutputRefused, for writing this file."""
    try:
        yield
    except OSError as error:
        raise storage_error(path, error) from error


def storage_error(path: Place, error: OSError) -> TranscribeError:
    """Our error for one of the operating system's while this file was written."""
    if (reason := _FOR_EVERYTHING.get(error.errno or 0)) is not None:
        return StorageNotReady(f"{printable(str(path))} cannot be written: {reason}.", "Make room, or use --output-dir.")
    reason = error.strerror or str(error)
    return OutputRefused(f"{printable(str(path))} cannot be written ({reason}).", "Use --output-dir to write elsewhere.")


def temporary_name() -> str:
    """A new name, which says whose it is."""
    return f".transcribe-{host()}-{os.getpid()}-{secrets.token_hex(4)}.tmp"


def temporary_of(name: str) -> re.Match[str] | None:
    """The host and pid in a temporary name of ours; None for any other name."""
    return _TEMPORARY.fullmatch(name)


def is_dead(name: str, modified_ns: int) -> bool:
    """Whether nobody is writing the temporary file of this name any more: its process here is gone, or it is a day old."""
    if (written := temporary_of(name)) is None:
        return False
    if written["host"] == host() and not _is_alive(int(written["pid"])):
        return True
    return time.time() - modified_ns / 1e9 > _FOREIGN_HOST_SECONDS


@cache
def host() -> str:
    """8 hex digits for this machine, or this container: where a process id means the same process."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/etc/machine-id").read_text())
    with contextlib.suppress(OSError):
        # A container may share the host's name, not its process ids. The first namespace has a fixed number.
        parts.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
