"""Folders listed once: a plan over 200 recordings asks the file system per folder, not per file."""

from __future__ import annotations

import os
from pathlib import Path


class Listings:
    """What is in folders, read when first asked about; a folder that is not there, or cannot be listed, is empty.

    It is a view of one moment: make a new one after writing.
    """

    def __init__(self) -> None:
        self._folders: dict[Path, dict[str, os.DirEntry[str]]] = {}

    def names(self, folder: Path) -> dict[str, os.DirEntry[str]]:
        """The entries of a folder by name."""
        if (entries := self._folders.get(folder)) is None:
            entries = self._folders[folder] = _listed(folder)
        return entries

    def stat(self, path: Path) -> os.stat_result | None:
        """Of the file that is there, or that a symlink there leads to; None when there is none."""
        entry = self.names(path.parent).get(path.name)
        try:
            return entry.stat() if entry else None
        except OSError:
            return None

    def holds(self, path: Path) -> bool:
        """Whether there is anything of this name, be it a symlink to nowhere."""
        return path.name in self.names(path.parent)


def _listed(folder: Path) -> dict[str, os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name: entry for entry in entries}
    except OSError:
        return {}
