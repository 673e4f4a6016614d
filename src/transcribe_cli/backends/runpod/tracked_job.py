"""A job's id on disk and its objects in the staging bucket, so that a later run can collect or remove them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from transcribe_cli.backends.job_ids import JobIdRecord
from transcribe_cli.backends.runpod.run_context import RunContext
from transcribe_cli.events import Notice
from transcribe_cli.plan import Job


class TrackedJob:
    """One job: its record, the file of the record, and its objects in the staging bucket.

    Attributes:
        record: the current record.
    """

    def __init__(self, context: RunContext, job: Job) -> None:
        self._file = context.job_ids.file_for(job)
        self._staging = context.staging
        self._emit = context.emit
        self.record = context.job_ids.new_record(job)

    def find(self) -> JobIdRecord | None:
        """Return the record that an earlier run left on disk."""
        return self._file.read()

    def update(self, **changes: Any) -> None:  # noqa: ANN401 - fields of the record
        """Change fields of the record, in memory only."""
        self.record = replace(self.record, **changes)

    def save(self) -> None:
        """Write the record to disk.

        Raises:
            StorageNotReady: it cannot be written, so the job must not be sent.
        """
        self._file.write(self.record)

    def staged_result(self) -> bytes | None:
        """Return the result from the staging bucket; None if there is none."""
        if not self.record.result or self._staging is None:
            return None
        return self._staging.get(self.record.result)

    def remove(self) -> None:
        """Remove the record and the staged result.

        Called once the transcript is written. Until then a run that is killed leaves a result that the next run can collect.
        """
        self.remove_file()
        if self.record.result and self._staging is not None:
            self._staging.remove(self.record.result)

    def forget(self) -> None:
        """Remove everything: the staged objects and the record."""
        self.remove_staged(self.record)
        self.remove_file()

    def remove_file(self) -> None:
        """Remove the record from disk."""
        self._file.remove()

    def remove_staged(self, record: JobIdRecord) -> None:
        """Remove the objects of a record, this job's or an earlier run's, from the staging bucket."""
        self.remove_staged_audio(record)
        if record.result and self._staging is not None:
            self._staging.remove(record.result)

    def remove_staged_audio(self, record: JobIdRecord) -> None:
        """Remove only the audio from the staging bucket; a warning reports if that fails."""
        if record.staged and self._staging is not None and not self._staging.remove(record.staged):
            self._emit(Notice(f"Could not remove {record.staged} from the staging bucket.", "warning"))
