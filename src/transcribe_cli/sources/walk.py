"""A folder's recordings: recursive, in natural order, each folder once, and what cannot be listed said.

`os.walk` with `followlinks` gave every file 41 times for one symlink that leads in a circle, and passes over a folder that it may
not read without a word.
"""

from __future__ import annotations

import os
import re
import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from transcribe_cli.sources.recording import MEDIA_SUFFIXES


class Wanted(Protocol):
    """What a walk asks about paths below its top."""

    def wants(self, relative: str) -> bool:
        """Whether the file is wanted."""

    def enters(self, relative: str) -> bool:
        """Whether the folder may hold wanted files."""


@dataclass(frozen=True)
class Visited:
    """A file or folder that a walk came by.

    Attributes:
        path: as it was reached.
        real: without symlinks.
        relative: POSIX path below the top; "" for the top.
        error: why the folder could not be listed.
    """

    path: str
    real: str
    relative: str
    error: OSError | None = None

    def below(self, entry: os.DirEntry[str]) -> Visited:
        """The entry of this folder; only a symlink costs a look at the file system."""
        real = os.path.realpath(entry.path) if entry.is_symlink() else f"{self.real.rstrip('/')}/{entry.name}"
        return Visited(entry.path, real, f"{self.relative}/{entry.name}" if self.relative else entry.name)


def walk(top: Path, wanted: Wanted) -> Iterator[Visited]:
    """Media files below a folder, one listing at a time: its files, then its subfolders, each in natural order.

    Hidden files and folders are left out. Folders behind symlinks come after all others: a folder that was entered is not entered
    again, whichever way leads back to it, and its files should be found under their own names. A folder that cannot be listed
    is given too, with its `error`.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [Visited(str(top), os.path.realpath(top), "")]
    links: deque[Visited] = deque()
    while waiting or links:
        folder = waiting.pop() if waiting else links.popleft()
        try:
            if (identity := _identity(Path(folder.path))) in seen:
                continue
            seen.add(identity)
            entries = ordered(folder.path)
        except OSError as error:
            yield Visited(folder.path, folder.real, folder.relative, error)
            continue
        subfolders: list[Visited] = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            below = folder.below(entry)
            if is_folder(entry):
                if wanted.enters(below.relative):
                    (links if entry.is_symlink() else subfolders).append(below)
            elif is_media(entry.name) and wanted.wants(below.relative):
                yield below
        waiting.extend(reversed(subfolders))


def ordered(folder: str) -> list[os.DirEntry[str]]:
    """The entries of a folder in natural order.

    Raises:
        OSError: it cannot be listed.
    """
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: natural(entry.name))


def natural(name: str) -> tuple[list[str | int], str]:
    """A sort key that puts `aula 2` before `aula 10`, whatever the case."""
    parts = re.split(r"(\d+)", name.casefold())
    # Text and numbers alternate, so that keys compare; the name itself decides between `a 1` and `A 01`.
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], name


def is_media(name: str) -> bool:
    """Whether the extension says audio or video."""
    return Path(name).suffix.lower() in MEDIA_SUFFIXES


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether the entry is a folder or a symlink to one."""
    try:
        return entry.is_dir()
    except OSError:  # a symlink in a circle, or behind a folder that may not be searched
        return False


def folder_identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of a folder, equal for all ways to it; None when it is no folder or cannot be asked."""
    try:
        return _identity(path)
    except OSError:
        return None


def _identity(path: Path) -> tuple[int, int]:
    info = path.stat()
    if not stat.S_ISDIR(info.st_mode):
        raise NotADirectoryError
    return info.st_dev, info.st_ino
