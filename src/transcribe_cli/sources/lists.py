"""Lists and manifests: files that name one recording per line.

A list has paths, as printed by `find` or `ls`, separated by newlines or NUL. A manifest has JSON lines: {"uri": …, "language": …}.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from transcribe_cli.errors import SourceNotFound, UsageError
from transcribe_cli.spec import JobSpec
from transcribe_cli.storage import Location, Options, is_url, locate
from transcribe_cli.text.printable import printable
from transcribe_cli.text.regular_files import read_regular_file

# The fields that may differ between the recordings of a run. Not the model, because a run loads one.
OVERRIDES = ("language", "languages", "task", "initial_prompt", "hotwords", "audio_track", "channels")


@dataclass(frozen=True)
class Line:
    """A line that names a recording, a folder or a URL.

    Attributes:
        number: from 1.
        text: the path or URL; "" if there is an error.
        overrides: the fields of JobSpec that it sets.
        error: why the line is not valid. The recordings of the other lines do not depend on it.
    """

    number: int
    text: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    error: UsageError | None = None


def list_lines(data: bytes) -> Iterator[Line]:
    """The paths of a list.

    If the data contains NUL, paths are separated by NUL and used unchanged. Otherwise, blank lines and `#` comments are skipped.
    """
    if b"\0" in data:
        yield from (Line(number, os.fsdecode(name)) for number, name in enumerate(data.split(b"\0"), 1) if name)
        return
    for number, line in _lines(data):
        if not line.startswith(b"#"):
            yield Line(number, os.fsdecode(line))


def manifest_lines(data: bytes, manifest: str) -> list[Line]:
    """The lines of a manifest of this name. One that is not such an object, or has an invalid key or value, has an error.

    Raises:
        UsageError: no line is valid, so that this is probably not a manifest. The error is that of the first line.
    """
    lines = [_parse_line(number, line, f"{manifest}, line {number}") for number, line in _lines(data)]
    errors = [line.error for line in lines if line.error]
    if errors and len(errors) == len(lines):
        raise errors[0]
    return lines


def read_bytes(source: str, kind: str, storage: Options) -> bytes:
    """Read a list or manifest from a path or URL.

    Raises:
        SourceNotFound: it does not exist.
        UsageError: it cannot be read.
        NotReady: its store cannot be used.
    """
    path = locate(source, storage) if is_url(source) else Path(source)
    try:
        return path.store.read(path) if isinstance(path, Location) else read_regular_file(path)
    except FileNotFoundError as error:
        raise SourceNotFound(f"The {kind} {printable(str(path))} does not exist.") from error
    except OSError as error:
        hint = "Read it from standard input: transcribe run - < …" if kind == "list" else ""
        raise UsageError(f"The {kind} {printable(str(path))} cannot be read ({error.strerror}).", hint) from error


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if line.strip():
            yield number, line.removesuffix(b"\r")


def _parse_line(number: int, line: bytes, line_name: str) -> Line:
    try:
        return Line(number, *_parse_entry(line, line_name))
    except UsageError as error:
        return Line(number, "", error=error)


def _parse_entry(line: bytes, line_name: str) -> tuple[str, dict[str, Any]]:
    try:
        # A path may contain bytes that are not UTF-8; they are decoded as by os.fsdecode.
        entry = json.loads(line.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        hint = 'Each line is an object such as {"uri": "aula.mp3", "language": "pt"}.'
        raise UsageError(f"{line_name} is not JSON ({error}).", hint) from error
    if not isinstance(entry, dict) or not isinstance(entry.get("uri"), str) or not entry["uri"]:
        raise UsageError(f"{line_name} has no recording.", 'Each line needs a "uri": a path or a URL.')
    uri = entry.pop("uri")
    for key in entry:
        if key not in OVERRIDES:
            near = get_close_matches(key, ("uri", *OVERRIDES), n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Allowed keys: uri, {', '.join(OVERRIDES)}."
            raise UsageError(f"{line_name} has an unknown key {printable(key)!r}.", hint)
    return uri, _validate(entry, line_name)


def _validate(overrides: dict[str, Any], line_name: str) -> dict[str, Any]:
    """The values validated by JobSpec. `plan` checks that they are consistent with the run's spec."""
    try:
        spec = JobSpec(model="small", **overrides)  # a model that supports every task
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = printable(first["msg"].removeprefix("Value error, "))
        raise UsageError(f"{line_name}: {f'{key}: ' if key else ''}{message}.") from error
    return {key: getattr(spec, key) for key in overrides}
