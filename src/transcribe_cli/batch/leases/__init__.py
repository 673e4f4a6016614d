"""Leases: who works on which recording, so that two runs over one tree share it instead of doing it twice.

Reading order: `owner` (who holds a lease), `path` (where it lies), `store` (what a storage must be able to do), `local` (files),
`objects` (buckets and servers), `stores`, `holding` (taking, refreshing, taking over, giving back). Correctness of the outputs never
depends on a lease: see decision 11.
"""

from transcribe_cli.batch.leases.any_store import AnyLeaseStore
from transcribe_cli.batch.leases.lease_store import LeaseStore, StoredLease
from transcribe_cli.batch.leases.local_store import LocalLeaseStore
from transcribe_cli.batch.leases.manager import EXPIRY_SECONDS, REFRESH_SECONDS, Lease, LeaseManager
from transcribe_cli.batch.leases.object_store import ObjectLeaseStore
from transcribe_cli.batch.leases.owner import Owner
from transcribe_cli.batch.leases.paths import lease_path

__all__ = [
    "EXPIRY_SECONDS",
    "REFRESH_SECONDS",
    "AnyLeaseStore",
    "Lease",
    "LeaseManager",
    "LeaseStore",
    "LocalLeaseStore",
    "ObjectLeaseStore",
    "Owner",
    "StoredLease",
    "lease_path",
]
