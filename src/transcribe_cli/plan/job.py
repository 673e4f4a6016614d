"""The decision about a recording."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from transcribe_cli.errors import RecordingError
from transcribe_cli.plan.fit import Change
from transcribe_cli.sinks import Corrected, Output, Status
from transcribe_cli.sources import Recording
from transcribe_cli.spec import JobSpec
from transcribe_cli.storage import AnyPath
from transcribe_cli.text.verdicts import Assessment


class Decision(StrEnum):
    """What a run does with a recording."""

    DONE = "done"
    RENDER = "render"
    TRANSCRIBE = "transcribe"
    DIARIZE = "diarize"
    FAIL = "fail"


# Decisions for which a recording is decoded and a model is loaded.
NEEDS_MODEL = frozenset({Decision.TRANSCRIBE, Decision.DIARIZE})


@dataclass(frozen=True)
class Job:
    """A recording with its spec, its output and the decision.

    Attributes:
        spec: of the run, with the manifest's options for this recording.
        output: where the files go. Meaningless when the recording fails because of its output.
        reason: short text for display: "new", "outdated: model small -> large-v3-turbo", "srt missing", "done (small, pt)".
        formats: to write: all requested formats when transcribing or diarizing, the missing ones when rendering. Rendering none means
            that a transcript which a crash left behind only has to be moved into place (`sinks.recover`).
        error: why it fails.
        transcript_version: `file_version` of the transcript that existed when this was decided.
        has_leftovers: whether the output's folder contains temporary files or leases, of killed or active runs.
        duration: seconds, from a transcript in a store. For local recordings it is read from the media header.
        assessment: the verdict on the transcript of this recording, also on one that is out of date; None when there is none or it was
            not read.
        transcript_at: the transcript of this recording in another place, beside it, from which the output is made; None otherwise.
        changes: what somebody set and the existing transcript does not fit, if this is why it is made again.
        corrected: what people corrected among the files of this recording, as far as it was looked at. It is never replaced.
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
    assessment: Assessment | None = None
    changes: tuple[Change, ...] = ()
    transcript_at: AnyPath | None = None
    corrected: Corrected | None = None


FileVersion = tuple[str, int, int]


def file_version(info: Status | None) -> FileVersion | None:
    """A value that changes whenever a file is replaced; None when the file does not exist."""
    return None if info is None else (str(info.st_ino), info.st_mtime_ns, info.st_size)
