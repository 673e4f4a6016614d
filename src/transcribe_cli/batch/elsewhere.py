"""The jobs that other runs are working on: reported once, and tried again when those runs have released them."""

from __future__ import annotations

from collections.abc import Sequence

from transcribe_cli.batch import run_events
from transcribe_cli.batch.claims import Claims
from transcribe_cli.events import Emit
from transcribe_cli.plan import Job


class JobsElsewhere:
    """The jobs of this run that another run has claimed. `claim` may be called from any thread.

    Args:
        claims: the claims of this run.
        emit: receives `RecordingElsewhere`, once for each recording.
    """

    def __init__(self, claims: Claims, emit: Emit) -> None:
        self._claims = claims
        self._emit = emit
        self._jobs: list[Job] = []
        self._reported: set[str] = set()

    def __len__(self) -> int:
        return len(self._jobs)

    def claim(self, job: Job) -> Job | None:
        """The job, planned again, now that this run has claimed it; None when another run holds it.

        Raises:
            StorageNotReady: the store cannot be reached.
        """
        claim = self._claims.claim(job)
        if (owner := claim.held_by) is None:
            return claim.job
        self.add(job)
        if job.recording.uri not in self._reported:
            self._reported.add(job.recording.uri)
            self._emit(run_events.recording_elsewhere(job, owner))
        return None

    def add(self, job: Job) -> None:
        """Keep a job for the end of the run."""
        self._jobs.append(job)

    def take_released(self) -> Sequence[Job]:
        """Remove and return the jobs that no other run holds any more, finished or not."""
        jobs, self._jobs = self._jobs, []
        released: list[Job] = []
        for job in jobs:
            (released if self._claims.is_free(job) else self._jobs).append(job)
        return released
