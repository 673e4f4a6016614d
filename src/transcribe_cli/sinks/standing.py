"""Whose a file is that lies where an output would go: ours, ours but edited since, or somebody else's."""

from __future__ import annotations

import hashlib
import os
import stat
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote_to_bytes, urlsplit

from transcribe_cli.sinks.head import Head, open_regular
from transcribe_cli.sources import json_safe


class Identified(Protocol):
    """A recording, or what a transcript says of it."""

    @property
    def name(self) -> str:
        """File name, JSON-safe."""

    @property
    def uri(self) -> str:
        """Where it is or was."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def modified(self) -> str | None:
        """UTC, ISO 8601."""


class Standing(StrEnum):
    """Of a file beside a transcript."""

    MISSING = "missing"
    OURS = "ours"
    EDITED = "edited"
    FOREIGN = "foreign"


def standing(path: Path, info: os.stat_result | None, head: Head | None, transcript_ns: int) -> Standing:
    """What the file at a path is to the transcript whose head this is.

    Args:
        path: of a file that is there.
        info: its status, symlinks followed; None when it leads nowhere.
        head: of the transcript beside it, if there is one.
        transcript_ns: modification time of that transcript. `commit` makes it the last of a set, so that a file that is older needs no
            reading; one that is not is compared by its hash.
    """
    listed = head.outputs.get(json_safe(path.name)) if head else None
    if info is None or listed is None or not stat.S_ISREG(info.st_mode):
        return Standing.FOREIGN
    if info.st_mtime_ns < transcript_ns or file_digest(path) == listed:
        return Standing.OURS
    return Standing.EDITED


def standing_now(path: Path, head: Head | None, transcript_ns: int) -> Standing:
    """`standing`, asking the file system now; MISSING when there is nothing."""
    if not os.path.lexists(path):
        return Standing.MISSING
    try:
        info = path.stat()
    except OSError:
        info = None
    return standing(path, info, head, transcript_ns)


def belongs_to_another(head: Head, source: Identified, folder: Path) -> bool:
    """Whether the transcript in a folder is that of another recording than this one, so that nothing may replace it.

    It is when the names differ. Away from the recording it also is when only the folders differ (`a/x.mp3` and `b/x.mp3` into one
    output folder) and that other recording is still where it was, for then the tree was not moved.
    """
    if head.name != source.name:
        return True
    if head.uri == source.uri or head.identity == (source.name, source.size, source.modified):
        return False
    ours, theirs = _local(source.uri), _local(head.uri)
    if ours is None or theirs is None or _same(ours.parent, folder):
        return False
    return theirs.exists() and not _same(ours, theirs)


def digest(data: bytes) -> str:
    """SHA-256 as `outputs` lists it."""
    return hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str | None:
    """SHA-256 of a file; None when it cannot be read."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _local(uri: str) -> Path | None:
    parts = urlsplit(uri)
    return Path(os.fsdecode(unquote_to_bytes(parts.path))) if parts.scheme == "file" else None


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False
