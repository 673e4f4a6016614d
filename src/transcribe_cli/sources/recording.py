"""A recording: its path, its identity, and the problems that are known before it is opened."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath, PurePosixPath
from typing import Any
from urllib.parse import quote

from transcribe_cli.errors import RecordingError, TranscribeError, Unreadable
from transcribe_cli.storage import AnyPath, Entry, Location, relative_path
from transcribe_cli.text.links import Tree
from transcribe_cli.text.printable import printable

# Formats that ffmpeg reads and our decoder allows (`audio/container.py`). No playlists (m3u8, pls, cue): they name other files.
_AUDIO = """mp3 mp2 mpga m4a m4b m4r aac adts ogg oga opus spx wav wave w64 flac wma aif aiff aifc caf au snd voc sph amr awb 3ga gsm
 qcp dss ac3 eac3 dts dtshd thd mlp ape wv tta tak shn mpc dsf mka ra oma"""
_VIDEO = """mp4 m4v mov qt mkv webm avi divx wmv asf flv f4v mpg mpeg mpe vob ts mts m2ts m2t 3gp 3g2 ogv ogm mxf gxf dv
 rm rmvb nut"""
MEDIA_SUFFIXES = frozenset(f".{suffix}" for suffix in f"{_AUDIO} {_VIDEO}".split())

_ESCAPED = re.compile(rb"\\x([89a-f][0-9a-f])")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KINDS = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"))


@dataclass(frozen=True)
class Recording:
    """A file to transcribe.

    Attributes:
        path: absolute, but not resolved: outputs are written next to a symlink, not next to its target. A location if the recording is
            in a bucket, on a server or in an archive.
        root: the source folder, which `--output-dir` mirrors; for a single file, its parent.
        size: bytes.
        modified: UTC, ISO 8601 with microseconds and Z; "" if unknown.
        etag: the checksum or version of the content in its store; None for local files.
        md5: MD5 of the content in hex, if the store returns it.
        overrides: the fields of JobSpec that its manifest line sets.
        problem: the reason why it will fail. If set, only the path is reliable.
        tree: where the end of its path, and of the files beside it, must be; None in a store, or if symlinks may lead anywhere.
        digest: of its content; None unless it was compared with that of a transcript.
    """

    path: AnyPath
    root: AnyPath
    size: int = 0
    modified: str = ""
    etag: str | None = None
    md5: str | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict, hash=False)
    problem: RecordingError | None = None
    tree: Tree | None = field(default=None, compare=False)
    digest: str | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        r"""File name with its extension, safe for JSON: undecodable bytes as \xNN."""
        return json_safe(self.path.name)

    @property
    def uri(self) -> str:
        """file:// and the path, percent-encoded from its bytes; or the URL, without credentials and query."""
        return self.path.uri if isinstance(self.path, Location) else "file://" + quote(os.fsencode(self.path))

    @property
    def identity(self) -> tuple[str, int, str]:
        """Name, size, and etag or modification time; equal as long as the recording is unchanged."""
        return self.name, self.size, self.etag or self.modified

    def with_entry(self, entry: Entry) -> Recording:
        """The recording with the metadata of its store."""
        return replace(self, size=entry.size or 0, modified=entry.modified, etag=entry.etag, md5=entry.md5, digest=None)

    @property
    def relative(self) -> PurePath:
        """The path below `root`."""
        return relative_path(self.path, self.root)

    @property
    def label(self) -> str:
        """The path below `root`, safe for JSON: the name in messages and events."""
        return json_safe(self.relative.as_posix())


def json_safe(name: str) -> str:
    r"""Convert a file name to text that every JSON reader accepts: undecodable bytes (lone surrogates, PEP 383) become \xNN."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def from_json_safe(name: str) -> str:
    r"""Invert `json_safe`. A literal backslash, x and two digits in a name are decoded as a byte, too."""
    return os.fsdecode(_ESCAPED.sub(lambda escape: bytes.fromhex(escape[1].decode()), name.encode()))


def examine(path: Path, root: Path, overrides: Mapping[str, Any]) -> Recording:
    """The recording at this absolute path. Errors are stored as its `problem`, not raised."""
    recording = Recording(path, root, overrides=overrides)
    name = printable(recording.name)
    try:
        info = path.stat()
        readable = os.access(path, os.R_OK, effective_ids=True)
    except OSError as error:
        return replace(recording, problem=Unreadable(f"{name} {_describe(path, error)}."))
    if not stat.S_ISREG(info.st_mode):
        kind = next((words for test, words in _KINDS if test(info.st_mode)), "a device")
        return replace(recording, problem=Unreadable(f"{name} is {kind}, not a regular file."))
    if not readable:
        return replace(recording, problem=Unreadable(f"{name} cannot be read (Permission denied).", "Check its permissions."))
    return replace(recording, size=info.st_size, modified=_iso(info.st_mtime_ns))


def unusable(folder: AnyPath, place: str, error: TranscribeError) -> Recording:
    """What leads to no recording, as a recording that fails: the invalid line of a list, the broken link of a page.

    Its name in `folder` is the place where it stands: `aulas.jsonl, line 3`.
    """
    name = PurePosixPath(json_safe(place)).name.replace("\0", "")
    return Recording(folder / name, folder, problem=Unreadable(error.message, error.hint))


def refresh(recording: Recording) -> Recording:
    """The recording with its current size, modification time and etag.

    Raises:
        OSError: the file does not exist any more.
        StorageNotReady: its store cannot be used.
    """
    if isinstance(recording.path, Location):
        return recording.with_entry(recording.path.store.info(recording.path))
    info = recording.path.stat()
    return replace(recording, size=info.st_size, modified=_iso(info.st_mtime_ns), digest=None)


def unlistable_folder(folder: Path, root: Path, error: OSError) -> Recording:
    """A folder that cannot be listed, as a recording that fails. Otherwise, its contents would be missing silently."""
    message = f"The folder {printable(str(folder))} cannot be listed ({error.strerror})."
    return Recording(folder, root, problem=Unreadable(message, "Check its permissions, or skip it with --exclude."))


def _describe(path: Path, error: OSError) -> str:
    if not isinstance(error, FileNotFoundError):
        return f"cannot be read ({error.strerror})"
    if path.is_symlink():
        return f"is a symbolic link to {printable(str(path.readlink()))}, which does not exist"
    return "does not exist"


def _iso(nanoseconds: int) -> str:
    try:
        moment = _EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:  # file systems may have years beyond the range of datetime
        moment = datetime.max.replace(tzinfo=UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
