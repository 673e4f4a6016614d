"""Finds the recordings of all sources in order, each file once. `remote` handles URLs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from transcribe_cli.errors import SourceNotFound, StorageNotReady, TranscribeError, UsageError
from transcribe_cli.sources.lists import Line, list_lines, manifest_lines, read_bytes
from transcribe_cli.sources.local_paths import absolute, is_output, local_path, not_found
from transcribe_cli.sources.patterns import MAGIC, Filter, expand, is_refused, split_glob
from transcribe_cli.sources.recording import Recording, examine, unlistable_folder, unusable
from transcribe_cli.sources.remote import ListingRecorder, find_remote
from transcribe_cli.sources.walk import folder_identity, is_media, walk
from transcribe_cli.storage import AnyPath, Location, Options, bind_to_sources, is_url, locate
from transcribe_cli.text.credentials import shown_url
from transcribe_cli.text.links import Links, Tree
from transcribe_cli.text.printable import printable


def find_recordings(
    sources: Sequence[str],
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    stdin: BinaryIO | None = None,
    storage: Options | None = None,
    listings: ListingRecorder | None = None,
    links: Links | None = None,
) -> Iterator[Recording]:
    """Find the recordings of the sources, lazily, each file once.

    A source is a path or URL of a file (with any extension) or of a folder (recursive; media files only), a glob, `@list`, `-` for a
    list on standard input, or a manifest (`*.jsonl`). An existing path is always used as a path. `storage` has the options for URLs
    other than `file://`; `listings` receives the files listed there. `links` says whether symlinks below a source may lead out of it, and
    receives those that are not followed. Default: they may not. A source itself, and each line of a list, may be any symlink.

    Order: the order of the sources; within a folder, its files in natural order, then its subfolders. Files reached through symlinks
    come last, because the same file may be found under its own name, which takes precedence.

    `include` and `exclude` (see `Filter`) apply to folders, globs, lists and manifests, not to single files. Hidden files, and the
    outputs and temporary files of this tool, are skipped.

    Raises:
        SourceNotFound: a path does not exist, or a glob has no match. In a list or manifest, this is a `problem` of the recording.
        UsageError: an unsupported URL; a manifest without any valid line. One invalid line, or one file with two different settings, is
            a `problem` of its own.
        NotReady: a store cannot be listed, or its library is not installed.
    """
    unique = _UniqueFiles()
    search = _Search(Filter(include, exclude), bind_to_sources(storage or {}, sources), links or Links(), listings)
    for source in sources:
        for candidate in _from_source(source, stdin, search):
            if (admitted := unique.admit(candidate)) is not None:
                yield admitted.recording()
    for candidate in unique.held_back():
        yield candidate.recording()


@dataclass(frozen=True)
class _Search:
    """What applies to all sources: see `find_recordings`."""

    filter: Filter
    storage: Options
    links: Links
    listings: ListingRecorder | None


@dataclass(frozen=True)
class _LocalFile:
    """A path to a file. `real` is the path without symlinks; `error` is the error of listing a folder. See `Recording.tree`."""

    path: Path
    root: Path
    real: str
    tree: Tree | None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    error: OSError | None = None

    def recording(self) -> Recording:
        if self.error is not None:
            return unlistable_folder(self.path, self.root, self.error)
        return replace(examine(self.path, self.root, self.overrides), tree=self.tree)


@dataclass(frozen=True)
class _RemoteFile:
    """A recording in a store. Stores have no symlinks."""

    listed: Recording

    @property
    def path(self) -> AnyPath:
        return self.listed.path

    @property
    def real(self) -> str:
        return self.listed.uri

    @property
    def overrides(self) -> Mapping[str, Any]:
        return self.listed.overrides

    def recording(self) -> Recording:
        return self.listed


class _UniqueFiles:
    """Removes duplicates: the first path to a file is used, but its own name before any symlink. Hard links are separate files."""

    def __init__(self) -> None:
        self._seen: dict[str, _LocalFile | _RemoteFile] = {}
        self._linked: list[_LocalFile | _RemoteFile] = []
        self._roots: dict[Path, Path] = {}

    def admit(self, candidate: _LocalFile | _RemoteFile) -> _LocalFile | _RemoteFile | None:
        """The candidate, if its file is new. A file reached through a symlink is held back."""
        if self._is_linked(candidate):
            self._linked.append(candidate)
            return None
        return self._new(candidate)

    def held_back(self) -> Iterator[_LocalFile | _RemoteFile]:
        """The files that were only reached through symlinks."""
        return filter(None, map(self._new, self._linked))

    def _is_linked(self, candidate: _LocalFile | _RemoteFile) -> bool:
        """Whether there is a symlink between root and path. Symlinks above the root are ignored."""
        if isinstance(candidate, _RemoteFile):
            return False
        if (root := self._roots.get(candidate.root)) is None:
            root = self._roots[candidate.root] = Path(os.path.realpath(candidate.root))
        return candidate.error is None and candidate.real != os.path.normpath(root / candidate.path.relative_to(candidate.root))

    def _new(self, candidate: _LocalFile | _RemoteFile) -> _LocalFile | _RemoteFile | None:
        """The candidate if its file is new; None if not; a failure if its settings differ from those that count."""
        first = self._seen.setdefault(candidate.real, candidate)
        if candidate.overrides and candidate.overrides != first.overrides:
            message = f"{printable(str(candidate.path))} is listed twice, with different settings. The first ones count."
            error = UsageError(message, "List it once, or its manifest before its folder.")
            return _RemoteFile(unusable(candidate.path.parent, f"{candidate.path.name}, listed again", error))
        return candidate if first is candidate else None


def _from_source(source: str, stdin: BinaryIO | None, search: _Search) -> Iterator[_LocalFile | _RemoteFile]:
    if not source:
        raise UsageError("A source is empty.", "Check for an unset variable. Use . for the current folder.")
    if source == "-":
        return _from_list(_standard_input(stdin), "the list on standard input", search)
    if os.path.lexists(source):
        is_manifest = source.endswith(".jsonl") and folder_identity(Path(source)) is None
        return _from_manifest(source, search) if is_manifest else _from_path(absolute(source), search)
    if source.startswith("@"):
        return _from_list(read_bytes(source[1:], "list", search.storage), printable(shown_url(source[1:])), search)
    if is_url(source):
        if source.endswith(".jsonl"):
            return _from_manifest(source, search)
        return _as_remote_files(
            find_remote(source, search.filter, search.storage, listings=search.listings, symlinks=search.links)
        )
    path = local_path(source)
    if path == source and MAGIC.search(source):
        return _from_glob(source, search)
    if not os.path.lexists(path):
        raise not_found(Path(path))
    return _from_path(absolute(path), search)


def _from_path(path: Path, search: _Search) -> Iterator[_LocalFile]:
    """A single file, or a folder."""
    if folder_identity(path) is not None:
        yield from _from_folder(path, path, search, search.links.tree(path))
    elif not is_output(path):
        yield _named_file(path, path.parent, search)


def _named_file(path: Path, root: Path, search: _Search, overrides: Mapping[str, Any] | None = None) -> _LocalFile:
    """A file that the user or a list names. It may be a symlink to anywhere; the files beside it may not."""
    return _LocalFile(path, root, os.path.realpath(path), search.links.tree(path.parent, named=path), overrides or {})


def _from_folder(
    path: Path, root: Path, search: _Search, tree: Tree | None, overrides: Mapping[str, Any] | None = None
) -> Iterator[_LocalFile]:
    """Walk a folder at or below the root."""
    path_filter = search.filter if path == root else _PrefixedFilter(path.relative_to(root).as_posix(), search.filter)
    for item in walk(path, path_filter, search.links, tree):
        yield _LocalFile(Path(item.path), root, item.real, tree, overrides or {}, item.error)


def _from_glob(source: str, search: _Search) -> Iterator[_LocalFile]:
    base, parts = split_glob(source)
    root = absolute(str(base))
    tree, before, matched = search.links.tree(root), search.links.message, False
    is_own_way_out = ".." in parts  # such as a*/../../b
    for path in expand(root, parts, search.links, tree):
        is_folder = folder_identity(path) is not None
        if not is_folder and not is_media(path.name):
            continue
        matched = True
        if is_refused(path, search.links, tree):
            continue
        if is_folder:
            yield from _from_folder(path, root, search, search.links.tree(path) if is_own_way_out else tree)
        elif search.filter.matches(path.relative_to(root).as_posix()):
            yield _LocalFile(path, root, os.path.realpath(path), search.links.tree(path.parent) if is_own_way_out else tree)
    if not matched and search.links.message == before:
        if folder_identity(root) is None:
            raise not_found(base)
        raise SourceNotFound(
            f"Nothing matches {printable(shown_url(source))}.", "A glob matches audio and video files, and folders."
        )


def _as_remote_files(recordings: Iterable[Recording]) -> Iterator[_RemoteFile]:
    return (_RemoteFile(recording) for recording in recordings)


def _from_list(data: bytes, name: str, search: _Search) -> Iterator[_LocalFile | _RemoteFile]:
    for line in list_lines(data):
        yield from _from_line(line, Path.cwd(), name, search)


def _from_manifest(source: str, search: _Search) -> Iterator[_LocalFile | _RemoteFile]:
    name = printable(shown_url(source))
    folder = locate(source, search.storage).parent if is_url(source) else absolute(source).parent
    for line in manifest_lines(read_bytes(source, "manifest", search.storage), name):
        yield from _from_line(line, folder, name, search)


def _from_line(line: Line, folder: AnyPath, list_name: str, search: _Search) -> Iterator[_LocalFile | _RemoteFile]:
    """The recordings of a line of a list or manifest; one that fails if the line is invalid. `folder` is the base of relative paths."""
    try:
        if line.error:
            raise line.error
        if is_url(line.text) or isinstance(folder, Location):
            url = line.text
            if isinstance(folder, Location) and not is_url(line.text):
                url = folder.store.uri(f"{folder.key}/{line.text}".strip("/"), as_requested=True)
            yield from _as_remote_files(
                find_remote(url, search.filter, search.storage, line.overrides, listed=True, symlinks=search.links)
            )
            return
        path = absolute(local_path(line.text), folder)
    except (UsageError, StorageNotReady) as error:
        yield _RemoteFile(_unusable_line(line, folder, list_name, error))
        return
    yield from _from_local_line(path, folder, search, line.overrides)


def _unusable_line(line: Line, folder: AnyPath, list_name: str, error: TranscribeError) -> Recording:
    """The recording for an invalid line. Its path is that of the list and its line number."""
    where = f"{list_name}, line {line.number}"
    message = error.message if error.message.startswith(where) else f"{where}: {error.message}"
    return unusable(folder, where, UsageError(message, error.hint))


def _from_local_line(path: Path, folder: Path, search: _Search, overrides: Mapping[str, Any]) -> Iterator[_LocalFile]:
    """A local file or folder in a list. Its root is `folder`, if it is below it."""
    below = path.is_relative_to(folder) and ".." not in path.parts
    if folder_identity(path) is not None:
        yield from _from_folder(path, folder if below else path, search, search.links.tree(path), overrides)
        return
    root = folder if below else path.parent
    if not is_output(path) and search.filter.matches(path.relative_to(root).as_posix()):
        yield _named_file(path, root, search, overrides)


@dataclass(frozen=True)
class _PrefixedFilter:
    """A filter for a walk that starts at `prefix` below the root: it prepends the prefix to the paths."""

    prefix: str
    inner: Filter

    def matches(self, relative: str) -> bool:
        return self.inner.matches(f"{self.prefix}/{relative}")

    def should_enter(self, relative: str) -> bool:
        return self.inner.should_enter(f"{self.prefix}/{relative}")


def _standard_input(stdin: BinaryIO | None) -> bytes:
    stream = stdin or sys.stdin.buffer
    if stream.isatty():
        raise UsageError("The source - reads a list from standard input, but it is a terminal.", "Try: find … | transcribe run -")
    return stream.read()
