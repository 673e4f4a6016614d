"""Writes the outcomes that a backend yields: names speakers, renders formats, commits the files, releases the claim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from transcribe_cli import sinks
from transcribe_cli.batch.claims import Claims
from transcribe_cli.batch.recorder import RunRecorder
from transcribe_cli.batch.rendering import render_job
from transcribe_cli.errors import DiarizationFailed, RecordingError, TranscribeError, work_of_one_recording
from transcribe_cli.events import Notice
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import NEEDS_MODEL, Job
from transcribe_cli.registry import FORMATS
from transcribe_cli.settings import Settings
from transcribe_cli.speakers.naming import SpeakerNaming
from transcribe_cli.text.printable import printable
from transcribe_cli.transcript import Cost, Timing, Transcript

# For a recording that has its text but not its speakers.
_RETRY_HINT = "Run the same command again to retry only the diarization."


class OutcomeWriter:
    """Writes outcomes, for stores in several threads at once.

    Args:
        on_replanned: receives a job that another run finished first, planned again.
    """

    def __init__(
        self,
        settings: Settings,
        claims: Claims,
        naming: SpeakerNaming,
        recorder: RunRecorder,
        on_replanned: Callable[[Job], None],
    ) -> None:
        self._on_replanned = on_replanned
        self._overwrite, self._replace_corrected = settings.overwrite, settings.replace_corrected
        self._subtitles = settings.subtitle_style
        self._claims = claims
        self._naming = naming
        self._recorder = recorder

    def write(self, outcome: Outcome) -> None:
        """Write one outcome and release its recording.

        Raises:
            FailFast: the recording failed, and the run ends at its first failure.
        """
        outcome = self._with_preparation(outcome)
        try:
            if outcome.elsewhere:
                self._recorder.left_running()
            elif outcome.transcript is None:
                error = outcome.error or RecordingError("There is no transcript.")
                self._recorder.failed(outcome.job, error, outcome.seconds)
            else:
                self._commit(outcome, outcome.transcript)
        finally:
            self._claims.release(outcome.job)

    def _with_preparation(self, outcome: Outcome) -> Outcome:
        """The outcome with its part of the time before the work."""
        if not (seconds := self._recorder.preparation.per_recording):
            return outcome
        transcript = outcome.transcript
        if transcript is not None:
            timing = transcript.timing.plus(Timing(total=seconds), transcript.duration)
            transcript = transcript.model_copy(update={"timing": timing})
        return replace(outcome, transcript=transcript, seconds=outcome.seconds + seconds)

    def _commit(self, outcome: Outcome, transcript: Transcript) -> None:
        job, cost = outcome.job, self._recorder.cost_of(outcome.job, outcome.seconds)
        try:
            with work_of_one_recording():
                current = self._claims.begin_writing(job)
                is_ours = current.decision in NEEDS_MODEL
                job = self._with_listed_formats(self._beside_corrected(job)) if is_ours else job
                written = self._written(job, outcome, transcript, cost) if is_ours else transcript
                if outcome.checkpoint is not None:
                    outcome.checkpoint.remove()
        except TranscribeError as error:
            self._recorder.failed(job, error, outcome.seconds)
            return
        if not is_ours:  # another run took the recording over and finished first
            self._on_replanned(current)
            return
        if (failure := outcome.error) is not None:  # the text is written, the speakers are unknown
            hint = f"{failure.hint} {_RETRY_HINT}".strip()
            without_speakers = DiarizationFailed(f"{failure.message} The text was written without speakers.", hint)
            self._recorder.failed(job, without_speakers, outcome.seconds)
            return
        self._recorder.transcribed(job, written, outcome.seconds, cost)

    def _beside_corrected(self, job: Job) -> Job:
        """The job, with an output that replaces nothing that a person corrected; a line says so."""
        if self._replace_corrected:
            return job
        spec = job.spec.canonical()
        output = sinks.free_output(job.output, job.recording, spec)
        corrected = sinks.find_corrected(job.output, job.recording, spec) or job.corrected
        if corrected is not None:
            names, new = ", ".join(map(printable, corrected.names)), printable(sinks.json_path(output).name)
            verb = "was" if len(corrected.names) == 1 else "were"
            self._recorder.emit(Notice(f"{job.recording.label}: {names} {verb} corrected and kept; the new transcript is {new}."))
        return replace(job, output=output)

    def _with_listed_formats(self, job: Job) -> Job:
        """The job with the formats that are there of the old transcript: they follow the new one."""
        listed = sinks.listed_formats(job.output, sinks.read_header(sinks.json_path(job.output)))
        others = set(listed).intersection(FORMATS.installed())
        return replace(job, formats=(*job.formats, *(name for name in FORMATS.names() if name in others - set(job.formats))))

    def _written(self, job: Job, outcome: Outcome, transcript: Transcript, cost: Cost | None) -> Transcript:
        """Write the files of a recording. Returns the transcript as it is in them."""
        transcript = self._naming.apply_names(job, transcript, outcome.diarization)
        if cost is not None:
            transcript = transcript.model_copy(update={"cost": cost.plus(transcript.cost)})
        rendered = render_job(job, transcript, self._subtitles)
        return sinks.commit(
            job.output,
            transcript,
            rendered,
            stamp=self._subtitles.stamp,
            overwrite=self._overwrite,
            replace_corrected=self._replace_corrected,
        )
