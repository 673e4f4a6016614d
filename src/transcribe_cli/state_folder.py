"""Files in the user's state folder, each about one recording: found by what it is about, gone when it is of no use any more.

`checkpoint`, `failures` and the backends keep theirs so. Names of recordings and what is said in them are nobody else's business: folders
and files are their owner's only.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from platformdirs import user_state_path

_DIGITS = 32


class StateFiles:
    """Files of one kind.

    Args:
        state: the state folder; None is the user's own, `~/.local/state/transcribe-cli` on Linux.
        name: of the folder in it.
        ending: of the files.
        max_age_seconds: age after which nobody comes back to one.
    """

    def __init__(self, state: Path | None, name: str, ending: str, max_age_seconds: float) -> None:
        self.folder = (state or user_state_path("transcribe-cli")) / name
        self._ending = ending
        self._max_age_seconds = max_age_seconds

    def path(self, *identity: object) -> Path:
        """Of the file about this: texts, numbers and None, the same for the same."""
        return self.folder / f"{hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:_DIGITS]}{self._ending}"

    def create_folder(self) -> None:
        """The folder, before something is put there.

        Raises:
            OSError: it cannot be made.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def remove_expired(self) -> None:
        """Remove what was left behind long ago."""
        with contextlib.suppress(OSError):
            for path in self.folder.glob(f"*{self._ending}"):
                if time.time() - path.stat().st_mtime > self._max_age_seconds:
                    path.unlink(missing_ok=True)


def open_for_append(path: Path) -> int:
    """A descriptor to append JSON lines to a file, which is made if it is not there.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if os.fstat(descriptor).st_size:  # a crash may have cut the last line
        os.write(descriptor, b"\n")
    return descriptor


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects in the lines of a file; lines that a crash cut are passed over, and a file that is not there has none."""
    with contextlib.suppress(OSError):
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(ValueError):
                record = json.loads(line)
                if isinstance(record, dict):
                    yield record


def remove(path: Path) -> None:
    """Remove a file, if it is there and that can be done."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
