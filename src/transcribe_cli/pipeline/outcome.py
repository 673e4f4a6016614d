"""The outcome of a job, on whichever backend it ran."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from transcribe_cli.costs.usage import Usage
from transcribe_cli.errors import TranscribeError
from transcribe_cli.plan import Job
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.transcript import Transcript


class SavedWork(Protocol):
    """Work saved on disk until the transcript is written, such as a checkpoint."""

    def remove(self) -> None:
        """Remove it, because the transcript is written."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job: a transcript, or an error; both if only the diarization failed.

    Attributes:
        checkpoint: to be removed after the transcript is written.
        seconds: its share of the wall time of the pipeline that processed it, see `time_shares`; 0.0 if it is not known.
        diarization: set if the recording was diarized in this run.
        usage: one entry for each attempt on a backend that may cost money.
        elsewhere: whether the job is still running on another backend, where the next run collects it.
    """

    job: Job
    transcript: Transcript | None = None
    error: TranscribeError | None = None
    checkpoint: SavedWork | None = None
    seconds: float = 0.0
    diarization: Diarization | None = None
    usage: tuple[Usage, ...] = ()
    elsewhere: bool = False
