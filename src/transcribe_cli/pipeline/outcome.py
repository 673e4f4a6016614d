"""What became of a job, wherever it was done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from transcribe_cli.costs.usage import Usage
from transcribe_cli.errors import TranscribeError
from transcribe_cli.plan import Job
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.transcript import Transcript


class Kept(Protocol):
    """What is kept until a transcript is written, so that no work is lost."""

    def remove(self) -> None:
        """It is written."""


@dataclass(frozen=True)
class Outcome:
    """What became of a job: a transcript, or why there is none; both, where only who spoke could not be found out.

    Whoever writes the transcript then removes the checkpoint. `seconds` is the time that was spent on the recording in this run;
    `diarization` is there when who spoke was found out in it. `usage` is one for each attempt at a place that may be paid for. `elsewhere`
    says that it is still under way at another place, where the next run finds it.
    """

    job: Job
    transcript: Transcript | None = None
    error: TranscribeError | None = None
    checkpoint: Kept | None = None
    seconds: float = 0.0
    diarization: Diarization | None = None
    usage: tuple[Usage, ...] = ()
    elsewhere: bool = False
