"""Lists and manifests: recordings named in a file, a line each.

A list is what `find` or `ls` print: paths, also with NUL between them. A manifest is JSON lines: {"uri": …, "language": …}.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from transcribe_cli.errors import SourceNotFound, UsageError
from transcribe_cli.spec import JobSpec
from transcribe_cli.storage import Location, Options, is_url, locate
from transcribe_cli.text.printable import printable

# What may differ between the recordings of one run: not the model, of which one is loaded.
OVERRIDES = ("language", "languages", "task", "initial_prompt", "hotwords", "audio_track", "channels")


def list_lines(data: bytes) -> Iterator[tuple[int, str]]:
    """The paths of a list with their line numbers.

    With a NUL anywhere, NUL separates and every name is taken as it is; otherwise blank lines and `#` comments are left out.
    """
    if b"\0" in data:
        yield from ((number, os.fsdecode(name)) for number, name in enumerate(data.split(b"\0"), 1) if name)
        return
    for number, line in _lines(data):
        if not line.startswith(b"#"):
            yield number, os.fsdecode(line)


def manifest_lines(data: bytes, manifest: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Line number, URI and overrides of each line of a manifest of this name.

    Raises:
        UsageError: a line is not such an object, or has a key or value that cannot be meant; it says which line.
    """
    for number, line in _lines(data):
        yield (number, *_entry(line, f"{manifest}, line {number}"))


def read_bytes(source: str, kind: str, storage: Options) -> bytes:
    """The whole list or manifest, from a path or URL.

    Raises:
        SourceNotFound: it is not there.
        UsageError: it cannot be read.
        NotReady: its store cannot be used.
    """
    place = locate(source, storage) if is_url(source) else Path(source)
    try:
        return place.store.read(place) if isinstance(place, Location) else place.read_bytes()
    except FileNotFoundError as error:
        raise SourceNotFound(f"The {kind} {printable(str(place))} is not there.") from error
    except OSError as error:
        raise UsageError(f"The {kind} {printable(str(place))} cannot be read ({error.strerror}).") from error


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if line.strip():
            yield number, line.removesuffix(b"\r")


def _entry(line: bytes, where: str) -> tuple[str, dict[str, Any]]:
    try:
        # A path may hold bytes that are not UTF-8; they travel as os.fsdecode would have them.
        entry = json.loads(line.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        hint = 'Each line is an object such as {"uri": "aula.mp3", "language": "pt"}.'
        raise UsageError(f"{where} is not JSON ({error}).", hint) from error
    if not isinstance(entry, dict) or not isinstance(entry.get("uri"), str) or not entry["uri"]:
        raise UsageError(f"{where} names no recording.", 'Each line needs a "uri": a path or a URL.')
    uri = entry.pop("uri")
    for key in entry:
        if key not in OVERRIDES:
            near = get_close_matches(key, ("uri", *OVERRIDES), n=1)
            hint = f"Did you mean {near[0]}?" if near else f"A line may set: {', '.join(OVERRIDES)}."
            raise UsageError(f"{where}: there is no key {printable(key)!r}.", hint)
    return uri, _validated(entry, where)


def _validated(overrides: dict[str, Any], where: str) -> dict[str, Any]:
    """The values as JobSpec has them. Whether they suit the rest of the run's spec is for `plan` to say."""
    try:
        spec = JobSpec(model="small", **overrides)  # a model that can do every task
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = printable(first["msg"].removeprefix("Value error, "))
        raise UsageError(f"{where}: {f'{key}: ' if key else ''}{message}.") from error
    return {key: getattr(spec, key) for key in overrides}
