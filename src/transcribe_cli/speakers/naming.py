"""Names for the speakers of each recording: from the command line, from files next to the recording, and from enrolled voices."""

from __future__ import annotations

from collections.abc import Iterable

from transcribe_cli.errors import ConfigError, StorageNotReady, TranscribeError
from transcribe_cli.events import Emit, Notice, VoicesFound
from transcribe_cli.formats import speaker_names
from transcribe_cli.plan import Job
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import Listings, Output, json_path
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.voices.known_voices import KnownVoices, with_voice_matches
from transcribe_cli.speakers.voices.library import Library
from transcribe_cli.transcript import Transcript


class SpeakerNaming:
    """The speaker names that a run knows.

    Args:
        settings: the names of the command line, whether to use enrolled voices, and where they are.
        emit: receives an event for each recording in which voices were found.

    Raises:
        UsageError: a name on the command line is invalid.
    """

    def __init__(self, settings: Settings, emit: Emit) -> None:
        self._settings = settings
        self._emit = emit
        self._from_flags = speaker_names.parse_names(settings.speaker_names)
        self._from_files: dict[Output, dict[str, str]] = {}
        self._voices: KnownVoices | None = None
        self._reported: set[str] = set()

    def load_names(self, jobs: Iterable[Job]) -> None:
        """Read the files with names and the voice library before the first of these jobs starts.

        A file with names that is damaged is reported and ignored: names can be added to a finished transcript.

        Raises:
            ConfigError: the library is damaged.
            StorageNotReady: a bucket or server cannot be reached.
        """
        with_speakers = [job for job in jobs if job.spec.tells_speakers]
        listings = Listings()
        listings.prefetch((job.recording.root, job.recording.path.parent) for job in with_speakers)
        self._from_files = {job.output: self._read_files(job, listings) for job in with_speakers}
        if self._from_files and self._settings.voices:
            self._voices = KnownVoices(Library(self._settings.state_dir), self._settings.voice_threshold, self._emit)

    def apply_names(self, job: Job, transcript: Transcript, diarization: Diarization | None) -> Transcript:
        """The transcript with names for its speakers. Names from users take precedence over enrolled voices.

        Args:
            job: the job that made the transcript.
            transcript: with labels instead of names.
            diarization: None when this run did not diarize the recording.
        """
        given = {**self._names_from_files(job), **self._from_flags}
        if diarization is not None:
            matches = self._voices.match(diarization, job.spec.diarize_model, given) if self._voices else ()
            transcript = with_voice_matches(transcript, matches)
            if matches:
                self._emit(
                    VoicesFound(
                        job.recording.label,
                        {match.speaker: match.name for match in matches if match.sure},
                        {match.speaker: match.name for match in matches if not match.sure},
                        {match.speaker: round(match.similarity, 3) for match in matches},
                    )
                )
        return speaker_names.add_names(transcript, given)

    def _names_from_files(self, job: Job) -> dict[str, str]:
        """Reads the files now for a job that was replanned during the run, because `load_names` did not see it."""
        if job.output in self._from_files or not job.spec.tells_speakers:
            return self._from_files.get(job.output, {})
        try:
            return self._read_files(job, Listings())
        except StorageNotReady as error:
            self._report(job, error)
            return {}

    def _read_files(self, job: Job, listings: Listings) -> dict[str, str]:
        try:
            trees = job.recording.tree, job.output.tree
            return speaker_names.read_name_files(job.recording.path, json_path(job.output), exists=listings.holds, trees=trees)
        except ConfigError as error:
            self._report(job, error)
            return {}

    def _report(self, job: Job, error: TranscribeError) -> None:
        """Each error once: one file may have the names of a whole folder."""
        if error.message not in self._reported:
            self._reported.add(error.message)
            self._emit(Notice(f"{job.recording.label} gets no speaker names: {error.message}", "warning"))
