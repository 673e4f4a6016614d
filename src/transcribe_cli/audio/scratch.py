"""Scratch files: how they are named and locked, and how those of processes that died are found and removed.

A scratch file is locked (flock) by the process that made it for as long as it lives: the kernel drops the lock even after kill -9,
and unlike a process number in the name it is never confused by reuse or by containers that share a folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from transcribe_cli.errors import StorageNotReady

_EXCLUSIVE = fcntl.LOCK_EX | fcntl.LOCK_NB
PREFIX, SUFFIX = "transcribe-", ".s16"
_OURS = re.compile(rf"{PREFIX}(\d+)-[a-z0-9_]{{8}}({re.escape(SUFFIX)}|\.copy(\.[A-Za-z0-9]{{1,8}})?)")
_YOUNG_SECONDS = 60.0  # a file may be seen after its creation and before its lock
_OLD_SECONDS = 24 * 3600.0  # where locks do not work (some network folders), age decides


@dataclass(frozen=True)
class ScratchFile:
    """A file of ours, locked through `fd` until it is removed."""

    path: Path
    fd: int
    owner: int
    _once: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def size(self) -> int:
        """Bytes in it now."""
        return os.fstat(self.fd).st_size

    def remove(self) -> None:
        """Delete the file and give the lock back; in a fork of the process that made it, do nothing."""
        if os.getpid() != self.owner or not self._once.acquire(blocking=False):
            return  # the second time, the descriptor's number may be another file's
        with contextlib.suppress(OSError):
            self.path.unlink()
        with contextlib.suppress(OSError):
            os.close(self.fd)


def folder(chosen: Path | None) -> Path:
    """The scratch folder: the chosen one, or the system's (TMPDIR). Raises StorageNotReady when there is none."""
    try:
        return Path(os.path.abspath(chosen)) if chosen is not None else Path(tempfile.gettempdir())  # noqa: PTH100 - resolve() follows links
    except OSError as error:
        raise StorageNotReady("There is no folder for temporary files.", "Set TMPDIR to a folder that can be written.") from error


def copy_suffix(ending: str) -> str:
    """The suffix for a copy of a file with this ending, which it keeps when it is a plain one."""
    return f".copy{ending}" if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", ending) else ".copy"


def create(where: Path, suffix: str = SUFFIX) -> ScratchFile:
    """A new, empty, locked scratch file that only its owner can read. Raises StorageNotReady."""
    try:
        fd, name = tempfile.mkstemp(prefix=f"{PREFIX}{os.getpid()}-", suffix=suffix, dir=where)
    except OSError as error:
        raise not_writable(where, error) from error
    with contextlib.suppress(OSError):
        fcntl.flock(fd, _EXCLUSIVE)
    return ScratchFile(Path(name), fd, os.getpid())


def not_writable(where: Path, error: OSError) -> StorageNotReady:
    """The error of a scratch folder that cannot be written, with its cure."""
    reason = os.strerror(error.errno) if error.errno else "unknown error"
    return StorageNotReady(
        f"Scratch files cannot be written in {where}: {reason}.",
        "Free some space there, or set TMPDIR to a folder with more (one hour of audio needs 115 MB).",
    )


def sweep(where: Path) -> list[Path]:
    """Remove scratch files whose process is gone; returns them. Only our own pattern, regular files, our own user."""
    removed: list[Path] = []
    try:
        entries = [entry for entry in os.scandir(where) if _OURS.fullmatch(entry.name)]
    except OSError:
        return removed  # nothing to sweep; writing will say what is wrong
    for entry in entries:
        with contextlib.suppress(OSError):
            if _abandoned(entry.path):
                Path(entry.path).unlink()
                removed.append(Path(entry.path))
    return removed


def _abandoned(path: str) -> bool:
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        status = os.fstat(fd)
        age = time.time() - status.st_mtime
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid() or age < _YOUNG_SECONDS:
            return False
        try:
            fcntl.flock(fd, _EXCLUSIVE)
        except BlockingIOError:
            return False  # its process is alive
        except OSError:
            return age > _OLD_SECONDS
        return True
    finally:
        os.close(fd)
