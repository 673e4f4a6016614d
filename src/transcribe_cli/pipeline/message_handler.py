"""What each message changes in the recordings in progress, and which outcomes follow.

What fails in the work of one recording is its outcome. What fails in the run (its devices, its preparation, who listens to its events)
ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

from transcribe_cli.errors import RecordingError, TranscribeError, UsageError, work_of_one_recording
from transcribe_cli.events import Emit, Notice, RecordingProgress, RecordingResumed
from transcribe_cli.pipeline.assembly import assemble, with_time
from transcribe_cli.pipeline.checkpoint import Checkpoints
from transcribe_cli.pipeline.diarizing import Diarized, DiarizerThread
from transcribe_cli.pipeline.messages import (
    Cancelled,
    ClipsFound,
    PreparationEnded,
    PreparationFailed,
    PreparationMessage,
    Prepared,
    Restarted,
    Started,
)
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.pipeline.prepare import Preparation
from transcribe_cli.pipeline.recording_state import RecordingState
from transcribe_cli.pipeline.time_shares import TimeShares
from transcribe_cli.plan import Decision, Job
from transcribe_cli.recognition.engines import Clip, Engine
from transcribe_cli.recognition.messages import AllDevicesFailed, ClipFailed, LanguageDetected, RecognitionMessage, Recognized
from transcribe_cli.recognition.scheduler import Scheduler
from transcribe_cli.sinks import json_path, read_transcript
from transcribe_cli.spec import JobSpec

Message: TypeAlias = PreparationMessage | RecognitionMessage | Diarized | Cancelled


class MessageHandler:
    """The recordings in progress; used by one thread only.

    Args:
        load_scheduler: loads the devices; called for the first clip.
        shares: counts the time of each recording.
    """

    def __init__(
        self,
        preparation: Preparation,
        load_scheduler: Callable[[], Scheduler],
        diarizer: DiarizerThread,
        checkpoints: Checkpoints | None,
        emit: Emit,
        backend: str,
        shares: TimeShares,
    ) -> None:
        self._preparation = preparation
        self._load_scheduler = load_scheduler
        self._diarizer = diarizer
        self._scheduler: Scheduler | None = None
        self._checkpoints = checkpoints
        self._emit = emit
        self._backend = backend
        self._shares = shares
        self._recordings: dict[int, RecordingState] = {}
        self._finished_early: set[int] = set()  # failed or cancelled; later messages about them are ignored
        self._cancelled: list[Job] = []  # that have not started
        self._is_preparation_over = False
        self._is_shortening_reported = False

    @property
    def is_done(self) -> bool:
        """Whether every job has had its outcome."""
        return self._is_preparation_over and not self._recordings

    def check_devices(self) -> None:
        """Remove devices that have timed out; call regularly."""
        if self._scheduler is not None:
            self._scheduler.check_timeouts()
            if self._is_preparation_over:
                self._scheduler.finish()

    def close(self) -> None:
        """Release the recordings that are not complete."""
        for recording in self._recordings.values():
            recording.close()

    def handle(self, message: Message) -> Iterator[Outcome]:
        """Process a message; yields the outcomes that follow.

        Raises:
            NotReady: the run cannot continue.
        """
        match message:
            case PreparationEnded(error=error) | AllDevicesFailed(error=error):
                if error is not None:
                    raise error
                self._is_preparation_over = True
            case Started(number=number) if number in self._finished_early:  # it restarted after its outcome
                message.waveform.close()
            case Started(number=number, job=job) if self._was_cancelled(job):
                self._finished_early.add(number)
                self._shares.end(number)
                message.waveform.close()
            case Started():
                yield from self._start(message)
            case Cancelled(job=job):
                self._cancel(job)
            case Restarted(number=number):
                self._drop(number)
            case PreparationFailed(number=number):
                self._drop(number)
                if number not in self._finished_early:
                    yield self._failed(number, message.job, message.error)
            case ClipsFound(number=number) | Prepared(number=number):
                yield from self._add_prepared(number, message)
            case Diarized(number=number):
                recording = self._recordings.get(number)
                if recording is not None and recording.started.waveform is message.waveform:
                    recording.diarized = message
                    yield from self._advance(recording, list)
            case LanguageDetected(clip=clip) | Recognized(clip=clip) | ClipFailed(clip=clip):
                # Otherwise its recording has failed or restarted meanwhile.
                recording = self._recordings.get(clip.recording)
                if recording is not None and recording.started.waveform is clip.waveform:
                    yield from self._add_recognized(recording, message)

    def _cancel(self, job: Job) -> None:
        for number, recording in self._recordings.items():
            if recording.started.job is job:
                self._finished_early.add(number)
                self._drop(number)
                self._shares.end(number)
                return
        self._cancelled.append(job)

    def _was_cancelled(self, job: Job) -> bool:
        """Whether a job was cancelled before it started; the cancellation is removed."""
        before = len(self._cancelled)
        self._cancelled = [other for other in self._cancelled if other is not job]
        return len(self._cancelled) < before

    def _start(self, started: Started) -> Iterator[Outcome]:
        """Start a recording with what is known already: the checkpoint of an interrupted run, or an existing transcript."""
        transcript = None
        if started.job.decision is Decision.DIARIZE:
            path = json_path(started.job.output)
            try:
                transcript = read_transcript(path)
            except TranscribeError as error:
                self._finished_early.add(started.number)
                yield self._failed(started.number, started.job, RecordingError(error.message, error.hint))
                return
        try:
            with work_of_one_recording():
                resumes = self._checkpoints is not None and transcript is None
                checkpoint = self._checkpoints.open(started.job, started.recording) if self._checkpoints and resumes else None
                self._recordings[started.number] = RecordingState(started, checkpoint, transcript)
        except RecordingError as error:
            self._finished_early.add(started.number)
            started.waveform.close()
            yield self._failed(started.number, started.job, error)

    def _add_prepared(self, number: int, message: ClipsFound | Prepared) -> Iterator[Outcome]:
        recording = self._recordings.get(number)
        if isinstance(message, ClipsFound):
            if recording is None:
                self._preparation.release(number, sum(clip.seconds for clip in message.clips))
            else:
                yield from self._advance(recording, partial(recording.add_clips, message.clips))
        elif recording is not None:
            yield from self._advance(recording, partial(recording.set_prepared, message))

    def _add_recognized(
        self, recording: RecordingState, message: LanguageDetected | Recognized | ClipFailed
    ) -> Iterator[Outcome]:
        match message:
            case LanguageDetected():
                yield from self._advance(recording, partial(recording.add_language_vote, message.clip, message.probabilities))
            case Recognized():
                yield from self._advance(recording, partial(recording.add_result, message.result))
            case ClipFailed():
                yield self._fail(recording, message.error)

    def _advance(self, recording: RecordingState, change: Callable[[], Sequence[Clip]]) -> Iterator[Outcome]:
        """Change what is known of a recording; recognize the clips that follow, or finish the recording if it is complete."""
        was_prepared = recording.prepared is not None
        try:
            with work_of_one_recording():
                clips = change()
        except RecordingError as error:
            yield self._fail(recording, error)
            return
        if not was_prepared and recording.prepared is not None and recording.needs_diarization:
            self._diarizer.add(recording.started.number, recording.started.job, recording.started.waveform)
        self._report_resume(recording)
        if clips:
            scheduler = self._scheduler = self._scheduler or self._load_scheduler()
            try:
                with work_of_one_recording():
                    scheduler.engine.check(recording.started.job.spec)
            except (UsageError, RecordingError) as error:
                yield self._fail(recording, RecordingError(error.message, error.hint))
                return
            scheduler.add(clips)
            self._report_shortened(scheduler.engine, recording.started.job.spec)
        self._report_progress(recording)
        self._release(recording)
        if recording.is_complete:
            del self._recordings[recording.started.number]
            yield self._finish(recording)

    def _report_shortened(self, engine: Engine, spec: JobSpec) -> None:
        """Emit once in a run that prompt and hotwords do not fit."""
        if not self._is_shortening_reported and (sentence := engine.shortened(spec)):
            self._is_shortening_reported = True
            self._emit(Notice(sentence, "warning"))

    def _report_resume(self, recording: RecordingState) -> None:
        """Emit once how much an earlier run recognized."""
        if recording.is_checkpoint_read and recording.resumed_seconds and not recording.is_resume_reported:
            recording.is_resume_reported = True
            label, seconds = recording.started.recording.label, recording.started.waveform.seconds
            self._emit(RecordingResumed(label, seconds * recording.resumed_seconds / recording.speech_seconds, seconds))

    def _report_progress(self, recording: RecordingState) -> None:
        """Emit how much is recognized. The share is known once all clips are found."""
        seconds, whole = recording.recognized_seconds, recording.started.waveform.seconds
        if recording.prepared is not None and seconds > recording.reported_seconds:
            recording.reported_seconds = seconds
            label = recording.started.recording.label
            self._emit(RecordingProgress(label, whole * seconds / recording.speech_seconds, whole))

    def _release(self, recording: RecordingState) -> None:
        """Make room for the preparation of other recordings."""
        if (seconds := recording.releasable_seconds - recording.released_seconds) > 0:
            recording.released_seconds += seconds
            self._preparation.release(recording.started.number, seconds)

    def _finish(self, recording: RecordingState) -> Outcome:
        job = recording.started.job
        device, revision = (self._scheduler.device, self._scheduler.engine.revision) if self._scheduler else ("", None)
        try:
            with work_of_one_recording():
                transcript = assemble(recording, device, self._backend, revision)
        except RecordingError as failure:
            return self._failed(recording.started.number, job, failure)
        finally:
            recording.close()
        share = self._shares.end(recording.started.number)
        transcript = with_time(transcript, recording.prepared, share)
        error, diarization = (recording.diarized.error, recording.diarized.diarization) if recording.diarized else (None, None)
        if error is not None and recording.existing_transcript is not None and recording.existing_transcript.speakers:
            return Outcome(job, error=error, seconds=share.total)  # the speakers from an earlier diarization are kept
        return Outcome(job, transcript, error, recording.checkpoint, share.total, diarization)

    def _fail(self, recording: RecordingState, error: TranscribeError) -> Outcome:
        self._finished_early.add(recording.started.number)
        self._drop(recording.started.number)
        return self._failed(recording.started.number, recording.started.job, error)

    def _failed(self, number: int, job: Job, error: TranscribeError) -> Outcome:
        return Outcome(job, error=error, seconds=self._shares.end(number).total)

    def _drop(self, number: int) -> None:
        """Discard a recording, if it has started."""
        if (recording := self._recordings.pop(number, None)) is None:
            return
        if self._scheduler is not None:
            self._scheduler.discard(recording.started.waveform)
        self._diarizer.discard(recording.started.waveform)
        self._preparation.release(number, recording.speech_seconds - recording.released_seconds)
        recording.close()
