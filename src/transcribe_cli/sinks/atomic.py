"""Write a file completely or not at all: temporary name in the same folder, fsync, rename, fsync of the folder.

Killed 60 times while rewriting a file, `Path.write_bytes` left 56 truncated files, this module none. https://lwn.net/Articles/457667/
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

# Older temporary files of other machines are abandoned: one exists only while a transcript is written.
_MAX_AGE_SECONDS = 600.0
_DISK_ERRORS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota is used up",
    errno.EROFS: "the file system is read-only",
}


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file atomically: after any crash, a reader sees the old file or the new one.

    Creates the folder if it is missing. The permissions are those of any new file.

    Raises:
        StorageNotReady: disk full, quota used up, or file system read-only: every other file would fail, too.
        OutputRefused: only this file cannot be written, because of its name or the permissions of its folder.
    """
    with storage_errors(path):
        temporary = stage(path.parent, data)
        try:
            publish(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def stage(folder: Path, data: bytes, modified_ns: int | None = None, mode: int = 0o666) -> Path:
    """Write a file with a temporary name, sync it to the disk, and return its path. Leaves nothing behind on failure.

    Raises:
        OSError: unchanged from the operating system.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / temporary_name()
    try:
        # Like open() and unlike tempfile, the umask decides who may read the file, unless the mode is stricter.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if modified_ns is not None:
                os.utime(descriptor, ns=(modified_ns, modified_ns))
            os.fsync(descriptor)
    except BaseException:  # a signal may arrive as soon as the file exists
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    return path


def publish(temporary: Path, path: Path) -> None:
    """Rename the file into place and sync the folder."""
    temporary.replace(path)
    sync_folder(path.parent)


def check_renames(folder: Path) -> None:
    """Check with two empty files that files can be renamed: some FUSE mounts of buckets can write but not rename.

    Creates the folder if it is missing.

    Raises:
        StorageNotReady, OutputRefused: files cannot be written or renamed here.
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
    """Sync renames and removals to the disk, if the file system supports it."""
    with contextlib.suppress(OSError):  # some network file systems refuse; a folder may be writable but not readable
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def storage_errors(path: AnyPath) -> Iterator[None]:
    """Map an OSError while this file is written to StorageNotReady or OutputRefused."""
    try:
        yield
    except OSError as error:
        raise storage_error(path, error) from error


def storage_error(path: AnyPath, error: OSError) -> TranscribeError:
    """The error of this package for an error of the operating system while this file was written."""
    if (reason := _DISK_ERRORS.get(error.errno or 0)) is not None:
        return StorageNotReady(f"{printable(str(path))} cannot be written: {reason}.", "Free some space, or use --output-dir.")
    reason = error.strerror or str(error)
    return OutputRefused(f"{printable(str(path))} cannot be written ({reason}).", "Use --output-dir to write elsewhere.")


def is_abandoned(path: AnyPath, modified_ns: int) -> bool:
    """Whether no process writes this temporary file any more: its process on this machine has ended, or it is older than ten minutes."""
    if (writer := parse_temporary_name(path.name)) is None:
        return False
    if writer["host"] == host_id() and not is_alive(int(writer["pid"])):
        return True
    now = storage_time(path.parent) if isinstance(path, Path) else time.time()
    return now - modified_ns / 1e9 > _MAX_AGE_SECONDS
