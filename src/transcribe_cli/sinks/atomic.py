"""One file, whole or not at all: a temporary name in the same folder, fsync, rename, fsync of the folder.

Killed 60 times while it rewrote a file, `Path.write_bytes` left 56 halves, this none. https://lwn.net/Articles/457667/
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

from transcribe_cli.errors import OutputRefused, StorageNotReady, TranscribeError
from transcribe_cli.sinks.clock import storage_time
from transcribe_cli.sinks.processes import host_id, is_alive, parse_temporary_name, temporary_name
from transcribe_cli.storage import AnyPath
from transcribe_cli.text.printable import printable

# A temporary file lives for as long as it takes to write a transcript.
_FOREIGN_HOST_SECONDS = 600.0
_FOR_EVERYTHING = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota is used up",
    errno.EROFS: "the file system is read-only",
}


def write_atomically(path: Path, data: bytes) -> None:
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

    Raises:
        OSError: as it came.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / temporary_name()
    try:
        # Like open(), unlike tempfile: the umask decides who may read it, unless the mode is narrower.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if modified_ns is not None:
                os.utime(descriptor, ns=(modified_ns, modified_ns))
            os.fsync(descriptor)
    except BaseException:  # a signal may come as soon as it is there
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    return path


def publish(temporary: Path, path: Path) -> None:
    """Rename into place, through to the disk."""
    temporary.replace(path)
    sync_folder(path.parent)


def check_renames(folder: Path) -> None:
    """Find out with two empty files whether files can be put in place here: some FUSE mounts of buckets write and cannot rename.

    The folder is made when it is missing.

    Raises:
        StorageNotReady, OutputRefused: nothing that is written here would ever get its name.
    """
    with storage_errors(folder):
        first = stage(folder, b"")
        try:
            second = stage(folder, b"")
            try:
                first.replace(second)
            finally:
                second.unlink(missing_ok=True)
        finally:
            first.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Bring renames and removals to the disk, where the file system can be asked to."""
    with contextlib.suppress(OSError):  # some network file systems refuse; a folder may be writable but not readable
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def storage_errors(path: AnyPath) -> Iterator[None]:
    """Map OSError to StorageNotReady or OutputRefused, for writing this file."""
    try:
        yield
    except OSError as error:
        raise storage_error(path, error) from error


def storage_error(path: AnyPath, error: OSError) -> TranscribeError:
    """Our error for one of the operating system's while this file was written."""
    if (reason := _FOR_EVERYTHING.get(error.errno or 0)) is not None:
        return StorageNotReady(f"{printable(str(path))} cannot be written: {reason}.", "Make room, or use --output-dir.")
    reason = error.strerror or str(error)
    return OutputRefused(f"{printable(str(path))} cannot be written ({reason}).", "Use --output-dir to write elsewhere.")


def is_abandoned(path: AnyPath, modified_ns: int) -> bool:
    """Whether nobody is writing this temporary file any more: its process here is gone, or it was written ten minutes ago."""
    if (written := parse_temporary_name(path.name)) is None:
        return False
    if written["host"] == host_id() and not is_alive(int(written["pid"])):
        return True
    now = storage_time(path.parent) if isinstance(path, Path) else time.time()
    return now - modified_ns / 1e9 > _FOREIGN_HOST_SECONDS
