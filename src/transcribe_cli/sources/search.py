"""`find`: every source in the order given, every file once. URLs of other places than this machine are `remote`'s."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from transcribe_cli.errors import SourceNotFound, UsageError
from transcribe_cli.sources.lists import list_lines, manifest_lines, read_bytes
from transcribe_cli.sources.named import absolute, is_ours, missing, path_of
from transcribe_cli.sources.patterns import MAGIC, Filter, expand, split_glob
from transcribe_cli.sources.recording import Recording, examine, unlisted
from transcribe_cli.sources.remote import ListingRecorder, remote
from transcribe_cli.sources.walk import folder_identity, is_media, walk
from transcribe_cli.storage import AnyPath, Location, Options, is_url, locate
from transcribe_cli.text.printable import printable


def find_recordings(
    sources: Sequence[str],
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    stdin: BinaryIO | None = None,
    storage: Options | None = None,
    listings: ListingRecorder | None = None,
) -> Iterator[Recording]:
    """The recordings that the sources name, lazily, each file once.

    A source is a path or URL of a file (whatever its extension) or of a folder (recursive; media files only), a glob, `@list`, `-`
    for such a list on standard input, or a manifest (`*.jsonl`). A path that exists is never read as anything else. `storage` is how
    URLs other than `file://` are reached, `listings` hears what is listed there.

    Order: sources as given; in a folder its files in natural order, then its subfolders. What was reached through a symlink comes
    last of all, because the same file may still turn up under its own name, which then counts.

    `include` and `exclude` (see `Filter`) hold for folders, globs, lists and manifests, not for files typed by themselves. Hidden
    files, outputs and temporary files of this tool are left out.

    Raises:
        SourceNotFound: a path that is not there, or a glob without a match. In a list or manifest that is a `problem`.
        UsageError: a URL that is not supported; a line of a manifest; one file with two different settings.
        NotReady: a store that cannot be listed, or whose library is missing.
    """
    wanted = Filter(include, exclude)
    once = _Once()
    for source in sources:
        for found in _from_source(source, wanted, stdin, storage or {}, listings):
            if once.admits(found):
                yield found.recording()
    for found in once.held_back():
        yield found.recording()


@dataclass(frozen=True)
class _Found:
    """A way to a file. `real` is the path without symlinks; `error` why a folder could not be listed."""

    path: Path
    root: Path
    real: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    error: OSError | None = None

    def recording(self) -> Recording:
        if self.error is not None:
            return unlisted(self.path, self.root, self.error)
        return examine(self.path, self.root, self.overrides)


@dataclass(frozen=True)
class _Listed:
    """A recording that a listing told of; stores have no symlinks."""

    found: Recording

    @property
    def path(self) -> AnyPath:
        return self.found.path

    @property
    def real(self) -> str:
        return self.found.uri

    @property
    def overrides(self) -> Mapping[str, Any]:
        return self.found.overrides

    def recording(self) -> Recording:
        return self.found


class _Once:
    """Each file once: the first way to it counts, but its own name before any symlink. Hard links are files of their own."""

    def __init__(self) -> None:
        self._seen: dict[str, _Found | _Listed] = {}
        self._linked: list[_Found | _Listed] = []
        self._roots: dict[Path, Path] = {}

    def admits(self, found: _Found | _Listed) -> bool:
        """Whether this is a new file; one reached through a symlink is held back."""
        if self._is_linked(found):
            self._linked.append(found)
            return False
        return self._is_new(found)

    def held_back(self) -> Iterator[_Found | _Listed]:
        """What was reached only through symlinks."""
        return (found for found in self._linked if self._is_new(found))

    def _is_linked(self, found: _Found | _Listed) -> bool:
        """Whether a symlink lies between root and path; one above the root is how the user sees the whole tree."""
        if isinstance(found, _Listed):
            return False
        if (root := self._roots.get(found.root)) is None:
            root = self._roots[found.root] = Path(os.path.realpath(found.root))
        return found.error is None and found.real != os.path.normpath(root / found.path.relative_to(found.root))

    def _is_new(self, found: _Found | _Listed) -> bool:
        first = self._seen.setdefault(found.real, found)
        if found.overrides and found.overrides != first.overrides:
            message = f"{printable(str(found.path))} is named twice, with different settings."
            raise UsageError(message, "Name it once, or its manifest before its folder.")
        return first is found


def _from_source(
    source: str, wanted: Filter, stdin: BinaryIO | None, storage: Options, listings: ListingRecorder | None
) -> Iterator[_Found | _Listed]:
    if not source:
        raise UsageError("A source is empty.", "An unset variable perhaps? Use . for the current folder.")
    if source == "-":
        return _from_list(_standard_input(stdin), "the list on standard input", wanted, storage)
    if os.path.lexists(source):
        is_manifest = source.endswith(".jsonl") and folder_identity(Path(source)) is None
        return _from_manifest(source, wanted, storage) if is_manifest else _from_path(absolute(source), wanted)
    if source.startswith("@"):
        return _from_list(read_bytes(source[1:], "list", storage), printable(source[1:]), wanted, storage)
    if is_url(source):
        if source.endswith(".jsonl"):
            return _from_manifest(source, wanted, storage)
        return _listed(remote(source, wanted, storage, listings=listings))
    path = path_of(source)
    if path == source and MAGIC.search(source):
        return _from_glob(source, wanted)
    if not os.path.lexists(path):
        raise missing(Path(path))
    return _from_path(absolute(path), wanted)


def _from_path(path: Path, wanted: Filter) -> Iterator[_Found]:
    """A file that was typed, or a folder."""
    if folder_identity(path) is not None:
        yield from _from_folder(path, path, wanted)
    elif not is_ours(path):
        yield _Found(path, path.parent, os.path.realpath(path))


def _from_folder(path: Path, root: Path, wanted: Filter, overrides: Mapping[str, Any] | None = None) -> Iterator[_Found]:
    """The walk of a folder at or below the root."""
    for item in walk(path, _Below(path.relative_to(root).as_posix(), wanted) if path != root else wanted):
        yield _Found(Path(item.path), root, item.real, overrides or {}, item.error)


def _from_glob(source: str, wanted: Filter) -> Iterator[_Found]:
    base, parts = split_glob(source)
    root = absolute(str(base))
    matched = False
    for path in expand(root, parts):
        if folder_identity(path) is not None:
            matched = True
            yield from _from_folder(path, root, wanted)
        elif is_media(path.name):
            matched = True
            if wanted.wants(path.relative_to(root).as_posix()):
                yield _Found(path, root, os.path.realpath(path))
    if not matched:
        if folder_identity(root) is None:
            raise missing(base)
        raise SourceNotFound(f"Nothing matches {printable(source)}.", "It would match audio and video files, and folders.")


def _listed(recordings: Iterable[Recording]) -> Iterator[_Listed]:
    return (_Listed(recording) for recording in recordings)


def _from_list(data: bytes, name: str, wanted: Filter, storage: Options) -> Iterator[_Found | _Listed]:
    for number, text in list_lines(data):
        yield from _from_line(text, Path.cwd(), f"{name}, line {number}", wanted, {}, storage)


def _from_manifest(source: str, wanted: Filter, storage: Options) -> Iterator[_Found | _Listed]:
    name = printable(source)
    folder = locate(source, storage).parent if is_url(source) else absolute(source).parent
    for number, uri, overrides in manifest_lines(read_bytes(source, "manifest", storage), name):
        yield from _from_line(uri, folder, f"{name}, line {number}", wanted, overrides, storage)


def _from_line(
    text: str, folder: AnyPath, where: str, wanted: Filter, overrides: Mapping[str, Any], storage: Options
) -> Iterator[_Found | _Listed]:
    """A file or folder that a list or manifest names, from the folder where that counts from."""
    try:
        if is_url(text) or isinstance(folder, Location):
            url = text if is_url(text) else str(folder / text)
            yield from _listed(remote(url, wanted, storage, overrides, listed=True))
            return
        path = absolute(path_of(text), folder)
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", error.hint) from error
    yield from _from_local_line(path, folder, wanted, overrides)


def _from_local_line(path: Path, folder: Path, wanted: Filter, overrides: Mapping[str, Any]) -> Iterator[_Found]:
    """Below `folder` its subfolders are mirrored."""
    below = path.is_relative_to(folder) and ".." not in path.parts
    if folder_identity(path) is not None:
        yield from _from_folder(path, folder if below else path, wanted, overrides)
        return
    root = folder if below else path.parent
    if not is_ours(path) and wanted.wants(path.relative_to(root).as_posix()):
        yield _Found(path, root, os.path.realpath(path), overrides)


@dataclass(frozen=True)
class _Below:
    """A filter that sees paths below the root although the walk begins at `prefix`."""

    prefix: str
    wanted: Filter

    def wants(self, relative: str) -> bool:
        return self.wanted.wants(f"{self.prefix}/{relative}")

    def enters(self, relative: str) -> bool:
        return self.wanted.enters(f"{self.prefix}/{relative}")


def _standard_input(stdin: BinaryIO | None) -> bytes:
    stream = stdin or sys.stdin.buffer
    if stream.isatty():
        raise UsageError("The source - reads a list from standard input, which is a terminal.", "Try: find … | transcribe run -")
    return stream.read()
