"""Lists an archive that others made. fsspec calls itself for each folder of a name, and reads the index of a tar again for each folder.

A name of 64 KiB has 32,767 folders, whose names take a gigabyte; 100,000 folders of a tar took hours.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MethodType
from typing import Any

# Folders above a file that are listed as such. The file is found at any depth.
MAX_DEPTH = 256


def list_at_once(fs: Any) -> None:
    """Let an archive's file system list all names in one pass."""
    from fsspec.implementations.zip import ZipFileSystem

    fs._all_dirnames = folders_above
    fs.find = MethodType(ZipFileSystem.find, fs)


def folders_above(names: Iterable[str]) -> set[str]:
    """The names of all folders above some files and folders, without those of files that are too deep."""
    found: set[str] = set()
    for name in names:
        folder = name.strip("/")
        if folder.count("/") > MAX_DEPTH:
            continue
        while (folder := folder.rpartition("/")[0].rstrip("/")) and folder not in found:
            found.add(folder)
    return found
