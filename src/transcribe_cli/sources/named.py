"""Paths as users write them: relative or as URLs, mistyped, or naming what this tool wrote itself."""

from __future__ import annotations

import json
import os
import re
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from urllib.parse import unquote_to_bytes

from transcribe_cli.errors import SourceNotFound, UsageError
from transcribe_cli.registry import FILE_EXTENSIONS
from transcribe_cli.sources.recording import json_safe
from transcribe_cli.sources.walk import folder_identity
from transcribe_cli.text.printable import printable

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_ONE_SLASH = re.compile(r"((?:s3|gs|gcs|az|abfs|https?|sftp|ssh|file):)/?([^/].*)")
_SIBLINGS = 5000  # names that are searched for the one that was meant; more would take longer than it helps
LEASE_SUFFIX = ".transcribe-lease"
_HEAD_BYTES = 1 << 16  # of a transcript: what comes before `outputs` takes 2 KiB, and a prompt


def path_of(source: str) -> str:
    """The local path that a source means: what a `file://` URL says, anything else as it is.

    Raises:
        UsageError: a URL of another kind or host, or what cannot be the name of a file.
    """
    path = source
    if url := _URL.match(source):
        scheme, rest = url[1].lower(), source[url.end() :]
        if scheme != "file":
            raise UsageError(f"{printable(source)} is no path of this computer.", "Name it as a source of its own.")
        host, slash, rest = rest.partition("/")
        if host not in ("", "localhost"):
            raise UsageError(
                f"{printable(source)} is on another computer.", "A file:// URL of this one has three slashes: file:///…"
            )
        path = os.fsdecode(unquote_to_bytes(os.fsencode(slash + rest)))
    return _possible(path)


def absolute(path: str, folder: Path | None = None) -> Path:
    """The path from the root, symlinks kept; `x/..` goes where the file system would go, which differs when x is a symlink."""
    full = (folder or Path.cwd()) / _possible(path)
    if ".." not in full.parts:
        return full
    plain = Path(os.path.normpath(full))
    return plain if os.path.realpath(plain) == os.path.realpath(full) else full


def missing(path: Path) -> SourceNotFound:
    """The error for a path that is not there, with the name that was probably meant."""
    gone = path
    while gone.parent != gone and folder_identity(gone.parent) is None:
        gone = gone.parent
    near = _nearest(gone.parent, gone.name)
    if url := _ONE_SLASH.match(path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else str(path)):
        return SourceNotFound(f"{printable(str(path))} is not there.", f"Did you mean {url[1]}//{printable(url[2])}?")
    hint = f"Did you mean {printable(str(gone.parent / near / path.relative_to(gone)))}?" if near else ""
    return SourceNotFound(f"{printable(str(path))} is not there.", hint)


def is_ours(path: Path) -> bool:
    """Whether this tool wrote the file: a transcript, a rendering that the transcript beside it lists, a lease, or a temporary file.

    `aulas/*`, expanded by a shell, names yesterday's outputs too.
    """
    stem, _, ending = path.name.rpartition(".")
    if (path.name.startswith(".transcribe-") and ending == "tmp") or path.name.endswith(LEASE_SUFFIX):
        return True
    if ending not in FILE_EXTENSIONS:
        return False
    transcript = path.with_name(f"{stem}.json")
    try:
        if not transcript.is_file():  # opening a named pipe would wait
            return False
        with transcript.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError):
        return False
    listed = json.dumps(json_safe(path.name), ensure_ascii=False).encode()
    return head.startswith(b'{"schema_version":') and (ending == "json" or listed in head)


def _nearest(folder: Path, name: str) -> str | None:
    try:
        with os.scandir(folder) as entries:
            siblings = {entry.name.casefold(): entry.name for entry in islice(entries, _SIBLINGS)}
    except OSError:
        return None
    near = get_close_matches(name.casefold(), siblings, n=1)
    return siblings[near[0]] if near else None


def _possible(path: str) -> str:
    """The path, when a file can be called so."""
    try:
        if b"\0" not in os.fsencode(path):
            return path
    except UnicodeEncodeError:  # half a surrogate pair, from a JSON escape
        pass
    raise UsageError(f"{printable(path)} cannot be the name of a file.")
