"""Outputs in buckets and on servers: bytes are complete before anything is sent, and each file is one request.

There is no rename in a bucket. The JSON that is staged under a temporary name is written a second time under its own, then the first is
removed; what a crash leaves in between is the same as on a disk, and found by the same rules.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transcribe_cli.errors import StorageNotReady
from transcribe_cli.sinks.processes import temporary_name
from transcribe_cli.storage import AnyPath, Entry, Location, shared_files

_TYPES = {
    "json": "application/json",
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Listing:
    """A file or folder in a store, in the words of `os`; `st_ino` is the version that it has there, or ""."""

    name: str
    st_mode: int
    st_mtime_ns: int
    st_size: int = 0
    st_ino: str = ""

    @classmethod
    def of(cls, place: Location, entry: Entry) -> Listing:
        """What a store says of it."""
        mode = stat.S_IFDIR if entry.is_folder else stat.S_IFREG
        return cls(place.name, mode, entry.modified_ns, entry.size or 0, entry.etag or "")

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.st_mode)

    def stat(self) -> Listing:
        """Itself."""
        return self


class Objects:
    """Files in stores; see `files.Files`."""

    def entries(self, folder: Location) -> Mapping[str, Listing]:
        """Of a folder; an HTTP server cannot say."""
        if not folder.store.kind.can_list:
            return {}
        return {place.name: Listing.of(place, entry) for place, entry in folder.list()}

    def status(self, path: Location) -> Listing | None:
        """Of what is there."""
        try:
            return Listing.of(path, path.store.info(path))
        except FileNotFoundError:
            return None

    def there(self, paths: Sequence[Location]) -> Mapping[AnyPath, Listing]:
        """Those of some files in one folder; in a bucket it takes one listing."""
        folder, store = paths[0].parent, paths[0].store
        if not store.kind.is_bucket:
            return {path: status for path in paths if (status := self.status(path))}
        beginning = os.path.commonprefix([path.name for path in paths])  # noqa: RUF071 - names
        return {path: Listing.of(path, entry) for path, entry in folder.list(beginning) if path in paths}

    def is_there(self, path: Location) -> bool:
        """Whether anything is: one request, where asking for its status takes two when there is nothing."""
        return path.store.exists(path)

    def read(self, path: Location, start: int = 0, size: int | None = None) -> bytes:
        """Its bytes."""
        if start == 0 and size is not None:
            (head,) = path.store.read_headers([path], size)
            if head is None:
                raise FileNotFoundError(path.uri)
            return head
        return path.store.read(path, start or None, None if size is None else start + size)

    def stage(self, folder: Location, data: bytes, modified_ns: int | None = None) -> Location:
        """Write under a temporary name; a store keeps its own times."""
        temporary = folder / temporary_name()
        _put(temporary, data, _TYPES["json"])
        return temporary

    def touch(self, path: Location) -> None:
        """It will have the time of `publish`."""

    def publish(self, temporary: Location, path: Location, data: bytes | None = None) -> None:
        """Write under the right name, then remove the temporary one."""
        _put(path, self.read(temporary) if data is None else data, _TYPES["json"])
        temporary.store.remove(temporary)

    def write(self, path: Location, data: bytes) -> None:
        """In one request."""
        _put(path, data, _TYPES.get(path.suffix.removeprefix("."), "application/octet-stream"))

    def remove(self, path: Location) -> None:
        """If it is there."""
        path.store.remove(path)


def check_store_writable(folder: Location) -> None:
    """Write an empty temporary file and remove it: what is not allowed, or not there, is found out before the first hour.

    Its store knows from then on whether it is `exclusive`, too.

    Raises:
        StorageNotReady: it cannot be done.
    """
    if not folder.store.kind.can_write:
        raise StorageNotReady(f"{folder.uri} cannot be written to.", "Use --output-dir to write elsewhere.")
    probe = folder / temporary_name()
    _put(probe, b"", "application/octet-stream")
    try:
        folder.store.can_create_exclusively = shared_files.enforces_exclusive_create(probe)
    finally:
        _remove(probe)


def _remove(probe: Location) -> None:
    try:
        probe.store.remove(probe)
    except StorageNotReady as error:
        message = f"{error.message.rstrip('.')}: a file that was just written could not be removed."
        raise StorageNotReady(message, "Outputs need the permission to remove, for temporary files.") from error


def _put(path: Location, data: bytes, content_type: str) -> None:
    try:
        path.store.write(path, data, content_type, temporary_name())
    except FileNotFoundError as error:
        raise StorageNotReady(f"{path.uri} cannot be written: there is no such bucket.", "Check its name.") from error
