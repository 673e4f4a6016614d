"""The time by the clock that stamps the files of a folder: a server's, where the folder is on one.

So the age of a file does not depend on whose clock is right.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from transcribe_cli.sinks.processes import temporary_name


def storage_time(folder: Path) -> float:
    """Seconds since 1970, comparable with modification times there; this machine's own clock where no file can be made."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, 0o600)  # has no name: nothing is left by a kill
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
