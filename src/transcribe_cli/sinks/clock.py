"""The time of the clock that stamps the files in a folder: the clock of the server, if the folder is on one.

This makes the age of a file independent of the clock of this machine.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from transcribe_cli.sinks.processes import temporary_name


def storage_time(folder: Path) -> float:
    """Seconds since 1970, comparable with modification times in the folder. The clock of this machine if no file can be created there."""
    with contextlib.suppress(OSError):
        descriptor = os.open(
            folder, os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, 0o600
        )  # has no name, so a kill leaves nothing behind
        try:
            return os.fstat(descriptor).st_mtime
        finally:
            os.close(descriptor)
    path = folder / temporary_name()
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        try:
            return path.stat().st_mtime
        finally:
            path.unlink()
    return time.time()
