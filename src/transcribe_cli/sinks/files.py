"""What the rest of this package asks of a place for outputs, the same for folders of this machine and for buckets.

The suite of promises in tests/storage/ runs against every kind.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from transcribe_cli.sinks import atomic, objects
from transcribe_cli.storage import AnyPath, Location


class Status(Protocol):
    """Of a file."""

    @property
    def st_mode(self) -> int:
        """Its kind, as in `os.stat_result`."""

    @property
    def st_mtime_ns(self) -> int:
        """When it was written last, in nanoseconds since 1970."""

    @property
    def st_size(self) -> int:
        """Bytes."""

    @property
    def st_ino(self) -> int | str:
        """Other for another file of the same name, where the place can tell."""


class Listed(Protocol):
    """In a folder."""

    @property
    def name(self) -> str:
        """Within the folder."""

    def is_dir(self) -> bool:
        """Whether it is a folder, or a symlink to one."""

    def stat(self) -> Status:
        """Symlinks followed. Raises OSError when it leads nowhere."""


class Files(Protocol):
    """Reads and writes whole files. Paths are of its own kind.

    Writing raises StorageNotReady or OutputRefused, `stage` and `publish` may raise OSError too; reading raises OSError.
    """

    def entries(self, folder: Any) -> Mapping[str, Listed]:
        """What is in a folder by name; nothing when it is not there or cannot be listed."""

    def status(self, path: Any) -> Status | None:
        """Of what is there now; None when there is nothing, or a symlink to nowhere."""

    def there(self, paths: Sequence[Any]) -> Mapping[AnyPath, Status | None]:
        """Of some names in one folder, those that there is anything of, with its status; None for a symlink to nowhere."""

    def is_there(self, path: Any) -> bool:
        """Whether there is anything of this name, be it a symlink to nowhere."""

    def read(self, path: Any, start: int = 0, size: int | None = None) -> bytes:
        """Bytes of a regular file; nothing else is opened."""

    def stage(self, folder: Any, data: bytes, modified_ns: int | None = None) -> Any:
        """Write through to the disk under a temporary name; with this time, where times can be given."""

    def touch(self, path: Any) -> None:
        """Give it the time of now, where times can be given."""

    def publish(self, temporary: Any, path: Any, data: bytes | None = None) -> None:
        """Move it into place in one step, through to the disk; its bytes, where they are known, need not be read."""

    def write(self, path: Any, data: bytes) -> None:
        """Put these bytes there, in one step."""

    def remove(self, path: Any) -> None:
        """Remove it if it is there, through to the disk."""


class _Local:
    """Folders of this machine; see `atomic`."""

    def entries(self, folder: Path) -> Mapping[str, Listed]:
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

    def there(self, paths: Sequence[Path]) -> Mapping[AnyPath, Status | None]:
        return {path: self.status(path) for path in paths if self.is_there(path)}

    def is_there(self, path: Path) -> bool:
        return os.path.lexists(path)

    def read(self, path: Path, start: int = 0, size: int | None = None) -> bytes:
        if not path.is_file():  # a named pipe would be waited for
            raise FileNotFoundError(path)
        with path.open("rb") as file:
            file.seek(start)
            return file.read(-1 if size is None else size)

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


_LOCAL: Files = _Local()
_OBJECTS: Files = objects.Objects()


def files_of(place: AnyPath) -> Files:
    """For this kind of place."""
    return _OBJECTS if isinstance(place, Location) else _LOCAL
