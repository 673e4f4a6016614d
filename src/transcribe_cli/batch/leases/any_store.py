"""Leases in the storage that holds the outputs of their recording: local files or objects."""

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
        """Create the lease if there is none."""
        return self._store_for(path).create(path, data)

    def read(self, path: AnyPath) -> StoredLease | None:
        """The lease; None when there is none."""
        return self._store_for(path).read(path)

    def swap(self, path: AnyPath, old: bytes, new: bytes | None) -> bool:
        """Replace or remove the lease if its content is still `old`."""
        return self._store_for(path).swap(path, old, new)

    def _store_for(self, path: AnyPath) -> LeaseStore:
        return self._files if isinstance(path, Path) else self._objects
