"""Polling a job until it ends, with events for its progress."""

from __future__ import annotations

import time
from collections.abc import Mapping

from transcribe_cli.backends.job_ids import JobIdRecord
from transcribe_cli.backends.runpod.client import JobExpired
from transcribe_cli.backends.runpod.job_status import JobState, JobStatus
from transcribe_cli.backends.runpod.run_context import RunContext
from transcribe_cli.backends.runpod.submission import time_limits
from transcribe_cli.backends.thread_pool import StopFlag
from transcribe_cli.errors import BackendFailed
from transcribe_cli.events import Notice, RecordingProgress, RecordingTaken
from transcribe_cli.plan import Job

# The interval grows from the first value to the second by the factor: short jobs end without delay, long ones take few requests.
_POLL_SECONDS, _MAX_POLL_SECONDS, _BACKOFF = 1.0, 15.0, 1.3
# Warn after the queue has not answered for this long, in seconds.
_UNREACHABLE_SECONDS = 120.0
# How long RunPod keeps a result. After the time to live of a job and this, no answer about it can be of use.
_KEPT_SECONDS = 1800.0


def wait_for_job(context: RunContext, job: Job, record: JobIdRecord, stop: StopFlag) -> JobStatus | None:
    """Poll a job until it ends. Returns its final status; None if the run detaches from the job.

    Raises:
        JobExpired: the queue no longer knows the job, or said nothing of its end for longer than it can live.
        NotReady: the endpoint cannot be used, or its queue is stalled.
        Stopped: the run was stopped.
    """
    poller = _Poller(context, job, record)
    _, ttl_seconds = time_limits(record.seconds, context.queue_seconds)
    over_at = record.sent + ttl_seconds + _KEPT_SECONDS
    pause = _POLL_SECONDS
    while True:
        status = poller.poll()
        if status is not None:
            if status.state.is_final:
                return status
            poller.report(status)
            if context.detach:
                return None
            context.check_queue(status)
        if time.time() > over_at:
            raise JobExpired
        stop.wait(pause)
        pause = min(_MAX_POLL_SECONDS, pause * _BACKOFF)


class _Poller:
    def __init__(self, context: RunContext, job: Job, record: JobIdRecord) -> None:
        self._context = context
        self._label = job.recording.label
        self._record = record
        self._unreachable_since: float | None = None
        self._warned = False
        self._taken = False

    def poll(self) -> JobStatus | None:
        """Return the job's status; None if RunPod did not answer."""
        try:
            status = self._context.client.status(self._record.id)
        except BackendFailed as error:
            self._unreachable_since = self._unreachable_since or time.monotonic()
            if not self._warned and time.monotonic() - self._unreachable_since > _UNREACHABLE_SECONDS:
                self._warned = True
                self._context.emit(Notice(f"{error.message} Jobs continue at RunPod; retrying.", "warning"))
            return None
        self._unreachable_since = None
        return status

    def report(self, status: JobStatus) -> None:
        """Emit events for a job that has not ended."""
        if status.state is JobState.RUNNING and not self._taken:
            self._taken = True
            self._report_taken(status)
        self._report_progress(status)

    def _report_taken(self, status: JobStatus) -> None:
        """A worker took the job, which is charged from now on, or since the job left the queue if RunPod reports that."""
        queued = status.queued_seconds
        seconds = time.time() - self._record.sent - queued if queued is not None else 0.0
        seconds = round(max(0.0, seconds), 3)
        self._context.emit(RecordingTaken(self._label, "runpod", self._record.id, seconds, self._context.endpoint))

    def _report_progress(self, status: JobStatus) -> None:
        progress = status.output
        if (
            status.state is not JobState.RUNNING
            or not isinstance(progress, Mapping)
            or not {"seconds", "duration"} <= progress.keys()
        ):
            return
        try:
            event = RecordingProgress(self._label, float(progress["seconds"]), float(progress["duration"]))
        except (TypeError, ValueError):
            return
        self._context.emit(event)
