"""Reads a file that others may have put there: a regular file of limited size, or an error. It never blocks.

A named pipe blocks whoever opens it, a device may be endless, and a link may lead to either.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

MB = 1_000_000
# A transcript of a whole day with word times takes 20 MB.
MAX_BYTES = 500 * MB


def open_regular_file(path: Path) -> BufferedReader:
    """Open a file for reading.

    Raises:
        OSError: it cannot be opened, or is not a regular file.
    """
    try:
        _check_regular(path, path.stat().st_mode)  # opening a device may have an effect
        file = open(path, "rb", opener=_open_without_blocking)  # noqa: SIM115 - returned; pathlib has no opener
    except ValueError as error:  # a NUL or half a surrogate pair in the name
        raise OSError(errno.EINVAL, "not a valid file name", repr(path)) from error
    try:
        _check_regular(path, os.fstat(file.fileno()).st_mode)
    except OSError:
        file.close()
        raise
    return file


def read_regular_file(path: Path, limit: int = MAX_BYTES) -> bytes:
    """Read a whole file.

    Raises:
        OSError: it cannot be read, is not a regular file, or has more than `limit` bytes. Its `strerror` is the reason for a message.
    """
    with open_regular_file(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"too large, at most {limit / MB:,.0f} MB", str(path))
    return data


def _open_without_blocking(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _check_regular(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
