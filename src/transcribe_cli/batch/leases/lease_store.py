"""What a storage must provide to hold leases: create if absent, and replace or remove if unchanged.

Local files use O_EXCL and a short lock; S3 and compatible stores use `If-None-Match: *` and `If-Match`.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

# What is longer is not a lease, which has 300 bytes.
MAX_BYTES = 1 << 16


class StoredLease(NamedTuple):
    """The content of a lease. `age` is the number of seconds since it was written, by the clock of the storage."""

    data: bytes
    age: float


class LeaseStore(Protocol):
    """Leases in one kind of storage. Paths have the type of that storage.

    Every method may raise OSError when the storage refuses the operation or cannot be reached.
    """

    def create(self, path: Any, data: bytes) -> bool:
        """Create the lease if there is none. Of any number of simultaneous callers, one gets True.

        Raises:
            FileNotFoundError: the folder does not exist; it is not created.
        """

    def read(self, path: Any) -> StoredLease | None:
        """The lease, complete or as far as it has been written; None when there is none."""

    def swap(self, path: Any, old: bytes, new: bytes | None) -> bool:
        """Replace the lease, or remove it when `new` is None, if its content is still `old`. Of several callers, one gets True."""
