"""Many recordings: carry out a plan, write each result as it comes, tell what happens. The only place that writes outputs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from transcribe_cli import sinks, speaker_names
from transcribe_cli.audio import scratch
from transcribe_cli.backends import Opener
from transcribe_cli.backends.local import Local
from transcribe_cli.checkpoint import Checkpoints
from transcribe_cli.errors import DiarizationFailed, OutputRefused, RecordingError, StorageNotReady, TranscribeError
from transcribe_cli.events import (
    Emit,
    Event,
    RecordingDone,
    RecordingFailed,
    RecordingSkipped,
    RunFinished,
    RunStarted,
    VoicesFound,
)
from transcribe_cli.formats import render
from transcribe_cli.pipeline import Outcome
from transcribe_cli.plan import Decision, Job, check_writable
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import Output
from transcribe_cli.sources import json_safe
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import Transcript
from transcribe_cli.voices.known import KnownVoices, with_likenesses
from transcribe_cli.voices.library import Library

_LOG = logging.getLogger(__name__)
# Decisions for which a recording is decoded.
HEARD = frozenset({Decision.TRANSCRIBE, Decision.DIARIZE})
# What to do when a recording has its text and not its speakers.
_AGAIN = "The same command again tries only to find out who speaks."


@dataclass
class Tally:
    """What a run did, counted as it goes. Seconds."""

    transcribed: int = 0
    diarized: int = 0
    rendered: int = 0
    skipped: int = 0
    failed: int = 0
    elsewhere: int = 0
    tried: int = 0
    audio_seconds: float = 0.0
    stopped_by: str | None = None
    began: float = field(default_factory=time.perf_counter)

    def finished(self, jobs: int, exit_code: int | None = None) -> RunFinished:
        """The run's last event; `exit_code` when something else than failures decides it."""
        seconds = time.perf_counter() - self.began
        code = exit_code if exit_code is not None else RecordingError.exit_code if self.failed else 6 if self.elsewhere else 0
        return RunFinished(
            transcribed=self.transcribed,
            diarized=self.diarized,
            rendered=self.rendered,
            skipped=self.skipped,
            failed=self.failed,
            elsewhere=self.elsewhere,
            not_tried=jobs - self.tried - self.elsewhere,
            audio_seconds=round(self.audio_seconds, 3),
            seconds=round(seconds, 3),
            rtfx=round(self.audio_seconds / seconds, 2) if seconds else 0.0,
            exit_code=code,
            stopped_by=self.stopped_by,
        )


class Batch:
    """One run over a plan.

    Args:
        jobs: from `plan`, every recording once, also those that are done.
        spec: the run's own, before what a manifest says about single recordings; its model is loaded when there is something to do.
        emit: hears of everything, from several threads but never from two at once.
        where: opens the backend that does the work.
    """

    def __init__(self, jobs: Sequence[Job], spec: JobSpec, settings: Settings, emit: Emit, where: Opener = Local) -> None:
        self._jobs = jobs
        self._spec = spec
        self._settings = settings
        self._listener = emit
        self._lock = threading.Lock()
        self._tally = Tally()
        self._flag_names = speaker_names.parsed(settings.speaker_names)
        self._names: dict[Output, dict[str, str]] = {}
        self._voices: KnownVoices | None = None
        self._backend = where(spec, settings, self._emit)

    def run(self) -> RunFinished:
        """Do what the plan says: fail, skip, render, then transcribe and diarize, in this order.

        Raises:
            NotReady: the model, the device or the scratch space is not there; what was written until then stands.
            KeyboardInterrupt, SystemExit: passed on, after `RunFinished` told what is done.
        """
        try:
            self._jobs = check_writable(self._jobs)
            self._start()
            waiting = [job for job in self._jobs if job.decision in HEARD]
            if waiting:
                self._backend.check(waiting)
            self._names = _names_beside([job for job in waiting if job.spec.tells_speakers])
            if self._names and self._settings.voices:
                self._voices = KnownVoices(Library(self._settings.state_dir), self._settings.voice_threshold, self._emit)
            self._each(Decision.FAIL, self._fail_planned)
            self._each(Decision.DONE, self._skip)
            self._each(Decision.RENDER, self._render)
            self._transcribe(waiting)
        except _Stop:
            self._tally.stopped_by = "fail_fast"
        except (KeyboardInterrupt, SystemExit) as stop:
            code = stop.code if isinstance(stop, SystemExit) and isinstance(stop.code, int) else 130
            self._tally.stopped_by = "interrupted" if code == 130 else "terminated"
            self._emit(self._tally.finished(len(self._jobs), code))
            raise
        except TranscribeError as error:
            self._tally.stopped_by = error.code
            self._emit(self._tally.finished(len(self._jobs), error.exit_code))
            raise
        summary = self._tally.finished(len(self._jobs))
        self._emit(summary)
        return summary

    def _start(self) -> None:
        counts = {decision: sum(job.decision is decision for job in self._jobs) for decision in Decision}
        waiting = [job for job in self._jobs if job.decision in HEARD]
        self._emit(
            RunStarted(
                recordings=len(self._jobs),
                to_transcribe=counts[Decision.TRANSCRIBE],
                to_diarize=counts[Decision.DIARIZE],
                to_render=counts[Decision.RENDER],
                done=counts[Decision.DONE],
                bytes=sum(job.recording.size for job in waiting),
            )
        )
        crashed = {job.output.folder for job in self._jobs if job.crashed}
        for folder in {job.output.folder for job in self._jobs if job.decision is not Decision.FAIL}:
            if isinstance(folder, Path) or folder in crashed:
                sinks.recover(folder)
        Checkpoints(self._settings.state_dir).sweep()
        with suppress(StorageNotReady):  # a run with nothing to decode needs no scratch folder
            scratch.sweep(scratch.folder(None))

    def _each(self, decision: Decision, do: Callable[[Job], None]) -> None:
        for job in self._jobs:
            if job.decision is decision:
                do(job)

    def _fail_planned(self, job: Job) -> None:
        self._fail(job, job.error or RecordingError(job.reason))

    def _skip(self, job: Job) -> None:
        self._tally.tried += 1
        self._tally.skipped += 1
        self._emit(RecordingSkipped(job.recording.label, job.reason))

    def _render(self, job: Job) -> None:
        began = time.perf_counter()
        try:
            path = sinks.json_path(job.output)
            transcript = sinks.read(path)
            written = sinks.add(job.output, transcript, _rendered(transcript, job.formats), overwrite=self._settings.overwrite)
        except (TranscribeError, OSError) as error:
            self._fail(job, error if isinstance(error, TranscribeError) else OutputRefused(str(error)))
            return
        self._tally.tried += 1
        self._tally.rendered += 1
        self._emit(_done(job, written, time.perf_counter() - began, rendered=True))

    def _transcribe(self, jobs: Sequence[Job]) -> None:
        if not jobs:
            return
        with closing(self._backend.run(jobs, self._can_be_written)) as outcomes:
            for outcome in outcomes:
                self._take(outcome)

    def _can_be_written(self, job: Job) -> bool:
        """Whether the job's outputs could be written now: a disk that filled up costs no recognition. Called in the pipeline's threads."""
        try:
            check_writable([job])
        except StorageNotReady as error:
            self._fail(job, error)
            return False
        return True

    def _take(self, outcome: Outcome) -> None:
        job, transcript = outcome.job, outcome.transcript
        if outcome.elsewhere:
            self._tally.elsewhere += 1
            return
        if transcript is None:
            self._fail(job, outcome.error or RecordingError("There is no transcript."))
            return
        transcript = self._named(outcome, transcript)
        try:
            written = sinks.commit(job.output, transcript, _rendered(transcript, job.formats), overwrite=self._settings.overwrite)
        except (OutputRefused, StorageNotReady) as error:
            self._fail(job, error)
            return
        if outcome.checkpoint is not None:
            outcome.checkpoint.remove()
        if (failure := outcome.error) is not None:  # its text is there, and nobody knows who said it
            self._fail(job, DiarizationFailed(f"{failure.message} Its text is written.", f"{failure.hint} {_AGAIN}".strip()))
            return
        with self._lock:
            self._tally.tried += 1
            self._tally.transcribed += job.decision is Decision.TRANSCRIBE
            self._tally.diarized += job.decision is Decision.DIARIZE
            self._tally.audio_seconds += transcript.duration
        self._emit(_done(job, written, outcome.seconds))

    def _named(self, outcome: Outcome, transcript: Transcript) -> Transcript:
        """With the names of its speakers: of enrolled voices where people said nothing else."""
        job, found = outcome.job, outcome.diarization
        given = {**self._names.get(job.output, {}), **self._flag_names}
        if found is not None:
            likely = self._voices.heard_in(found, job.spec.diarize_model, given) if self._voices else ()
            transcript = with_likenesses(transcript, likely)
            if likely:
                self._emit(
                    VoicesFound(
                        job.recording.label,
                        {likeness.speaker: likeness.name for likeness in likely if likeness.sure},
                        {likeness.speaker: likeness.name for likeness in likely if not likeness.sure},
                        {likeness.speaker: round(likeness.similarity, 3) for likeness in likely},
                    )
                )
        return speaker_names.with_names(transcript, given)

    def _fail(self, job: Job, error: TranscribeError) -> None:
        with self._lock:
            self._tally.tried += 1
            self._tally.failed += 1
        _LOG.debug("%s failed", job.recording.label, exc_info=error)
        self._emit(RecordingFailed(job.recording.label, error.code, error.message, error.hint))
        if self._settings.fail_fast:
            raise _Stop

    def _emit(self, event: Event) -> None:
        with self._lock:
            self._listener(event)


class _Stop(Exception):
    """The first failure ends the run, because `--fail-fast` says so."""


def _names_beside(jobs: Sequence[Job]) -> dict[Output, dict[str, str]]:
    """What the speakers of each recording are called, as files next to it or to its transcript say."""
    listings = sinks.Listings()
    listings.expect((job.recording.root, job.recording.path.parent) for job in jobs)
    return {
        job.output: speaker_names.beside(job.recording.path, sinks.json_path(job.output), holds=listings.holds) for job in jobs
    }


def _rendered(transcript: Transcript, formats: Iterable[str]) -> dict[str, str]:
    return {name: render(name, transcript) for name in formats if name != "json"}


def _done(job: Job, transcript: Transcript, seconds: float, *, rendered: bool = False) -> RecordingDone:
    return RecordingDone(
        recording=job.recording.label,
        outputs=tuple(json_safe(job.output.path(name).name) for name in job.formats),
        language=transcript.language,
        duration=transcript.duration,
        seconds=round(seconds, 3),
        words=len(transcript.text.split()),
        flags=transcript.flags,
        rendered=rendered,
        diarized=job.decision is Decision.DIARIZE,
        speakers=len(transcript.speakers),
    )
