"""Outputs in buckets and on servers: each file is sent in one request, after all its bytes are complete.

Buckets have no rename. The JSON that is staged under a temporary name is written a second time under its final name, then the first is
removed. A crash in between leaves the same files as on a disk, and the same rules find them.
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
class ObjectEntry:
    """A file or folder in a store, with the attributes of `os.stat_result`. `st_ino` is the version of the object, or ""."""

    name: str
    st_mode: int
    st_mtime_ns: int
    st_size: int = 0
    st_ino: str = ""

    @classmethod
    def of(cls, location: Location, entry: Entry) -> ObjectEntry:
        """From an entry of a store."""
        mode = stat.S_IFDIR if entry.is_folder else stat.S_IFREG
        return cls(location.name, mode, entry.modified_ns, entry.size or 0, entry.etag or "")

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.st_mode)

    def stat(self) -> ObjectEntry:
        """The entry itself."""
        return self


class ObjectFiles:
    """Files in stores; see `files.Files`."""

    def entries(self, folder: Location) -> Mapping[str, ObjectEntry]:
        """The entries of a folder; none on an HTTP server, which cannot list."""
        if not folder.store.kind.can_list:
            return {}
        return {location.name: ObjectEntry.of(location, entry) for location, entry in folder.list()}

    def status(self, path: Location) -> ObjectEntry | None:
        """The status of the file; None when it does not exist."""
        try:
            return ObjectEntry.of(path, path.store.info(path))
        except FileNotFoundError:
            return None

    def existing(self, paths: Sequence[Location]) -> Mapping[AnyPath, ObjectEntry]:
        """The existing ones among paths in one folder. In a bucket this takes one listing."""
        if not paths:
            return {}
        folder, store = paths[0].parent, paths[0].store
        if not store.kind.is_bucket:
            return {path: status for path in paths if (status := self.status(path))}
        prefix = os.path.commonprefix([path.name for path in paths])  # noqa: RUF071 - names
        return {path: ObjectEntry.of(path, entry) for path, entry in folder.list(prefix) if path in paths}

    def is_there(self, path: Location) -> bool:
        """Whether the file exists. Takes one request, while `status` takes two for a missing file."""
        return path.store.exists(path)

    def is_plain(self, path: Location) -> bool:
        """Whether it is a file itself. Only SFTP has symlinks and folders."""
        try:
            entry = path.store.info(path)
        except FileNotFoundError:
            return False
        return not (entry.is_link or entry.is_folder)

    def read(self, path: Location, start: int = 0, size: int | None = None) -> bytes:
        """The bytes of the file."""
        if start == 0 and size is not None:
            (content,) = path.store.read_headers([path], size)
            if content is None:
                raise FileNotFoundError(path.uri)
            return content
        return path.store.read(path, start or None, None if size is None else start + size)

    def stage(self, folder: Location, data: bytes, modified_ns: int | None = None) -> Location:
        """Write the file under a temporary name. A store sets its own modification times."""
        temporary = folder / temporary_name()
        _put(temporary, data, _TYPES["json"])
        return temporary

    def touch(self, path: Location) -> None:
        """Does nothing: `publish` sets the time."""

    def publish(self, temporary: Location, path: Location, data: bytes | None = None) -> None:
        """Write the file under its final name, then remove the temporary one."""
        _put(path, self.read(temporary) if data is None else data, _TYPES["json"])
        temporary.store.remove(temporary)

    def write(self, path: Location, data: bytes) -> None:
        """Write the file in one request."""
        _put(path, data, _TYPES.get(path.suffix.removeprefix("."), "application/octet-stream"))

    def remove(self, path: Location) -> None:
        """Remove the file if it exists."""
        path.store.remove(path)


def check_store_writable(folder: Location) -> None:
    """Write an empty temporary file and remove it, to find missing permissions before the first recording is processed.

    Also sets `can_create_exclusively` of the store.

    Raises:
        StorageNotReady: the file cannot be written or removed.
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
        raise StorageNotReady(message, "Grant the permission to delete objects: temporary files have to be removed.") from error


def _put(path: Location, data: bytes, content_type: str) -> None:
    try:
        path.store.write(path, data, content_type, temporary_name())
    except FileNotFoundError as error:
        raise StorageNotReady(f"{path.uri} cannot be written: there is no such bucket.", "Check its name.") from error
