"""Folders listed once: a plan over 200 recordings asks the file system per folder, not per file; and a bucket once for all its folders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from transcribe_cli.sinks.files import Listed, Status, files_of
from transcribe_cli.sinks.header import Header, read_header, read_headers
from transcribe_cli.sinks.objects import Listing
from transcribe_cli.sinks.ownership import file_digest, file_digests
from transcribe_cli.storage import AnyPath, Entry, Location


class Listings:
    """What is in folders, read when first asked about; a folder that is not there, or cannot be listed, is empty.

    It is a view of one moment: make a new one after writing.
    """

    def __init__(self) -> None:
        self._folders: dict[AnyPath, Mapping[str, Listed]] = {}
        # Trees in stores that were listed while recordings were looked for, by root, then by the key of the folder.
        self._trees: dict[Location, dict[str, dict[str, Listed]]] = {}
        self._heads: dict[AnyPath, Header | None] = {}
        self._digests: dict[AnyPath, str | None] = {}

    def record_file(self, root: Location, place: Location, entry: Entry) -> None:
        """A file of a tree that somebody else lists; all of the tree is told before anything is asked."""
        names = self._trees.setdefault(root, {}).setdefault(place.key.rpartition("/")[0], {})
        names[place.name] = Listing.of(place, entry)

    def prefetch(self, folders: Iterable[tuple[AnyPath, AnyPath]]) -> None:
        """Many folders will be asked about, each below its root.

        Those in stores are listed now, several below one root together, unless their tree was noted.
        """
        below: defaultdict[Location, set[Location]] = defaultdict(set)
        for root, folder in folders:
            if isinstance(root, Location) and isinstance(folder, Location) and folder not in self._folders:
                below[root].add(folder)
        for root, wanted in below.items():
            if (tree := self._trees.pop(root, None)) is not None:
                self._folders |= {folder: tree.get(folder.key, {}) for folder in wanted}
            elif len(wanted) > 1 and root.store.kind.can_list:
                self._folders |= _listed(root, wanted)

    def narrow(self, folder: AnyPath, beginning: str) -> None:
        """Of a folder, only names that begin so will be asked about: of a bucket nothing else is listed."""
        if isinstance(folder, Location) and folder.store.kind.is_bucket:
            found = folder.list(beginning)
            self._folders[folder] = {place.name: Listing.of(place, entry) for place, entry in found}

    def prefetch_headers(self, paths: Sequence[AnyPath]) -> None:
        """These transcripts will be asked for: those in stores are read now, many at once."""
        for wanted in _by_store(path for path in paths if path not in self._heads and self.holds(path)):
            self._heads |= dict(zip(wanted, read_headers(wanted), strict=True))

    def prefetch_digests(self, paths: Iterable[AnyPath]) -> None:
        """These files will be compared by content: those in stores are read now, many at once."""
        for wanted in _by_store(path for path in paths if path not in self._digests):
            self._digests |= dict(zip(wanted, file_digests(wanted), strict=True))

    def names(self, folder: AnyPath) -> Mapping[str, Listed]:
        """The entries of a folder by name."""
        if (entries := self._folders.get(folder)) is None:
            entries = self._folders[folder] = files_of(folder).entries(folder)
        return entries

    def stat(self, path: AnyPath) -> Status | None:
        """Of the file that is there, or that a symlink there leads to; None when there is none."""
        entry = self.names(path.parent).get(path.name)
        try:
            return entry.stat() if entry else None
        except OSError:
            return None

    def holds(self, path: AnyPath) -> bool:
        """Whether there is anything of this name, be it a symlink to nowhere."""
        return path.name in self.names(path.parent)

    def header(self, path: AnyPath) -> Header | None:
        """Of the transcript in a file, as `read_header`."""
        return self._heads[path] if path in self._heads else read_header(path)

    def digest(self, path: AnyPath) -> str | None:
        """SHA-256 of a file, as `file_digest`."""
        return self._digests[path] if path in self._digests else file_digest(path)


def _by_store(paths: Iterable[AnyPath]) -> Iterable[list[Location]]:
    stores: defaultdict[int, list[Location]] = defaultdict(list)
    for path in paths:
        if isinstance(path, Location):
            stores[id(path.store)].append(path)
    return stores.values()


def _listed(root: Location, wanted: set[Location]) -> dict[AnyPath, Mapping[str, Listed]]:
    """The files in folders below a root, from one listing."""
    found: dict[str, dict[str, Listed]] = {folder.key: {} for folder in wanted}
    for place, entry in root.find():
        if (names := found.get(place.key.rpartition("/")[0])) is not None:
            names[place.name] = Listing.of(place, entry)
    return {folder: found[folder.key] for folder in wanted}
