"""Leases: who works on which recording, so that two runs over one tree share it instead of doing it twice.

Reading order: `owner` (who holds a lease), `path` (where it lies), `store` (what a storage must be able to do), `local` (files),
`objects` (buckets and servers), `stores`, `holding` (taking, refreshing, taking over, giving back). Correctness of the outputs never
depends on a lease: see decision 11.
"""

from transcribe_cli.batch.leases.holding import BEAT_SECONDS, EXPIRY_SECONDS, Lease, Leases
from transcribe_cli.batch.leases.local import LocalStore
from transcribe_cli.batch.leases.objects import ObjectStore
from transcribe_cli.batch.leases.owner import Owner
from transcribe_cli.batch.leases.path import lease_path
from transcribe_cli.batch.leases.store import LeaseStore, Seen
from transcribe_cli.batch.leases.stores import Stores

__all__ = [
    "BEAT_SECONDS",
    "EXPIRY_SECONDS",
    "Lease",
    "LeaseStore",
    "Leases",
    "LocalStore",
    "ObjectStore",
    "Owner",
    "Seen",
    "Stores",
    "lease_path",
]
