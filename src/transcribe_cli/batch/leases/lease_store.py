"""What a storage must be able to do so that leases can lie in it: create unless it is there, and change unless somebody else did.

Local files do it with O_EXCL and a lock that is held for a moment, S3 and its like with `If-None-Match: *` and `If-Match`.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol


class StoredLease(NamedTuple):
    """A lease as it was read. `age` is the time since it was written, in seconds, by the storage's own clock."""

    data: bytes
    age: float


class LeaseStore(Protocol):
    """Leases in one kind of storage, whose paths are of its own kind.

    Every method may raise OSError when the storage does not allow it or cannot be reached.
    """

    def create(self, path: Any, data: bytes) -> bool:
        """Put a lease there unless there is one; of any number of callers at once, one gets True.

        Raises:
            FileNotFoundError: there is no such folder; none is made.
        """

    def read(self, path: Any) -> StoredLease | None:
        """The lease that is there, whole or as far as it is written; None when there is none."""

    def swap(self, path: Any, old: bytes, new: bytes | None) -> bool:
        """Replace a lease, or remove it when `new` is None, if it still reads `old`; of several callers at once, one gets True."""
