"""How a tree stands: which recordings are done, out of date, failed, missing, or being worked on, by the files and leases in it.

Reads only. What failed is known from this machine's state folder, for the files of a tree do not say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from transcribe_cli.batch.failures import Failure, Failures
from transcribe_cli.batch.leases import LeaseManager, Owner, lease_path
from transcribe_cli.plan import Decision, Job
from transcribe_cli.sinks import Listings


class State(StrEnum):
    """Of a recording."""

    DONE = "done"
    STALE = "stale"
    FAILED = "failed"
    MISSING = "missing"
    IN_PROGRESS = "in_progress"


@dataclass(frozen=True)
class RecordingStatus:
    """How one recording stands.

    Attributes:
        reason: why it is stale or failed, for people; "" otherwise.
        owner: who works on it, when it is in progress.
        failure: the last one on this machine, when it failed.
    """

    job: Job
    state: State
    reason: str = ""
    owner: Owner | None = None
    failure: Failure | None = None


def recording_statuses(jobs: Iterable[Job], failures: Failures, leases: LeaseManager) -> list[RecordingStatus]:
    """How each recording stands.

    Args:
        jobs: from `plan`, without `overwrite`.
        failures: those of this machine's runs.
        leases: to look at; none is taken.
    """
    listings = Listings()
    return [_standing(job, failures, leases, listings) for job in jobs]


def _standing(job: Job, failures: Failures, leases: LeaseManager, listings: Listings) -> RecordingStatus:
    if job.decision is Decision.DONE:
        return RecordingStatus(job, State.DONE)
    if _may_be_held(job, listings) and (owner := leases.holder(lease_path(job.recording, job.output))) is not None:
        return RecordingStatus(job, State.IN_PROGRESS, owner=owner)
    if job.decision is Decision.FAIL:
        return RecordingStatus(job, State.FAILED, str(job.error or job.reason))
    if (failure := failures.of(job.recording)) is not None:
        return RecordingStatus(job, State.FAILED, failure.message, failure=failure)
    if job.decision is Decision.TRANSCRIBE and job.transcript_version is None:
        return RecordingStatus(job, State.MISSING)
    return RecordingStatus(job, State.STALE, job.reason)


def _may_be_held(job: Job, listings: Listings) -> bool:
    """In a store only the leases that a listing shows are asked for."""
    if isinstance(job.output.folder, Path):
        return True
    return job.has_leftovers and listings.holds(lease_path(job.recording, job.output))
