"""Local paths in sources: relative paths, file:// URLs, misspelled paths, and the output files of this tool."""

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
from transcribe_cli.text.credentials import shown_url
from transcribe_cli.text.printable import printable
from transcribe_cli.text.regular_files import open_regular_file

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_ONE_SLASH = re.compile(r"((?:s3|gs|gcs|az|abfs|https?|sftp|ssh|file):)/?([^/].*)")
_SIBLINGS = 5000  # maximum number of names to search for a similar one
LEASE_SUFFIX = ".transcribe-lease"
_HEADER_BYTES = 1 << 16  # of a transcript: the part before `outputs` takes 2 KiB and the length of the prompt


def local_path(source: str) -> str:
    """The local path of a source: the path of a `file://` URL, or the source itself.

    Raises:
        UsageError: a URL with another scheme or host, or an invalid file name.
    """
    path = source
    if url := _URL.match(source):
        scheme, rest = url[1].lower(), source[url.end() :]
        if scheme != "file":
            raise UsageError(f"{printable(shown_url(source))} is not a local path.", "Pass it as a separate source.")
        host, slash, rest = rest.partition("/")
        if host not in ("", "localhost"):
            raise UsageError(
                f"{printable(shown_url(source))} is on another computer.", "A local file:// URL has three slashes: file:///…"
            )
        path = os.fsdecode(unquote_to_bytes(os.fsencode(slash + rest)))
    return _check_name(path)


def absolute(path: str, folder: Path | None = None) -> Path:
    """The absolute path, not resolved. `x/..` is simplified unless x is a symlink, because then it leads to another folder."""
    full = (folder or Path.cwd()) / _check_name(path)
    if ".." not in full.parts:
        return full
    normalized = Path(os.path.normpath(full))
    return normalized if os.path.realpath(normalized) == os.path.realpath(full) else full


def not_found(path: Path) -> SourceNotFound:
    """The error for a missing path, with a suggestion if a similar path exists."""
    first_missing = path
    while first_missing.parent != first_missing and folder_identity(first_missing.parent) is None:
        first_missing = first_missing.parent
    near = _similar_name(first_missing.parent, first_missing.name)
    if url := _ONE_SLASH.match(path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else str(path)):
        meant = shown_url(f"{url[1]}//{url[2]}")
        return SourceNotFound(f"{printable(shown_url(str(path)))} does not exist.", f"Did you mean {printable(meant)}?")
    hint = f"Did you mean {printable(str(first_missing.parent / near / path.relative_to(first_missing)))}?" if near else ""
    return SourceNotFound(f"{printable(shown_url(str(path)))} does not exist.", hint)


def is_output(path: Path) -> bool:
    """Whether this tool wrote the file: a transcript, a rendering listed in the transcript next to it, a lease, or a temporary file.

    `aulas/*`, expanded by a shell, includes the outputs of earlier runs.
    """
    stem, _, extension = path.name.rpartition(".")
    if (path.name.startswith(".transcribe-") and extension == "tmp") or path.name.endswith(LEASE_SUFFIX):
        return True
    if extension not in FILE_EXTENSIONS:
        return False
    transcript = path.with_name(f"{stem}.json")
    try:
        with open_regular_file(transcript) as file:
            header = file.read(_HEADER_BYTES)
    except (OSError, ValueError):
        return False
    listed = json.dumps(json_safe(path.name), ensure_ascii=False).encode()
    return header.startswith(b'{"schema_version":') and (extension == "json" or listed in header)


def _similar_name(folder: Path, name: str) -> str | None:
    try:
        with os.scandir(folder) as entries:
            siblings = {entry.name.casefold(): entry.name for entry in islice(entries, _SIBLINGS)}
    except OSError:
        return None
    near = get_close_matches(name.casefold(), siblings, n=1)
    return siblings[near[0]] if near else None


def _check_name(path: str) -> str:
    """Return the path if it is a valid file name."""
    try:
        if b"\0" not in os.fsencode(path):
            return path
    except UnicodeEncodeError:  # half a surrogate pair, from a JSON escape
        pass
    raise UsageError(f"{printable(path)} is not a valid file name.")
