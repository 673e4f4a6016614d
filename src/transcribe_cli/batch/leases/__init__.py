"""Leases: which process works on which recording, so that two runs over one tree divide it instead of doing it twice.

Reading order: `owner` (the content of a lease), `paths` (its file name), `lease_store` (what a storage must provide), `local_store`
(files), `object_store` (buckets and servers), `any_store` (picks one of the two), `manager` (acquire, refresh, take over, release).
Outputs are correct without leases, too: see decision 11.
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
