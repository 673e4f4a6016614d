"""Whose a file is that lies where an output would go: ours, ours but edited since, or somebody else's."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote_to_bytes, urlsplit

from transcribe_cli.sinks.files import Status, files_of
from transcribe_cli.sinks.header import Header
from transcribe_cli.sources import json_safe
from transcribe_cli.storage import AnyPath, Location

# In a store, a transcript so much younger than its end of recognition was written by `commit`, and no rendering that is older by an edit.
_COMMIT_NS = 60_000_000_000
# A rendering of six hours has half a megabyte.
_WHOLE_BYTES, _SIDE_BY_SIDE = 1 << 24, 32


class Identified(Protocol):
    """A recording, or what a transcript says of it."""

    @property
    def name(self) -> str:
        """File name, JSON-safe."""

    @property
    def uri(self) -> str:
        """Where it is or was."""

    @property
    def identity(self) -> tuple[str, int, str | None]:
        """Equal as long as it is the same, unchanged."""


class Ownership(StrEnum):
    """Of a file beside a transcript."""

    MISSING = "missing"
    OURS = "ours"
    EDITED = "edited"
    FOREIGN = "foreign"


def ownership_of(
    path: AnyPath,
    info: Status | None,
    head: Header | None,
    transcript_ns: int,
    digest_of: Callable[[AnyPath], str | None] | None = None,
) -> Ownership:
    """What the file at a path is to the transcript whose head this is.

    Args:
        path: of a file that is there.
        info: its status, symlinks followed; None when it leads nowhere.
        head: of the transcript beside it, if there is one.
        transcript_ns: modification time of that transcript. `commit` makes it the last of a set, so that a file that is older needs no
            reading; one that is not is compared by its hash.
        digest_of: tells that; None reads the file.
    """
    listed = head.outputs.get(json_safe(path.name)) if head else None
    if info is None or listed is None or not stat.S_ISREG(info.st_mode):
        return Ownership.FOREIGN
    if (head and is_older(path, info, head, transcript_ns)) or (digest_of or file_digest)(path) == listed:
        return Ownership.OURS
    return Ownership.EDITED


def is_older(path: AnyPath, info: Status, head: Header, transcript_ns: int) -> bool:
    """Whether it is as `commit` left it, by its time. Times of stores are of whole seconds, and nobody but the store can set them."""
    if not isinstance(path, Location):
        return info.st_mtime_ns < transcript_ns
    with contextlib.suppress(ValueError):
        finished_ns = round(datetime.fromisoformat(head.finished_at).timestamp() * 1e9)
        return info.st_mtime_ns <= transcript_ns and abs(transcript_ns - finished_ns) <= _COMMIT_NS
    return False


def belongs_to_another(head: Header, source: Identified, folder: AnyPath) -> bool:
    """Whether the transcript in a folder is that of another recording than this one, so that nothing may replace it.

    It is when the names differ. Away from the recording it also is when only the folders differ (`a/x.mp3` and `b/x.mp3` into one
    output folder) and that other recording is still where it was, for then the tree was not moved. Of two recordings in stores it is
    not asked whether it is: the transcript of one is then never replaced by that of the other.
    """
    if head.name != source.name:
        return True
    if head.uri == source.uri or head.identity == source.identity:
        return False
    ours, theirs = _local(source.uri), _local(head.uri)
    if ours is None and theirs is None:
        return source.uri.rpartition("/")[0] != str(folder)
    if ours is None or theirs is None or (isinstance(folder, Path) and _same(ours.parent, folder)):
        return False
    return theirs.exists() and not _same(ours, theirs)


def digest(data: bytes) -> str:
    """SHA-256 as `outputs` lists it."""
    return hashlib.sha256(data).hexdigest()


def file_digests(paths: Sequence[Location]) -> list[str | None]:
    """SHA-256 of many files in one store, read side by side; None for what is not there."""
    found = paths[0].store.read_headers(paths, _WHOLE_BYTES, concurrency=_SIDE_BY_SIDE) if paths else ()
    # What fills the room may be longer.
    return [
        None if data is None else digest(data) if len(data) < _WHOLE_BYTES else file_digest(path)
        for path, data in zip(paths, found, strict=True)
    ]


def file_digest(path: AnyPath) -> str | None:
    """SHA-256 of a file; None when it cannot be read."""
    try:
        if isinstance(path, Location):
            return digest(files_of(path).read(path))
        if not path.is_file():  # a named pipe would be waited for
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def modified_ns(path: AnyPath) -> int:
    """When a file was written last, in nanoseconds since 1970; 0 when it is not there."""
    status = files_of(path).status(path)
    return status.st_mtime_ns if status else 0


def _local(uri: str) -> Path | None:
    parts = urlsplit(uri)
    return Path(os.fsdecode(unquote_to_bytes(parts.path))) if parts.scheme == "file" else None


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False
