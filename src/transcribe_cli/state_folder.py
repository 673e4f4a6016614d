"""Files in the user's state folder, one per recording. A file is named by a hash of its identity, and removed when it expires.

`checkpoint`, `failures` and the backends use it. Recording names and transcripts are private: only the owner can read the folders and
files.
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

from transcribe_cli.errors import ConfigError
from transcribe_cli.text.json_data import parse_json
from transcribe_cli.text.links import Tree
from transcribe_cli.text.regular_files import read_regular_file

_NAME_DIGITS = 32


class StateFiles:
    """The files of one kind.

    Args:
        state: the state folder. Default: the user's, `~/.local/state/transcribe-cli` on Linux.
        name: name of the folder in it.
        suffix: suffix of the files.
        max_age_seconds: age at which a file expires.

    Raises:
        ConfigError: see `state_path`.
    """

    def __init__(self, state: Path | None, name: str, suffix: str, max_age_seconds: float) -> None:
        self.folder = state_path(state, name)
        self._suffix = suffix
        self._max_age_seconds = max_age_seconds

    def path(self, *identity: object) -> Path:
        """The path of the file for this identity: strings, numbers and None."""
        return self.folder / f"{hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:_NAME_DIGITS]}{self._suffix}"

    def create_folder(self) -> None:
        """Create the folder.

        Raises:
            OSError: it cannot be created.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def remove_expired(self) -> None:
        """Remove expired files."""
        with contextlib.suppress(OSError):
            for path in self.folder.glob(f"*{self._suffix}"):
                if time.time() - path.stat().st_mtime > self._max_age_seconds:
                    path.unlink(missing_ok=True)


def state_path(state: Path | None, name: str) -> Path:
    """The path of a file or folder in a state folder. Default: the user's, `~/.local/state/transcribe-cli` on Linux.

    Raises:
        ConfigError: it is a link out of the given folder, which may be in a tree where others put it.
    """
    if state is None:
        return user_state_path("transcribe-cli") / name
    path = state / name
    if not Tree.at(state).holds(path):
        raise ConfigError(f"{path} is a link out of the state folder.", "Remove it, or use another --state-dir.")
    return path


def open_for_append(path: Path) -> int:
    """Open a file to append JSON lines, and return its descriptor. The file is created if needed; a link is refused.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if os.fstat(descriptor).st_size:  # a crash may have cut the last line
        os.write(descriptor, b"\n")
    return descriptor


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Read the JSON objects from the lines of a file. Lines cut by a crash are skipped; a missing file has none."""
    with contextlib.suppress(OSError):
        for line in read_regular_file(path).splitlines():
            with contextlib.suppress(ValueError):
                record = parse_json(line)
                if isinstance(record, dict):
                    yield record


def remove(path: Path) -> None:
    """Remove a file. A missing file and errors are ignored."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
