"""What is decided about a recording."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from transcribe_cli.errors import RecordingError
from transcribe_cli.sinks import Output, Status
from transcribe_cli.sources import Recording
from transcribe_cli.spec import JobSpec


class Decision(StrEnum):
    """What a run does with a recording."""

    DONE = "done"
    RENDER = "render"
    TRANSCRIBE = "transcribe"
    DIARIZE = "diarize"
    FAIL = "fail"


# Decisions for which a recording is decoded.
NEEDS_MODEL = frozenset({Decision.TRANSCRIBE, Decision.DIARIZE})


@dataclass(frozen=True)
class Job:
    """A recording, its spec and its output, with what is to be done.

    Attributes:
        spec: the run's, with what the manifest says about this recording.
        output: where the files go; of no meaning when the recording fails because of its output.
        reason: for people, short: "new", "model changed: small -> large-v3-turbo", "srt missing".
        formats: to write: all that were asked for when transcribing or diarizing, what is missing when rendering. Rendering none
            means that a transcript which a crash left behind only has to be put in its place (`sinks.recover`).
        error: why it fails.
        transcript_version: the transcript that was in place when this was decided, as `file_version`.
        has_leftovers: whether there are temporary files or leases in the output's folder, of runs that were killed or are at work.
        duration: seconds, as the transcript in a store says; of what is on this machine its own header is asked.
    """

    recording: Recording
    spec: JobSpec
    output: Output
    decision: Decision
    reason: str
    formats: tuple[str, ...] = ()
    error: RecordingError | None = None
    transcript_version: FileVersion | None = None
    has_leftovers: bool = False
    duration: float | None = None


FileVersion = tuple[str, int, int]


def file_version(info: Status | None) -> FileVersion | None:
    """What changes whenever a file is replaced; None when there is none."""
    return None if info is None else (str(info.st_ino), info.st_mtime_ns, info.st_size)
