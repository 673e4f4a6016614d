"""Counts and reports what becomes of each job: the summary, the events, the cost, and the failures on disk."""

from __future__ import annotations

import logging
import threading

from transcribe_cli.batch import run_events
from transcribe_cli.batch.failures import Failures
from transcribe_cli.batch.summary import RunSummary
from transcribe_cli.costs.meter import Meter
from transcribe_cli.errors import TranscribeError
from transcribe_cli.events import Emit, Event, RecordingSkipped, RunFinished
from transcribe_cli.formats.doubts import assess
from transcribe_cli.plan import Decision, Job
from transcribe_cli.text.verdicts import Assessment, Level
from transcribe_cli.transcript import Cost, Transcript

_LOG = logging.getLogger(__name__)


class FailFast(Exception):
    """Ends the run at its first failure, with `--fail-fast`."""


class RunRecorder:
    """What became of the jobs of a run. Every method may be called from any thread.

    Args:
        emit: receives every event, never two at once.
        meter: measures the cost.
        failures: where the last failure of each recording is stored.
        fail_fast: whether the first failure ends the run.
        fail_on: the verdict that makes the run exit with code 3.
        check_command: the command that lists the recordings to check.
    """

    def __init__(
        self,
        emit: Emit,
        meter: Meter,
        failures: Failures,
        *,
        fail_fast: bool,
        fail_on: Level | None = None,
        check_command: str = "",
    ) -> None:
        self.summary = RunSummary(fail_on=fail_on, check_command=check_command)
        self._listener = emit
        self._meter = meter
        self._failures = failures
        self._fail_fast = fail_fast
        self._lock = threading.Lock()
        self._left_running = 0

    def emit(self, event: Event) -> None:
        """Pass an event to the meter and the listener."""
        with self._lock:
            self._meter.on_event(event)
            self._listener(event)

    def cost_of(self, job: Job) -> Cost | None:
        """What the recording has cost so far; None when that is unknown."""
        with self._lock:
            return self._meter.recording_cost(job.recording.label)

    def skipped(self, job: Job) -> None:
        """Its outputs are up to date."""
        with self._lock:
            self.summary.tried += 1
            self.summary.skipped += 1
            self._assess(job, job.assessment)
        self.emit(RecordingSkipped(job.recording.label, job.reason))

    def rendered(self, job: Job, transcript: Transcript, seconds: float) -> None:
        """Missing formats were rendered from its transcript."""
        with self._lock:
            self.summary.tried += 1
            self.summary.rendered += 1
            self._assess(job, assess(transcript))
        self.emit(run_events.recording_done(job, transcript, seconds, rendered=True))

    def transcribed(self, job: Job, transcript: Transcript, seconds: float, cost: Cost | None) -> None:
        """It was transcribed or diarized, and written."""
        self._failures.forget(job.recording)
        with self._lock:
            self.summary.tried += 1
            self.summary.transcribed += job.decision is Decision.TRANSCRIBE
            self.summary.diarized += job.decision is Decision.DIARIZE
            self.summary.audio_seconds += transcript.duration
            self._assess(job, assess(transcript))
        self.emit(run_events.recording_done(job, transcript, seconds, cost))

    def left_running(self) -> None:
        """A job continues at a remote backend; the next run fetches its result."""
        with self._lock:
            self._left_running += 1

    def failed(self, job: Job, error: TranscribeError) -> None:
        """It has no transcript, or an incomplete one.

        Raises:
            FailFast: the run ends here.
        """
        with self._lock:
            self.summary.tried += 1
            self.summary.failed += 1
        if job.decision is not Decision.FAIL:  # the next plan finds those again
            self._failures.remember(job.recording, error)
        _LOG.debug("%s failed", job.recording.label, exc_info=error)
        self.emit(run_events.recording_failed(job, error, self.cost_of(job)))
        if self._fail_fast:
            raise FailFast

    def _assess(self, job: Job, assessment: Assessment | None) -> None:
        if assessment is not None:
            self.summary.assessments[job.recording.label] = assessment

    def finish(self, jobs: int, in_progress_elsewhere: int, exit_code: int | None = None) -> RunFinished:
        """Emit the last event of the run and return it.

        Args:
            jobs: number of jobs in the plan.
            in_progress_elsewhere: number of recordings that other runs are working on.
            exit_code: when an error or a signal decides it.
        """
        self.summary.elsewhere = in_progress_elsewhere + self._left_running
        self.summary.cost, self.summary.cost_by_backend = self._meter.total_cost(), self._meter.cost_by_backend()
        finished = self.summary.to_event(jobs, exit_code)
        self.emit(finished)
        return finished
