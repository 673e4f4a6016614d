"""What the speakers of each recording of a run are called: by flags, by files next to the recording, by enrolled voices."""

from __future__ import annotations

from collections.abc import Iterable

from transcribe_cli.errors import ConfigError, StorageNotReady
from transcribe_cli.events import Emit, Notice, VoicesFound
from transcribe_cli.formats import speaker_names
from transcribe_cli.plan import Job
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import Listings, Output, json_path
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.voices.known_voices import KnownVoices, with_likenesses
from transcribe_cli.speakers.voices.library import Library
from transcribe_cli.transcript import Transcript


class SpeakerNaming:
    """The names that are known in a run.

    Args:
        settings: has those of the command line, and whether and where voices are enrolled.
        emit: hears of voices that are found.

    Raises:
        UsageError: a name on the command line that is none.
    """

    def __init__(self, settings: Settings, emit: Emit) -> None:
        self._settings = settings
        self._emit = emit
        self._of_flags = speaker_names.parse_names(settings.speaker_names)
        self._beside: dict[Output, dict[str, str]] = {}
        self._voices: KnownVoices | None = None

    def load_names(self, jobs: Iterable[Job]) -> None:
        """Read the files and the voice library before the first of these jobs begins.

        Raises:
            ConfigError: a file with names, or the library, is damaged.
            StorageNotReady: a store cannot be asked.
        """
        asked = [job for job in jobs if job.spec.tells_speakers]
        listings = Listings()
        listings.prefetch((job.recording.root, job.recording.path.parent) for job in asked)
        self._beside = {job.output: _beside(job, listings) for job in asked}
        if self._beside and self._settings.voices:
            self._voices = KnownVoices(Library(self._settings.state_dir), self._settings.voice_threshold, self._emit)

    def apply_names(self, job: Job, transcript: Transcript, found: Diarization | None) -> Transcript:
        """With the names of its speakers: of enrolled voices where people said nothing else.

        Args:
            job: whose recording it is.
            transcript: with labels in the place of names.
            found: who spoke, when that was found out in this run.
        """
        given = {**self._said_beside(job), **self._of_flags}
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
        return speaker_names.add_names(transcript, given)

    def _said_beside(self, job: Job) -> dict[str, str]:
        """A job that was planned anew during the run was not among those that were read."""
        if job.output in self._beside or not job.spec.tells_speakers:
            return self._beside.get(job.output, {})
        try:
            return _beside(job, Listings())
        except (ConfigError, StorageNotReady) as error:
            self._emit(Notice(f"{job.recording.label} has no names: {error.message}", "warning"))
            return {}


def _beside(job: Job, listings: Listings) -> dict[str, str]:
    return speaker_names.read_name_files(job.recording.path, json_path(job.output), exists=listings.holds)
