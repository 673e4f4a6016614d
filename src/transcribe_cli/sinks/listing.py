"""Cached listings: planning 200 recordings takes one listing per folder instead of one query per file, and one for a whole bucket."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from transcribe_cli.sinks.files import FolderEntry, Status, files_of
from transcribe_cli.sinks.header import Header, read_header, read_headers
from transcribe_cli.sinks.objects import ObjectEntry
from transcribe_cli.sinks.ownership import file_digest, file_digests
from transcribe_cli.storage import AnyPath, Entry, Location


class Listings:
    """The contents of folders, read on first access. A folder that does not exist or cannot be listed is empty.

    The contents are not updated: create new listings after writing.
    """

    def __init__(self) -> None:
        self._folders: dict[AnyPath, Mapping[str, FolderEntry]] = {}
        # Trees in stores that were listed while recordings were searched, by root, then by the key of the folder.
        self._trees: dict[Location, dict[str, dict[str, FolderEntry]]] = {}
        self._headers: dict[AnyPath, Header | None] = {}
        self._digests: dict[AnyPath, str | None] = {}

    def record_file(self, root: Location, location: Location, entry: Entry) -> None:
        """Store a file of a tree that the caller lists. Store the whole tree before reading any of it."""
        names = self._trees.setdefault(root, {}).setdefault(location.key.rpartition("/")[0], {})
        names[location.name] = ObjectEntry.of(location, entry)

    def prefetch(self, folders: Iterable[tuple[AnyPath, AnyPath]]) -> None:
        """List many folders in advance, each below its root.

        Only those in stores are listed now, several below one root together, unless their tree was stored with `record_file`.
        """
        below: defaultdict[Location, set[Location]] = defaultdict(set)
        for root, folder in folders:
            if isinstance(root, Location) and isinstance(folder, Location) and folder not in self._folders:
                below[root].add(folder)
        for root, folders_below in below.items():
            if (tree := self._trees.pop(root, None)) is not None:
                self._folders |= {folder: tree.get(folder.key, {}) for folder in folders_below}
            elif len(folders_below) > 1 and root.store.kind.can_list:
                self._folders |= _list_tree(root, folders_below)

    def list_prefix(self, folder: AnyPath, prefix: str) -> None:
        """List only the names in a folder that start with `prefix`. Has an effect in buckets only."""
        if isinstance(folder, Location) and folder.store.kind.is_bucket:
            entries = folder.list(prefix)
            self._folders[folder] = {location.name: ObjectEntry.of(location, entry) for location, entry in entries}

    def prefetch_headers(self, paths: Sequence[AnyPath]) -> None:
        """Read the headers of these transcripts in advance. Only those in stores are read now, in parallel."""
        for batch in _by_store(path for path in paths if path not in self._headers and self.holds(path)):
            self._headers |= dict(zip(batch, read_headers(batch), strict=True))

    def prefetch_digests(self, paths: Iterable[AnyPath]) -> None:
        """Compute the digests of these files in advance. Only those in stores are read now, in parallel."""
        for batch in _by_store(path for path in paths if path not in self._digests):
            self._digests |= dict(zip(batch, file_digests(batch), strict=True))

    def names(self, folder: AnyPath) -> Mapping[str, FolderEntry]:
        """The entries of a folder by name."""
        if (entries := self._folders.get(folder)) is None:
            entries = self._folders[folder] = files_of(folder).entries(folder)
        return entries

    def stat(self, path: AnyPath) -> Status | None:
        """The status of the file, following symlinks; None when it does not exist."""
        entry = self.names(path.parent).get(path.name)
        try:
            return entry.stat() if entry else None
        except OSError:
            return None

    def holds(self, path: AnyPath) -> bool:
        """Whether anything has this name, even a broken symlink."""
        return path.name in self.names(path.parent)

    def header(self, path: AnyPath) -> Header | None:
        """The header of the transcript in a file, as `read_header`."""
        return self._headers[path] if path in self._headers else read_header(path)

    def digest(self, path: AnyPath) -> str | None:
        """The SHA-256 of a file, as `file_digest`."""
        return self._digests[path] if path in self._digests else file_digest(path)


def _by_store(paths: Iterable[AnyPath]) -> Iterable[list[Location]]:
    stores: defaultdict[int, list[Location]] = defaultdict(list)
    for path in paths:
        if isinstance(path, Location):
            stores[id(path.store)].append(path)
    return stores.values()


def _list_tree(root: Location, folders: set[Location]) -> dict[AnyPath, Mapping[str, FolderEntry]]:
    """The files of several folders below a root, from one listing."""
    entries: dict[str, dict[str, FolderEntry]] = {folder.key: {} for folder in folders}
    for location, entry in root.find():
        if (names := entries.get(location.key.rpartition("/")[0])) is not None:
            names[location.name] = ObjectEntry.of(location, entry)
    return {folder: entries[folder.key] for folder in folders}
