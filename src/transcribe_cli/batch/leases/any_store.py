"""Every lease in the kind of storage in which its recording's outputs are."""

from __future__ import annotations

from pathlib import Path

from transcribe_cli.batch.leases.lease_store import LeaseStore, StoredLease
from transcribe_cli.batch.leases.local_store import LocalLeaseStore
from transcribe_cli.batch.leases.object_store import ObjectLeaseStore
from transcribe_cli.storage import AnyPath


class AnyLeaseStore:
    """See `LeaseStore`."""

    def __init__(self) -> None:
        self._files: LeaseStore = LocalLeaseStore()
        self._objects: LeaseStore = ObjectLeaseStore()

    def create(self, path: AnyPath, data: bytes) -> bool:
        """Put a lease there unless there is one."""
        return self._of(path).create(path, data)

    def read(self, path: AnyPath) -> StoredLease | None:
        """The lease that is there."""
        return self._of(path).read(path)

    def swap(self, path: AnyPath, old: bytes, new: bytes | None) -> bool:
        """Replace or remove a lease if it still reads `old`."""
        return self._of(path).swap(path, old, new)

    def _of(self, path: AnyPath) -> LeaseStore:
        return self._files if isinstance(path, Path) else self._objects
