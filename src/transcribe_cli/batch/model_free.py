"""Carries out the jobs that need no model: report failures, skip what is done, render missing formats."""

from __future__ import annotations

import time

from transcribe_cli import sinks
from transcribe_cli.batch.claims import Claims
from transcribe_cli.batch.elsewhere import JobsElsewhere
from transcribe_cli.batch.recorder import RunRecorder
from transcribe_cli.batch.rendering import render_job
from transcribe_cli.errors import OutputRefused, RecordingError, StorageNotReady, TranscribeError, work_of_one_recording
from transcribe_cli.plan import Decision, Job
from transcribe_cli.settings import Settings
from transcribe_cli.transcript import Transcript


class ModelFreeJobs:
    """Carries out jobs whose decision is FAIL, DONE or RENDER.

    A job whose decision has changed to TRANSCRIBE or DIARIZE is kept in `elsewhere` and done at the end of the run.
    """

    def __init__(self, settings: Settings, claims: Claims, elsewhere: JobsElsewhere, recorder: RunRecorder) -> None:
        self._overwrite, self._replace_corrected = settings.overwrite, settings.replace_corrected
        self._subtitles = settings.subtitle_style
        self._claims = claims
        self._elsewhere = elsewhere
        self._recorder = recorder

    def carry_out(self, job: Job) -> None:
        """Do what the job's decision says."""
        match job.decision:
            case Decision.FAIL:
                self._recorder.failed(job, job.error or RecordingError(job.reason))
            case Decision.DONE:
                self._recorder.skipped(job)
            case Decision.RENDER:
                self._render(job)
            case Decision.TRANSCRIBE | Decision.DIARIZE:
                self._elsewhere.add(job)

    def _render(self, job: Job) -> None:
        started = time.perf_counter()
        try:
            with work_of_one_recording():
                if job.transcript_at is not None:  # there may be no output yet
                    self._claims.prepare_folder(job.output.folder)
                claimed = self._elsewhere.claim(job)
        except (RecordingError, StorageNotReady) as error:
            self._recorder.failed(job, error)
            return
        if claimed is None:
            return
        only_recovered = not job.formats and claimed.decision is Decision.DONE
        try:
            if claimed.decision is not Decision.RENDER and not only_recovered:
                self.carry_out(claimed)
                return
            with work_of_one_recording():
                written = self._written(claimed)
        except TranscribeError as error:
            self._recorder.failed(job, error)
            return
        finally:
            self._claims.release(job)
        self._recorder.rendered(claimed, written, time.perf_counter() - started)

    def _written(self, job: Job) -> Transcript:
        """Render and write what is missing. Returns the transcript as it is in the files."""
        transcript = sinks.read_transcript(job.transcript_at or sinks.json_path(job.output))
        rendered = render_job(job, transcript, self._subtitles)
        try:
            if job.transcript_at is not None:
                return sinks.commit(job.output, transcript, rendered, stamp=self._subtitles.stamp)
            return sinks.add_renderings(
                job.output,
                transcript,
                rendered,
                stamp=self._subtitles.stamp,
                overwrite=self._overwrite,
                replace_corrected=self._replace_corrected,
            )
        except OSError as error:
            raise OutputRefused(str(error)) from error
