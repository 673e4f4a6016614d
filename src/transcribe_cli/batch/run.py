"""A run over many recordings: carry out a plan, write each result as it arrives, report what happens.

Parts: `model_free` (jobs that need no model), `outcome_writer` (results of the backend), `elsewhere` (jobs of other runs), `recorder`
(summary, events, cost).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from transcribe_cli.audio import scratch
from transcribe_cli.backends import BackendFactory
from transcribe_cli.backends.local import Local
from transcribe_cli.batch import run_events
from transcribe_cli.batch.background_writer import BackgroundWriter
from transcribe_cli.batch.claims import Claims
from transcribe_cli.batch.elsewhere import JobsElsewhere
from transcribe_cli.batch.failures import Failures
from transcribe_cli.batch.limits import Limits
from transcribe_cli.batch.model_free import ModelFreeJobs
from transcribe_cli.batch.outcome_writer import OutcomeWriter
from transcribe_cli.batch.recorder import FailFast, RunRecorder
from transcribe_cli.costs.meter import LocalMeter, Meter
from transcribe_cli.errors import StorageNotReady, TranscribeError, work_of_one_recording
from transcribe_cli.events import Emit, Event, Notice, RunFinished
from transcribe_cli.formats import check_formats
from transcribe_cli.interrupts import unwrap_interrupts
from transcribe_cli.pipeline.checkpoint import Checkpoints
from transcribe_cli.plan import NEEDS_MODEL, Decision, Job, again_lines, check_writable
from transcribe_cli.settings import Settings
from transcribe_cli.speakers.naming import SpeakerNaming
from transcribe_cli.spec import JobSpec


class Batch:
    """One run over a plan.

    Args:
        jobs: from `plan`, every recording once, including those that are done.
        spec: of the run, before a manifest changes it for single recordings. Its model is loaded only if a job needs it.
        emit: receives every event, from several threads but never two at once.
        backend_factory: opens the backend that does the work.
        meter: measures the cost of the run. Default: the cost is unknown.
        check_command: what the summary recommends if a verdict is doubtful.

    Raises:
        UsageError: a limit that cannot be enforced.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        spec: JobSpec,
        settings: Settings,
        emit: Emit,
        backend_factory: BackendFactory = Local,
        meter: Meter | None = None,
        check_command: str = "",
    ) -> None:
        self._jobs = jobs
        self._settings = settings
        meter = meter or LocalMeter(None)
        self._limits = Limits(settings, meter.total_cost)
        self._failures = Failures(settings.state_dir)
        self._recorder = RunRecorder(
            emit,
            meter,
            self._failures,
            fail_fast=settings.fail_fast,
            fail_on=settings.fail_on,
            check_command=check_command,
        )
        self._claims = Claims(spec, settings, self._recorder.emit)
        self._naming = SpeakerNaming(settings, self._recorder.emit)
        self._elsewhere = JobsElsewhere(self._claims, self._recorder.emit)
        self._replanned: list[Job] = []
        self._model_free = ModelFreeJobs(settings, self._claims, self._elsewhere, self._recorder)
        self._outcomes = OutcomeWriter(settings, self._claims, self._naming, self._recorder, self._keep_replanned)
        self._backend = backend_factory(spec, settings, self._emit)

    def run(self) -> RunFinished:
        """Do what the plan says: fail, skip, render, then transcribe and diarize, in this order; then what other runs left undone.

        Raises:
            NotReady: the model, the device or the scratch space is not available. What was written before remains.
            KeyboardInterrupt, SystemExit: raised again after `RunFinished` was emitted.
        """
        try:
            with unwrap_interrupts(), self._claims:
                self._carry_out()
        except FailFast:
            self._recorder.summary.stopped_by = "fail_fast"
        except (KeyboardInterrupt, SystemExit) as stop:
            code = stop.code if isinstance(stop, SystemExit) and isinstance(stop.code, int) else 130
            self._finish("interrupted" if code == 130 else "terminated", code)
            raise
        except TranscribeError as error:
            self._finish(error.code, error.exit_code)
            raise
        return self._recorder.finish(len(self._jobs), len(self._elsewhere))

    def _finish(self, stopped_by: str, exit_code: int) -> None:
        self._recorder.summary.stopped_by = stopped_by
        self._recorder.finish(len(self._jobs), len(self._elsewhere), exit_code)

    def _carry_out(self) -> None:
        self._jobs = check_writable(self._jobs)
        check_formats(name for job in self._jobs for name in job.formats)
        to_process = [job for job in self._jobs if job.decision in NEEDS_MODEL]
        self._recorder.emit(run_events.run_started(self._jobs))
        for line in again_lines(self._jobs):
            self._recorder.emit(Notice(line))
        if to_process and (limits := str(self._limits)):
            self._recorder.emit(Notice(limits))
        self._clean_up()
        for decision in (Decision.FAIL, Decision.DONE, Decision.RENDER):
            for job in self._jobs:
                if job.decision is decision:
                    self._model_free.carry_out(job)
        if to_process:
            self._backend.check(to_process)
        self._naming.load_names(to_process)
        self._process(to_process)
        self._process_released()

    def _clean_up(self) -> None:
        """Finish or remove what killed runs left behind: outputs, leases, checkpoints, failures, scratch files."""
        # A folder in a store is searched only if its listing showed something.
        searched = (job for job in self._jobs if job.has_leftovers or isinstance(job.output.folder, Path))
        self._claims.sweep({job.output.folder for job in searched if job.decision is not Decision.FAIL})
        Checkpoints(self._settings.state_dir).sweep()
        self._failures.sweep()
        with suppress(StorageNotReady):  # a run with nothing to decode needs no scratch folder
            scratch.sweep(scratch.folder(None))

    def _process(self, jobs: Sequence[Job]) -> None:
        """Transcribe and diarize jobs, and write each outcome as it arrives; then carry out the jobs that were planned again meanwhile."""
        if jobs:
            if self._backend.name == Local.name:  # elsewhere, the time of a recording is that of another machine
                self._recorder.preparation.work_begins(len(jobs))
            with (
                BackgroundWriter(self._outcomes.write) as writer,
                closing(self._backend.run(jobs, self._should_run, self._should_stop)) as outcomes,
            ):
                for outcome in outcomes:
                    writer.add(outcome, outcome.job.output.folder)
            self._recorder.preparation.work_ends()
        replanned, self._replanned = self._replanned, []
        for job in replanned:
            self._model_free.carry_out(job)

    def _process_released(self) -> None:
        """Process the jobs that other runs held and have released, until none is left."""
        while (released := self._elsewhere.take_released()) and not self._should_stop():
            still_held = len(self._elsewhere)
            self._process(released)
            if len(self._elsewhere) - still_held == len(released):
                break  # none could be claimed: trying again might never end

    def _should_stop(self) -> bool:
        """Whether a limit ends the run now, with work left. From any thread."""
        if (limit := self._limits.reached()) is not None:
            self._recorder.summary.stopped_by = limit
        return limit is not None

    def _should_run(self, job: Job) -> bool:
        """Whether to start the job now: its outputs can be written, no other run holds it, and the plan is still valid.

        Called in the threads of the backend, just before a job starts and again before each retry.
        """
        if self._should_stop():
            return False
        if self._claims.holds(job):
            return True
        try:
            with work_of_one_recording():
                check_writable([job])
                self._claims.prepare_folder(job.output.folder)
                claimed = self._elsewhere.claim(job)
        except TranscribeError as error:
            self._recorder.failed(job, error)
            return False
        if claimed is None or claimed.decision is job.decision:
            return claimed is not None
        self._claims.release(job)
        self._keep_replanned(claimed)
        return False

    def _keep_replanned(self, job: Job) -> None:
        """Keep a job whose decision changed because another run did its work."""
        self._replanned.append(job)

    def _emit(self, event: Event) -> None:
        """Events of the backend also update the progress in the leases."""
        self._claims.on_event(event)
        self._recorder.emit(event)
