"""The contract of a place for outputs, the same for local folders and for buckets.

The tests in tests/storage/ run against every kind.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from transcribe_cli.sinks import atomic, objects
from transcribe_cli.storage import AnyPath, Location
from transcribe_cli.text.regular_files import open_regular_file, read_regular_file


class Status(Protocol):
    """The status of a file."""

    @property
    def st_mode(self) -> int:
        """The file type, as in `os.stat_result`."""

    @property
    def st_mtime_ns(self) -> int:
        """Modification time, in nanoseconds since 1970."""

    @property
    def st_size(self) -> int:
        """Bytes."""

    @property
    def st_ino(self) -> int | str:
        """Differs for another file of the same name, if the place supports that."""


class FolderEntry(Protocol):
    """An entry in a folder."""

    @property
    def name(self) -> str:
        """File name, without the folder."""

    def is_dir(self) -> bool:
        """Whether it is a folder, or a symlink to one."""

    def stat(self) -> Status:
        """The status, following symlinks. Raises OSError for a broken symlink."""


class Files(Protocol):
    """Reads and writes whole files. Paths have the type of the place.

    Writing raises StorageNotReady or OutputRefused; `stage` and `publish` may also raise OSError. Reading raises OSError.
    """

    def entries(self, folder: Any) -> Mapping[str, FolderEntry]:
        """The entries of a folder by name; empty when it does not exist or cannot be listed."""

    def status(self, path: Any) -> Status | None:
        """The status of the file; None when it does not exist or is a broken symlink."""

    def existing(self, paths: Sequence[Any]) -> Mapping[AnyPath, Status | None]:
        """The existing ones among paths in one folder, with their status; None for a broken symlink."""

    def is_there(self, path: Any) -> bool:
        """Whether anything has this name, even a broken symlink."""

    def read(self, path: Any, start: int = 0, size: int | None = None) -> bytes:
        """Bytes of a regular file. Nothing else is opened."""

    def stage(self, folder: Any, data: bytes, modified_ns: int | None = None) -> Any:
        """Write a file under a temporary name and sync it, with this modification time if the place supports that."""

    def touch(self, path: Any) -> None:
        """Set the modification time to now, if the place supports that."""

    def publish(self, temporary: Any, path: Any, data: bytes | None = None) -> None:
        """Move the file into place atomically and sync. If `data` is given, the file is not read again."""

    def write(self, path: Any, data: bytes) -> None:
        """Write the file atomically."""

    def remove(self, path: Any) -> None:
        """Remove the file if it exists, and sync."""


class _LocalFiles:
    """Local folders; see `atomic`."""

    def entries(self, folder: Path) -> Mapping[str, FolderEntry]:
        try:
            with os.scandir(folder) as entries:
                return {entry.name: entry for entry in entries}
        except OSError:
            return {}

    def status(self, path: Path) -> Status | None:
        try:
            return path.stat()
        except OSError:
            return None

    def existing(self, paths: Sequence[Path]) -> Mapping[AnyPath, Status | None]:
        return {path: self.status(path) for path in paths if self.is_there(path)}

    def is_there(self, path: Path) -> bool:
        return os.path.lexists(path)

    def read(self, path: Path, start: int = 0, size: int | None = None) -> bytes:
        if size is None:
            return read_regular_file(path)[start:]
        with open_regular_file(path) as file:
            file.seek(start)
            return file.read(size)

    def stage(self, folder: Path, data: bytes, modified_ns: int | None = None) -> Path:
        temporary = atomic.stage(folder, data, modified_ns)
        atomic.sync_folder(folder)
        return temporary

    def touch(self, path: Path) -> None:
        os.utime(path)

    def publish(self, temporary: Path, path: Path, data: bytes | None = None) -> None:
        atomic.publish(temporary, path)

    def write(self, path: Path, data: bytes) -> None:
        atomic.write_atomically(path, data)

    def remove(self, path: Path) -> None:
        with atomic.storage_errors(path):
            path.unlink(missing_ok=True)
            atomic.sync_folder(path.parent)


_LOCAL: Files = _LocalFiles()
_OBJECTS: Files = objects.ObjectFiles()


def files_of(path: AnyPath) -> Files:
    """The implementation for this kind of path."""
    return _OBJECTS if isinstance(path, Location) else _LOCAL
