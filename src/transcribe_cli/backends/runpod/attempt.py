"""One attempt at a recording: submit it, or find the job of an earlier run, wait for the job, and return its outcome."""

from __future__ import annotations

from dataclasses import replace

from transcribe_cli.backends.runpod.client import JobExpired, SubmissionUncertain
from transcribe_cli.backends.runpod.job_status import JobState, JobStatus
from transcribe_cli.backends.runpod.polling import wait_for_job
from transcribe_cli.backends.runpod.run_context import RunContext
from transcribe_cli.backends.runpod.submission import submit
from transcribe_cli.backends.runpod.tracked_job import TrackedJob
from transcribe_cli.backends.thread_pool import StopFlag, Stopped
from transcribe_cli.costs.usage import Usage
from transcribe_cli.errors import BackendFailed, NotReady, RecordingError, StorageNotReady
from transcribe_cli.events import Notice, RecordingStarted
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Decision, Job
from transcribe_cli.text.printable import printable


def run_job(context: RunContext, job: Job, stop: StopFlag) -> Outcome:
    """Run one job. Staged objects are removed in any case.

    Raises:
        NotReady: the endpoint, the staging bucket or this machine cannot be used.
        Stopped: the run was stopped; the job was cancelled, or left at RunPod with `--detach`.
    """
    return _Attempt(context, job, stop).run()


class _Attempt:
    def __init__(self, context: RunContext, job: Job, stop: StopFlag) -> None:
        self._context = context
        self._job = job
        self._stop = stop
        self._tracked = TrackedJob(context, job)
        self._final_status: JobStatus | None = None
        self._perhaps_again = False

    def run(self) -> Outcome:
        recording, spec = self._job.recording, self._job.spec
        transcribe = self._job.decision is Decision.TRANSCRIBE
        self._context.emit(RecordingStarted(recording.label, recording.size, transcribe, spec.diarize, "runpod"))
        try:
            self._find_or_submit()
            status = self._wait()
            if status is None:
                return Outcome(self._job, elsewhere=True)
            outcome = self._outcome(status)
        except Stopped:
            self._cancel()
            raise
        except (RecordingError, BackendFailed) as error:
            self._tracked.forget()
            outcome = Outcome(self._job, error=error)
        except NotReady as error:
            if self._tracked.record.id and self._final_status is None:
                self._cancel()
            elif not isinstance(error, StorageNotReady):  # a result that cannot be fetched now can be collected by the next run
                self._tracked.forget()
            raise
        may_be_charged = bool(self._tracked.record.id) or isinstance(outcome.error, SubmissionUncertain)
        return replace(outcome, usage=(self._usage(outcome),) if may_be_charged else ())

    def _find_or_submit(self) -> None:
        """Use the job of an earlier run if its id is known; otherwise submit a new one."""
        earlier = self._tracked.find()
        if earlier is not None and earlier.id:
            self._tracked.record = earlier
            self._notify(f"{self._label} is already at RunPod as job {earlier.id}; it is not sent again.")
            return
        if earlier is not None:
            if earlier.sent:
                self._perhaps_again = True
                self._notify(
                    f"{self._label} may have been sent by a run that was killed before it received the job id; "
                    "it may be paid for twice.",
                    "warning",
                )
            self._tracked.remove_staged(earlier)
        submit(self._context, self._job, self._tracked, self._stop)

    def _wait(self) -> JobStatus | None:
        """Wait for the final status; None if the job is left at RunPod.

        Raises:
            BackendFailed: the job expired, and its result is lost.
        """
        try:
            self._final_status = wait_for_job(self._context, self._job, self._tracked.record, self._stop)
        except JobExpired as error:
            job_id = self._tracked.record.id
            if self._tracked.staged_result() is None:
                self._perhaps_again = True
                raise BackendFailed(
                    f"RunPod no longer knows job {job_id}: its result was not collected in time, or it waited too long. "
                    "Its work is still paid for.",
                    "RunPod keeps results for 30 minutes; with --staging they are kept in a bucket.",
                ) from error
            self._final_status = JobStatus(job_id, JobState.COMPLETED)
        return self._final_status

    def _outcome(self, status: JobStatus) -> Outcome:
        """Convert the final status to an outcome."""
        if status.retries:
            self._perhaps_again = True
            self._notify(
                f"RunPod started {self._label} {status.retries + 1} times; the work of workers that died may be paid for too.",
                "warning",
            )
        match status.state:
            case JobState.COMPLETED:
                return self._completed(status)
            case JobState.FAILED:
                raise self._context.dialect.error(status)
            case JobState.TIMED_OUT:
                raise BackendFailed(f"Job {status.id} exceeded its time limit at RunPod.")
            case _:
                raise BackendFailed(f"Job {status.id} was cancelled at RunPod.")

    def _completed(self, status: JobStatus) -> Outcome:
        stored = self._tracked.staged_result()
        output = status.output if stored is None else stored
        outcome = self._context.dialect.outcome(self._job, self._tracked.record, output)
        if outcome.transcript is None:
            self._tracked.remove()
        self._tracked.remove_staged_audio(self._tracked.record)
        return replace(outcome, checkpoint=None if outcome.transcript is None else self._tracked)

    def _cancel(self) -> None:
        """The run ends: cancel the job, unless the user detaches from it."""
        job_id = self._tracked.record.id
        if job_id and not self._context.detach and self._context.client.cancel(job_id):
            self._tracked.forget()

    def _usage(self, outcome: Outcome) -> Usage:
        status, record = self._final_status, self._tracked.record
        return Usage(
            backend="runpod",
            place=self._context.endpoint,
            tariffs=self._context.tariffs,
            job_id=record.id,
            computing=self._compute_seconds(outcome),
            queued=status.queued_seconds if status else None,
            audio=record.seconds,
            bytes_sent=record.bytes,
            error=outcome.error.code if outcome.error else "",
            perhaps_again=self._perhaps_again,
        )

    def _compute_seconds(self, outcome: Outcome) -> float | None:
        """The worker's time as RunPod reports it; otherwise as the worker reports it."""
        if self._final_status is None:
            return None
        if self._final_status.compute_seconds is not None:
            return self._final_status.compute_seconds
        if self._final_status.state is JobState.CANCELLED:
            return 0.0  # it never started
        return outcome.seconds or None

    @property
    def _label(self) -> str:
        return printable(self._job.recording.label)

    def _notify(self, message: str, level: str = "info") -> None:
        self._context.emit(Notice(message, level))
