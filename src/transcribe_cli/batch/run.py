"""Many recordings: carry out a plan, write each result as it comes, tell what happens. The only place that writes outputs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from transcribe_cli import sinks
from transcribe_cli.audio import scratch
from transcribe_cli.backends import BackendFactory
from transcribe_cli.backends.local import Local
from transcribe_cli.batch import run_events
from transcribe_cli.batch.claims import Claims
from transcribe_cli.batch.failures import Failures
from transcribe_cli.batch.limits import Limits
from transcribe_cli.batch.summary import Tally
from transcribe_cli.batch.writing import Writing
from transcribe_cli.costs.meter import LocalMeter, Meter
from transcribe_cli.errors import DiarizationFailed, OutputRefused, RecordingError, StorageNotReady, TranscribeError
from transcribe_cli.events import (
    Emit,
    Event,
    Notice,
    RecordingSkipped,
    RunFinished,
)
from transcribe_cli.formats import check_formats, render_bytes
from transcribe_cli.interrupts import unwrap_interrupts
from transcribe_cli.pipeline.checkpoint import Checkpoints
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import NEEDS_MODEL, Decision, Job, check_writable
from transcribe_cli.settings import Settings
from transcribe_cli.speakers.naming import SpeakerNaming
from transcribe_cli.spec import JobSpec
from transcribe_cli.subtitles.standards import SubtitleStyle
from transcribe_cli.transcript import Cost, Transcript

_LOG = logging.getLogger(__name__)
# What to do when a recording has its text and not its speakers.
_AGAIN = "The same command again tries only to find out who speaks."


class Batch:
    """One run over a plan.

    Args:
        jobs: from `plan`, every recording once, also those that are done.
        spec: the run's own, before what a manifest says about single recordings; its model is loaded when there is something to do.
        emit: hears of everything, from several threads but never from two at once.
        where: opens the backend that does the work.
        meter: knows what the run costs; without one nobody does.

    Raises:
        UsageError: a limit that cannot be kept.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        spec: JobSpec,
        settings: Settings,
        emit: Emit,
        where: BackendFactory = Local,
        meter: Meter | None = None,
    ) -> None:
        self._jobs = jobs
        self._spec = spec
        self._settings = settings
        self._subtitles = settings.subtitle_style
        self._listener = emit
        self._lock = threading.Lock()
        self._tally = Tally()
        self._meter = meter or LocalMeter(None)
        self._limits = Limits(settings, self._meter.total_cost)
        self._failures = Failures(settings.state_dir)
        self._claims = Claims(spec, settings, self._emit)
        self._naming = SpeakerNaming(settings, self._emit)
        self._elsewhere: list[Job] = []
        self._decided_anew: list[Job] = []
        self._detached = 0
        self._told: set[str] = set()
        self._backend = where(spec, settings, self._emit)

    def run(self) -> RunFinished:
        """Do what the plan says: fail, skip, render, then transcribe and diarize, in this order; then what other runs left.

        Raises:
            NotReady: the model, the device or the scratch space is not there; what was written until then stands.
            KeyboardInterrupt, SystemExit: passed on, after `RunFinished` told what is done.
        """
        try:
            with unwrap_interrupts(), self._claims:
                self._carry_out()
        except _Stop:
            self._tally.stopped_by = "fail_fast"
        except (KeyboardInterrupt, SystemExit) as stop:
            code = stop.code if isinstance(stop, SystemExit) and isinstance(stop.code, int) else 130
            self._tally.stopped_by = "interrupted" if code == 130 else "terminated"
            self._emit(self._finished(code))
            raise
        except TranscribeError as error:
            self._tally.stopped_by = error.code
            self._emit(self._finished(error.exit_code))
            raise
        summary = self._finished()
        self._emit(summary)
        return summary

    def _finished(self, exit_code: int | None = None) -> RunFinished:
        self._tally.elsewhere = len(self._elsewhere) + self._detached
        self._tally.cost, self._tally.cost_by_backend = self._meter.total_cost(), self._meter.cost_by_backend()
        return self._tally.finished(len(self._jobs), exit_code)

    def _carry_out(self) -> None:
        self._jobs = check_writable(self._jobs)
        check_formats(name for job in self._jobs for name in job.formats)
        self._start()
        for decision in (Decision.FAIL, Decision.DONE, Decision.RENDER):
            for job in self._jobs:
                if job.decision is decision:
                    self._settle(job)
        waiting = [job for job in self._jobs if job.decision in NEEDS_MODEL]
        if waiting:
            self._backend.check(waiting)
        self._naming.load_names(waiting)
        self._hear(waiting)

    def _start(self) -> None:
        waiting = [job for job in self._jobs if job.decision in NEEDS_MODEL]
        self._emit(run_events.started(self._jobs))
        if waiting and (limits := str(self._limits)):
            self._emit(Notice(limits))
        # In a store a folder is looked into only where the listing showed something.
        looked_into = (job for job in self._jobs if job.has_leftovers or isinstance(job.output.folder, Path))
        self._claims.sweep({job.output.folder for job in looked_into if job.decision is not Decision.FAIL})
        Checkpoints(self._settings.state_dir).sweep()
        self._failures.sweep()
        with suppress(StorageNotReady):  # a run with nothing to decode needs no scratch folder
            scratch.sweep(scratch.folder(None))

    def _settle(self, job: Job) -> None:
        """Do what needs no model."""
        match job.decision:
            case Decision.FAIL:
                self._fail(job, job.error or RecordingError(job.reason))
            case Decision.DONE:
                self._skip(job)
            case Decision.RENDER:
                self._render(job)
            case Decision.TRANSCRIBE | Decision.DIARIZE:
                self._elsewhere.append(job)

    def _skip(self, job: Job) -> None:
        self._tally.tried += 1
        self._tally.skipped += 1
        self._emit(RecordingSkipped(job.recording.label, job.reason))

    def _render(self, job: Job) -> None:
        began = time.perf_counter()
        try:
            now = self._claimed(job)
        except StorageNotReady as error:
            self._fail(job, error)
            return
        if now is None:
            return
        only_recovered = not job.formats and now.decision is Decision.DONE
        try:
            if now.decision is not Decision.RENDER and not only_recovered:
                self._settle(now)
                return
            transcript = sinks.read_transcript(sinks.json_path(now.output))
            rendered = _rendered(transcript, now, self._subtitles)
            written = sinks.add_renderings(
                now.output, transcript, rendered, stamp=self._subtitles.stamp, overwrite=self._settings.overwrite
            )
        except (TranscribeError, OSError) as error:
            self._fail(job, error if isinstance(error, TranscribeError) else OutputRefused(str(error)))
            return
        finally:
            self._claims.release(job)
        self._tally.tried += 1
        self._tally.rendered += 1
        self._emit(run_events.done(now, written, time.perf_counter() - began, rendered=True))

    def _hear(self, jobs: Sequence[Job]) -> None:
        """Transcribe and diarize, and whatever other runs began and did not finish."""
        self._pass_over(jobs)
        while (left := self._left_by_others()) and not self._should_stop():
            in_progress = len(self._elsewhere)
            self._pass_over(left)
            if len(self._elsewhere) - in_progress == len(left):
                break  # none could be had after all; there would be no end to asking

    def _pass_over(self, jobs: Sequence[Job]) -> None:
        if jobs:
            with Writing(self._take) as writing, closing(self._backend.run(jobs, self._may_begin, self._should_stop)) as outcomes:
                for outcome in outcomes:
                    writing.add(outcome, outcome.job.output.folder)
        decided, self._decided_anew = self._decided_anew, []
        for job in decided:
            self._settle(job)

    def _should_stop(self) -> bool:
        """Whether a limit ends the run now, with work left. From any thread."""
        if (limit := self._limits.reached()) is not None:
            self._tally.stopped_by = limit
        return limit is not None

    def _left_by_others(self) -> Sequence[Job]:
        """Of the recordings that were in progress elsewhere, those that are not any more: done or not."""
        asked, self._elsewhere = self._elsewhere, []
        free: list[Job] = []
        for job in asked:
            (free if self._claims.is_free(job) else self._elsewhere).append(job)
        return free

    def _may_begin(self, job: Job) -> bool:
        """Whether to go on with it now: there is room for its outputs, nobody else is at it, and it is what the plan said.

        Called in the backend's threads, just before its turn, and again before another attempt.
        """
        if self._should_stop():
            return False
        if self._claims.has(job):
            return True
        try:
            check_writable([job])
            self._claims.make_ready(job.output.folder)
            now = self._claimed(job)
        except (StorageNotReady, OutputRefused) as error:
            self._fail(job, error)
            return False
        if now is None or now.decision is job.decision:
            return now is not None
        self._claims.release(job)
        self._decided_anew.append(now)
        return False

    def _claimed(self, job: Job) -> Job | None:
        """The job as it stands now that it is this run's; None when another run is at it."""
        claim = self._claims.claim(job)
        if (owner := claim.elsewhere) is None:
            return claim.job
        self._elsewhere.append(job)
        if job.recording.uri not in self._told:
            self._told.add(job.recording.uri)
            self._emit(run_events.elsewhere(job, owner))
        return None

    def _take(self, outcome: Outcome) -> None:
        """Write what came of a job. For stores in threads of their own."""
        try:
            if outcome.elsewhere:
                with self._lock:
                    self._detached += 1
            elif outcome.transcript is None:
                self._fail(outcome.job, outcome.error or RecordingError("There is no transcript."))
            elif (now := self._claims.begin_writing(outcome.job)).decision in NEEDS_MODEL:
                self._write(outcome, outcome.transcript)
            else:  # another run took it over, and was faster
                self._decided_anew.append(now)
                if outcome.checkpoint is not None:
                    outcome.checkpoint.remove()
        finally:
            self._claims.release(outcome.job)

    def _write(self, outcome: Outcome, transcript: Transcript) -> None:
        job, cost = outcome.job, self._share(outcome.job)
        transcript = self._naming.apply_names(job, transcript, outcome.diarization)
        if cost is not None:
            transcript = transcript.model_copy(update={"cost": cost.plus(transcript.cost)})
        try:
            rendered = _rendered(transcript, job, self._subtitles)
            written = sinks.commit(
                job.output, transcript, rendered, stamp=self._subtitles.stamp, overwrite=self._settings.overwrite
            )
        except (OutputRefused, StorageNotReady) as error:
            self._fail(job, error)
            return
        if outcome.checkpoint is not None:
            outcome.checkpoint.remove()
        if (failure := outcome.error) is not None:  # its text is there, and nobody knows who said it
            self._fail(job, DiarizationFailed(f"{failure.message} Its text is written.", f"{failure.hint} {_AGAIN}".strip()))
            return
        self._failures.forget(job.recording)
        with self._lock:
            self._tally.tried += 1
            self._tally.transcribed += job.decision is Decision.TRANSCRIBE
            self._tally.diarized += job.decision is Decision.DIARIZE
            self._tally.audio_seconds += transcript.duration
        self._emit(run_events.done(job, written, outcome.seconds, cost))

    def _fail(self, job: Job, error: TranscribeError) -> None:
        with self._lock:
            self._tally.tried += 1
            self._tally.failed += 1
        if job.decision is not Decision.FAIL:  # which the next look at the tree says again
            self._failures.remember(job.recording, error)
        _LOG.debug("%s failed", job.recording.label, exc_info=error)
        self._emit(run_events.failed(job, error, self._share(job)))
        if self._settings.fail_fast:
            raise _Stop

    def _share(self, job: Job) -> Cost | None:
        """What a recording has cost so far, as far as anybody knows."""
        with self._lock:
            return self._meter.recording_cost(job.recording.label)

    def _emit(self, event: Event) -> None:
        self._claims.hear(event)
        with self._lock:
            self._meter.on_event(event)
            self._listener(event)


class _Stop(Exception):
    """The first failure ends the run, because `--fail-fast` says so."""


def _rendered(transcript: Transcript, job: Job, subtitles: SubtitleStyle) -> dict[str, bytes]:
    return {name: render_bytes(name, transcript, subtitles, job.output.uri) for name in job.formats if name != "json"}
