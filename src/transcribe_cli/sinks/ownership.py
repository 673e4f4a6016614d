"""Whether an existing file at the path of an output was written by this tool, was edited since, or is foreign."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote_to_bytes, urlsplit

from transcribe_cli.sinks.files import Status, files_of
from transcribe_cli.sinks.header import Header
from transcribe_cli.sources import json_safe
from transcribe_cli.storage import AnyPath, Location
from transcribe_cli.text.credentials import shown_url
from transcribe_cli.text.regular_files import open_regular_file

# In a store: a transcript that is at most this much newer than the end of its recognition was written by `commit`. Then renderings that are
# older are unedited.
_COMMIT_NS = 60_000_000_000
# A rendering of six hours has half a megabyte. A longer file is none of ours.
_MAX_BYTES, _PARALLEL_READS = 1 << 24, 32
_MAX_RENDERING_BYTES = 1 << 28


class Identified(Protocol):
    """A recording, or the description of one in a transcript."""

    @property
    def name(self) -> str:
        """File name, JSON-safe."""

    @property
    def uri(self) -> str:
        """URI where it is or was."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def digest(self) -> str | None:
        """Of the content; None if it was not computed."""

    @property
    def identity(self) -> tuple[str, int, str | None]:
        """Equal for the same, unchanged recording."""


class Ownership(StrEnum):
    """The ownership of a file next to a transcript."""

    MISSING = "missing"
    OURS = "ours"
    EDITED = "edited"
    FOREIGN = "foreign"


def ownership_of(
    path: AnyPath,
    info: Status | None,
    header: Header | None,
    transcript_ns: int,
    digest_of: Callable[[AnyPath], str | None] | None = None,
) -> Ownership:
    """The ownership of an existing file.

    Args:
        path: of the file.
        info: its status, following symlinks; None for a broken symlink.
        header: of the transcript next to it, if there is one.
        transcript_ns: modification time of that transcript. `commit` makes it the newest of a set, so an older file is not read; a newer
            one is compared by its digest.
        digest_of: returns the digest of a file. Default: reads the file.
    """
    listed = listed_for(header.outputs, path) if header else None
    if info is None or header is None or listed is None or not stat.S_ISREG(info.st_mode):
        return Ownership.FOREIGN
    is_renamed = json_safe(path.name) not in header.outputs
    if (not is_renamed and is_older(path, info, header, transcript_ns)) or (digest_of or file_digest)(path) == listed:
        return Ownership.OURS
    return Ownership.EDITED


def listed_for(listed: Mapping[str, str], path: AnyPath) -> str | None:
    """What a transcript lists for a rendering, also if that was renamed together with the recording: then only its suffix is the same."""
    if (value := listed.get(json_safe(path.name))) is not None:
        return value
    same_suffix = [value for name, value in listed.items() if name.endswith(path.suffix)]
    return same_suffix[0] if len(same_suffix) == 1 and path.suffix else None


def is_older(path: AnyPath, info: Status, header: Header, transcript_ns: int) -> bool:
    """Whether the file is unchanged since `commit`, by its time. Stores have times in whole seconds, which only the store can set."""
    if not isinstance(path, Location):
        return info.st_mtime_ns < transcript_ns
    with contextlib.suppress(ValueError, OverflowError):
        finished_ns = round(datetime.fromisoformat(header.finished_at).timestamp() * 1e9)
        return info.st_mtime_ns <= transcript_ns and abs(transcript_ns - finished_ns) <= _COMMIT_NS
    return False


def belongs_to_another(header: Header, source: Identified, folder: AnyPath) -> bool:
    """Whether the transcript in a folder belongs to another recording than this one, so that it must not be replaced.

    It does not if the content is the same. Otherwise it does if the names differ. In an output folder it also does if only the folders
    differ (`a/x.mp3` and `b/x.mp3`) and the other recording still exists, which means that the tree was not moved. For recordings in
    stores, existence is not checked: the transcript of one never replaces that of the other.
    """
    if header.digest is not None and (header.size, header.digest) == (source.size, source.digest):
        return False
    if header.name != source.name:
        return True
    if shown_url(header.uri) == shown_url(source.uri) or header.identity == source.identity:
        return False
    source_path, other_path = _local_path(source.uri), _local_path(header.uri)
    if source_path is None and other_path is None:
        return source.uri.rpartition("/")[0] != str(folder)
    if source_path is None or other_path is None or (isinstance(folder, Path) and _is_same(source_path.parent, folder)):
        return False
    return _exists(other_path) and not _is_same(source_path, other_path)


def digest(data: bytes) -> str:
    """SHA-256 as listed in `outputs`."""
    return hashlib.sha256(data).hexdigest()


def file_digests(paths: Sequence[Location]) -> list[str | None]:
    """SHA-256 of many files in one store, read in parallel; None for a missing file."""
    contents = paths[0].store.read_headers(paths, _MAX_BYTES, concurrency=_PARALLEL_READS) if paths else ()
    # Content of the maximum length may be truncated.
    return [
        None if data is None else digest(data) if len(data) < _MAX_BYTES else file_digest(path)
        for path, data in zip(paths, contents, strict=True)
    ]


def file_digest(path: AnyPath) -> str | None:
    """SHA-256 of a file; None when it cannot be read."""
    try:
        if isinstance(path, Location):
            data = files_of(path).read(path, 0, _MAX_RENDERING_BYTES + 1)
            return digest(data) if len(data) <= _MAX_RENDERING_BYTES else None
        with open_regular_file(path) as file:
            if os.fstat(file.fileno()).st_size > _MAX_RENDERING_BYTES:
                return None
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def modified_ns(path: AnyPath) -> int:
    """Modification time of a file, in nanoseconds since 1970; 0 when it does not exist."""
    status = files_of(path).status(path)
    return status.st_mtime_ns if status else 0


def _local_path(uri: str) -> Path | None:
    """The path of a file:// URL, which may be from a transcript that somebody else wrote; None for any other or no valid URL."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    return Path(os.fsdecode(unquote_to_bytes(parts.path))) if parts.scheme == "file" else None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # the name is too long or contains a NUL
        return False


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False
