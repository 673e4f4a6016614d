"""Every lease in the kind of storage in which its recording's outputs are."""

from __future__ import annotations

from pathlib import Path

from transcribe_cli.batch.leases.local import LocalStore
from transcribe_cli.batch.leases.objects import ObjectStore
from transcribe_cli.batch.leases.store import LeaseStore, Seen
from transcribe_cli.storage import Place


class Stores:
    """See `LeaseStore`."""

    def __init__(self) -> None:
        self._files: LeaseStore = LocalStore()
        self._objects: LeaseStore = ObjectStore()

    def create(self, path: Place, data: bytes) -> bool:
        """Put a lease there unless there is one."""
        return self._of(path).create(path, data)

    def read(self, path: Place) -> Seen | None:
        """The lease that is there."""
        return self._of(path).read(path)

    def swap(self, path: Place, old: bytes, new: bytes | None) -> bool:
        """Replace or remove a lease if it still reads `old`."""
        return self._of(path).swap(path, old, new)

    def _of(self, path: Place) -> LeaseStore:
        return self._files if isinstance(path, Path) else self._objects
