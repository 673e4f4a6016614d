"""Walks a folder for recordings: recursively, in natural order, each folder once. Folders that cannot be listed are reported.

`os.walk` with `followlinks` returned every file 41 times for one circular symlink, and silently skips unreadable folders.
"""

from __future__ import annotations

import os
import re
import stat
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from transcribe_cli.sources.recording import MEDIA_SUFFIXES
from transcribe_cli.text.links import Links, Tree


class PathFilter(Protocol):
    """Selects paths below the top of a walk."""

    def matches(self, relative: str) -> bool:
        """Whether the file is selected."""

    def should_enter(self, relative: str) -> bool:
        """Whether the folder may contain selected files."""


@dataclass(frozen=True)
class WalkEntry:
    """A file or folder in a walk.

    Attributes:
        path: the path through symlinks.
        real: the path without symlinks.
        relative: POSIX path below the top; "" for the top.
        error: the error of listing the folder.
    """

    path: str
    real: str
    relative: str
    error: OSError | None = None

    def below(self, entry: os.DirEntry[str]) -> WalkEntry:
        """An entry of this folder. Only symlinks need a system call."""
        real = os.path.realpath(entry.path) if entry.is_symlink() else f"{self.real.rstrip('/')}/{entry.name}"
        return WalkEntry(entry.path, real, f"{self.relative}/{entry.name}" if self.relative else entry.name)


def is_media(name: str) -> bool:
    """Whether the extension is one of audio or video."""
    return Path(name).suffix.lower() in MEDIA_SUFFIXES


def walk(
    top: Path,
    path_filter: PathFilter,
    links: Links,
    tree: Tree | None,
    is_wanted: Callable[[str], bool] = is_media,
) -> Iterator[WalkEntry]:
    """Yield the media files below a folder, one listing at a time: its files, then its subfolders, each in natural order.

    Hidden files and folders are skipped. Each folder is entered once, whichever path leads to it. Folders behind symlinks come last,
    so that files are found under their own names. A folder that cannot be listed is yielded with its `error`. Symlinks that lead out
    of the tree are not followed, but recorded in `links`; a broken one is yielded wherever it leads.

    Args:
        top: the folder.
        path_filter: selects files and folders by their path below the top.
        links: receives the symlinks that are not followed.
        tree: the top or a folder above it; None if symlinks may lead anywhere.
        is_wanted: selects files by their name.
    """
    seen: set[tuple[int, int]] = set()
    pending = [WalkEntry(str(top), os.path.realpath(top), "")]
    linked: deque[WalkEntry] = deque()
    while pending or linked:
        folder = pending.pop() if pending else linked.popleft()
        try:
            if (identity := _identity(Path(folder.path))) in seen:
                continue
            seen.add(identity)
            entries = sorted_entries(folder.path)
        except OSError as error:
            yield WalkEntry(folder.path, folder.real, folder.relative, error)
            continue
        subfolders: list[WalkEntry] = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            below, enters = folder.below(entry), is_folder(entry)
            if not (path_filter.should_enter if enters else path_filter.matches)(below.relative):
                continue
            if not enters and not is_wanted(entry.name):
                continue
            if entry.is_symlink() and _leads_out(below, tree):
                links.skip(below.path)
            elif enters:
                (linked if entry.is_symlink() else subfolders).append(below)
            else:
                yield below
        pending.extend(reversed(subfolders))


def sorted_entries(folder: str) -> list[os.DirEntry[str]]:
    """The entries of a folder in natural order.

    Raises:
        OSError: the folder cannot be listed.
    """
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: natural_key(entry.name))


def natural_key(name: str) -> tuple[list[str | int], str]:
    """A sort key that puts `aula 2` before `aula 10`, ignoring case."""
    parts = re.split(r"(\d{1,300})", name.casefold())  # int() refuses thousands of digits, which the name of an object may have
    # Text and numbers alternate, so that keys are comparable. The name breaks the tie between `a 1` and `A 01`.
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], name


def _leads_out(link: WalkEntry, tree: Tree | None) -> bool:
    """Whether an unbroken symlink leads out of the tree."""
    return tree is not None and not tree.holds_real(link.real) and os.path.exists(link.path)  # noqa: PTH110 - does not raise


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether the entry is a folder or a symlink to one."""
    try:
        return entry.is_dir()
    except OSError:  # a circular symlink, or one into a folder without search permission
        return False


def folder_identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of a folder, equal for all paths to it. None if it is not a folder or cannot be accessed."""
    try:
        return _identity(path)
    except OSError:
        return None


def _identity(path: Path) -> tuple[int, int]:
    info = path.stat()
    if not stat.S_ISDIR(info.st_mode):
        raise NotADirectoryError
    return info.st_dev, info.st_ino
