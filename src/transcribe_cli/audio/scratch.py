"""Scratch files and folders: their names and locks, and the removal of those that dead processes left.

The process that creates a scratch file or folder holds a lock on it (flock) until it removes it. The kernel drops the lock even after
kill -9. Unlike a process number in the name, the lock is not affected by number reuse or by containers that share a folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import stat
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from transcribe_cli.errors import StorageNotReady

_EXCLUSIVE = fcntl.LOCK_EX | fcntl.LOCK_NB
PREFIX, SUFFIX = "transcribe-", ".s16"
FOLDER_SUFFIX = ".files"
_RANDOM_NAME = rf"{PREFIX}(\d+)-[a-z0-9_]{{8}}"
_NAME_PATTERN = re.compile(rf"{_RANDOM_NAME}({re.escape(SUFFIX)}|\.copy(\.[A-Za-z0-9]{{1,8}})?)")
_FOLDER_NAME_PATTERN = re.compile(rf"{_RANDOM_NAME}{re.escape(FOLDER_SUFFIX)}")
_MIN_AGE_SECONDS = 60.0  # a file may be seen after its creation and before its lock
_UNLOCKED_MAX_AGE_SECONDS = 24 * 3600.0  # where locks do not work (some network folders), the age decides


@dataclass(frozen=True)
class ScratchFile:
    """A scratch file of this process, locked through `fd` until it is removed."""

    path: Path
    fd: int
    owner: int
    _once: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def size(self) -> int:
        """Current size in bytes."""
        return os.fstat(self.fd).st_size

    def open_to_write(self) -> int:
        """Another descriptor, of the empty file, for a process that writes into it. Raises StorageNotReady."""
        try:
            return os.open(self.path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise not_writable(self.path.parent, error) from error

    def remove(self) -> None:
        """Delete the file and release the lock. In a fork of the process that created it, do nothing."""
        if os.getpid() != self.owner or not self._once.acquire(blocking=False):
            return  # on a second call, the descriptor may belong to another file
        with contextlib.suppress(OSError):
            self.path.unlink()
        with contextlib.suppress(OSError):
            os.close(self.fd)


@dataclass(frozen=True)
class ScratchFolder:
    """A scratch folder of this process, locked through `fd` until it is removed with all that it holds."""

    path: Path
    fd: int

    def remove(self) -> None:
        """Delete the folder, and release the lock. Call it once."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.fd)


def folder(chosen: Path | None) -> Path:
    """The scratch folder: the chosen one, or the system's (TMPDIR). Raises StorageNotReady if there is none."""
    try:
        return Path(os.path.abspath(chosen)) if chosen is not None else Path(tempfile.gettempdir())  # noqa: PTH100 - resolve() follows links
    except OSError as error:
        raise StorageNotReady("There is no folder for temporary files.", "Set TMPDIR to a writable folder.") from error


def copy_suffix(suffix: str) -> str:
    """The scratch suffix for a copy of a file with this suffix, which is kept if it is a plain one."""
    return f".copy{suffix}" if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", suffix) else ".copy"


def create(directory: Path, suffix: str = SUFFIX) -> ScratchFile:
    """A new, empty, locked scratch file that only its owner can read. Raises StorageNotReady."""
    try:
        fd, name = tempfile.mkstemp(prefix=f"{PREFIX}{os.getpid()}-", suffix=suffix, dir=directory)
    except OSError as error:
        raise not_writable(directory, error) from error
    with contextlib.suppress(OSError):
        fcntl.flock(fd, _EXCLUSIVE)
    return ScratchFile(Path(name), fd, os.getpid())


def create_folder(directory: Path) -> ScratchFolder:
    """A new, empty, locked scratch folder that only its owner can read. Raises StorageNotReady."""
    try:
        name = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", suffix=FOLDER_SUFFIX, dir=directory)
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise not_writable(directory, error) from error
    with contextlib.suppress(OSError):
        fcntl.flock(fd, _EXCLUSIVE)
    return ScratchFolder(Path(name), fd)


def not_writable(directory: Path, error: OSError) -> StorageNotReady:
    """The error of a scratch folder that cannot be written, with a hint."""
    reason = os.strerror(error.errno) if error.errno else "unknown error"
    return StorageNotReady(
        f"Cannot write temporary files in {directory}: {reason}.",
        "Free some space there, or set TMPDIR to a folder with more space (one hour of audio needs 115 MB).",
    )


def sweep(directory: Path) -> list[Path]:
    """Remove scratch files and folders of dead processes; returns their paths. Only those of this user with a scratch name."""
    removed: list[Path] = []
    try:
        names = [entry.name for entry in os.scandir(directory)]
    except OSError:
        return removed  # nothing to remove; a later write will report the error
    for path in (directory / name for name in names):
        with contextlib.suppress(OSError):
            if _NAME_PATTERN.fullmatch(path.name) and _is_abandoned(path, stat.S_IFREG, os.O_RDWR | os.O_NONBLOCK):
                path.unlink()
            elif _FOLDER_NAME_PATTERN.fullmatch(path.name) and _is_abandoned(path, stat.S_IFDIR, os.O_RDONLY | os.O_DIRECTORY):
                shutil.rmtree(path)
            else:
                continue
            removed.append(path)
    return removed


def _is_abandoned(path: Path, kind: int, flags: int) -> bool:
    """Whether `path` is of this `kind` (of `stat`), belongs to this user, and is not locked by a process. Raises OSError."""
    fd = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        status = os.fstat(fd)
        age = time.time() - status.st_mtime
        if stat.S_IFMT(status.st_mode) != kind or status.st_uid != os.getuid() or age < _MIN_AGE_SECONDS:
            return False
        try:
            fcntl.flock(fd, _EXCLUSIVE)
        except BlockingIOError:
            return False  # its process is alive
        except OSError:
            return age > _UNLOCKED_MAX_AGE_SECONDS
        return True
    finally:
        os.close(fd)
