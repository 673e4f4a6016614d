"""The status of the recordings in a tree: done, out of date, failed, missing or in progress, by the files and leases in the tree.

Read-only. Failures come from the state folder of this machine, because the files in a tree do not contain them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from transcribe_cli.batch.failures import Failure, Failures
from transcribe_cli.batch.leases import LeaseManager, Owner, lease_path
from transcribe_cli.plan import Decision, Job
from transcribe_cli.sinks import Corrected, Listings
from transcribe_cli.text.verdicts import Assessment


class State(StrEnum):
    """The state of a recording."""

    DONE = "done"
    CORRECTED = "corrected"
    STALE = "stale"
    FAILED = "failed"
    MISSING = "missing"
    IN_PROGRESS = "in_progress"


@dataclass(frozen=True)
class RecordingStatus:
    """The status of one recording.

    Attributes:
        reason: why it is stale or failed, which file was corrected, and when, or how its transcript differs from what a new one would
            be: "(small, pt)"; as text for display, "" otherwise.
        owner: the process that works on it, when it is in progress.
        failure: the last failure on this machine, when it failed.
    """

    job: Job
    state: State
    reason: str = ""
    owner: Owner | None = None
    failure: Failure | None = None

    @property
    def assessment(self) -> Assessment:
        """The verdict on the transcript; without one if there is no transcript."""
        return self.job.assessment or Assessment()


def recording_statuses(jobs: Iterable[Job], failures: Failures, leases: LeaseManager) -> list[RecordingStatus]:
    """The status of each recording.

    Args:
        jobs: from `plan`, without `overwrite`.
        failures: from the runs on this machine.
        leases: only read; no lease is acquired.
    """
    listings = Listings()
    return [_status_of(job, failures, leases, listings) for job in jobs]


def _status_of(job: Job, failures: Failures, leases: LeaseManager, listings: Listings) -> RecordingStatus:
    if job.corrected is not None and job.decision is not Decision.FAIL:
        return RecordingStatus(job, State.CORRECTED, _corrected_reason(job, job.corrected))
    if job.decision is Decision.DONE:
        return RecordingStatus(job, State.DONE, job.reason.removeprefix("done").strip())
    if _may_have_lease(job, listings) and (owner := leases.holder(lease_path(job.recording, job.output))) is not None:
        return RecordingStatus(job, State.IN_PROGRESS, owner=owner)
    if job.decision is Decision.FAIL:
        return RecordingStatus(job, State.FAILED, str(job.error or job.reason))
    if (failure := failures.of(job.recording)) is not None:
        return RecordingStatus(job, State.FAILED, failure.message, failure=failure)
    if job.decision is Decision.TRANSCRIBE and job.transcript_version is None:
        return RecordingStatus(job, State.MISSING)
    return RecordingStatus(job, State.STALE, job.reason)


def _corrected_reason(job: Job, corrected: Corrected) -> str:
    """Which file, when; and what the next run would do beside it."""
    reason = f"{', '.join(corrected.names)}, {corrected.at}"
    return reason if job.decision is Decision.DONE else f"{reason}; {job.reason}"


def _may_have_lease(job: Job, listings: Listings) -> bool:
    """Whether to look for a lease. In a store, only leases that the listing shows are read."""
    if isinstance(job.output.folder, Path):
        return True
    return job.has_leftovers and listings.holds(lease_path(job.recording, job.output))
