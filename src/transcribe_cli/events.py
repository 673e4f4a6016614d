"""Events of a run as frozen dataclasses. The pipeline and the backends emit them; `reporting` displays them.

Every event can be written as one JSON object: `as_record` returns its fields and `event`, the name that programs match on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from transcribe_cli.text.verdicts import Doubt, DoubtfulRecording, Verdict


@dataclass(frozen=True)
class Event:
    """Base class of all events."""

    def as_record(self) -> dict[str, Any]:
        """The fields of the event as JSON values, with `event`: the class name in snake_case."""
        name = type(self).__name__
        snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
        return {"event": snake, **asdict(self)}


@dataclass(frozen=True)
class Notice(Event):
    """A message that does not belong to a recording. `level` is info or warning."""

    message: str
    level: str = "info"


@dataclass(frozen=True)
class RunStarted(Event):
    """Planning is complete; work begins. `bytes` is the total size of the recordings to transcribe or diarize."""

    recordings: int
    to_transcribe: int
    to_diarize: int
    to_render: int
    done: int
    bytes: int


@dataclass(frozen=True)
class ModelLoaded(Event):
    """The recognizer is ready on a device such as `cpu/int8`. Loading took `seconds`."""

    model: str
    device: str
    batch_size: int
    seconds: float


@dataclass(frozen=True)
class DiarizerLoaded(Event):
    """The diarizer is ready, on `cpu` or `cuda`. Loading took `seconds`."""

    model: str
    device: str
    seconds: float


@dataclass(frozen=True)
class RecordingSkipped(Event):
    """There is nothing to do for this recording."""

    recording: str
    reason: str


@dataclass(frozen=True)
class RecordingElsewhere(Event):
    """Another run is processing this recording. This is not a failure; it is checked again at the end of this run.

    `bytes` is how much this run does not have to transcribe, 0 when it only had to render. `host` is the machine of the other run, ""
    when unknown; `pid` is its process there; `since` is when it started this recording, in UTC.
    """

    recording: str
    bytes: int
    host: str
    pid: int
    since: str


@dataclass(frozen=True)
class RecordingStarted(Event):
    """Decoding of this recording began. In all events, `recording` is the path relative to the folder given as the source.

    `text` and `speakers` say whether it is transcribed and diarized; `backend` says where, "" for the run's own backend.
    """

    recording: str
    bytes: int
    text: bool = True
    speakers: bool = False
    backend: str = ""


@dataclass(frozen=True)
class RecordingSent(Event):
    """The recording is in the queue of a backend such as runpod. `place` is the endpoint or server, `job` the backend's job id.

    This machine uploaded `bytes` of audio; `duration` is in seconds, None when unknown. A backend without a queue, such as openai,
    receives the audio in parts: `job` is "" then, and each part's event counts all parts so far.
    """

    recording: str
    backend: str
    job: str
    bytes: int
    duration: float | None
    place: str = ""


@dataclass(frozen=True)
class RecordingPrepared(Event):
    """The recording is decoded and its speech detected; its clips are queued for the recognizer. Both values in seconds."""

    recording: str
    duration: float
    speech: float


@dataclass(frozen=True)
class RecordingResumed(Event):
    """Resumed from a checkpoint: an earlier run had recognized `seconds` of its `duration`."""

    recording: str
    seconds: float
    duration: float


@dataclass(frozen=True)
class RecordingProgress(Event):
    """Recognized so far: `seconds` of this recording's `duration`."""

    recording: str
    seconds: float
    duration: float


@dataclass(frozen=True)
class SpeakersProgress(Event):
    """Progress of diarization, 0 to 1."""

    recording: str
    share: float


@dataclass(frozen=True)
class RecordingTaken(Event):
    """A worker of a backend such as runpod started `job` `seconds` ago; its machine time is billed from then on."""

    recording: str
    backend: str
    job: str
    seconds: float = 0.0
    place: str = ""


@dataclass(frozen=True)
class AttemptEnded(Event):
    """One attempt at a recording, on a backend that may be billed, ended with any result. Times are in seconds.

    `place` is the endpoint or server, `job` its id of the attempt; `computing` is its reported compute time, `queued` the time in the
    queue before that, both null when unknown; `audio` is the recording's length, `bytes` what this machine uploaded. `cost` is in USD,
    null when unknown. `error` is the error's code, "" when there is a transcript. `perhaps_again` is true when an earlier attempt with
    an unknown result may be billed, too.
    """

    recording: str
    backend: str
    place: str
    job: str
    computing: float | None
    queued: float | None
    audio: float | None
    bytes: int
    cost: float | None
    error: str
    perhaps_again: bool


@dataclass(frozen=True)
class AttemptFailed(Event):
    """One attempt at a recording failed and will be retried: the file changed while it was read, or a backend failed.

    `seconds` and `cost` (USD) are what was spent on it, where known; `backend` says where, "" for the run's own backend.
    """

    recording: str
    code: str
    message: str
    seconds: float = 0.0
    cost: float | None = None
    backend: str = ""


@dataclass(frozen=True)
class VoicesFound(Event):
    """Speakers who match enrolled voices: label -> name. Those in `named` get the name; those in `doubtful` are uncertain.

    `similarity` covers both: label -> cosine.
    """

    recording: str
    named: dict[str, str]
    doubtful: dict[str, str]
    similarity: dict[str, float]


@dataclass(frozen=True)
class RecordingDone(Event):
    """The recording's files are written. `rendered` is true when they were rendered from an existing transcript.

    `diarized` is true when the text existed and only the speakers were added. `duration` is seconds of audio, `seconds` the time
    spent on it; `speakers` is the number of speakers, 0 without diarization. `cost` is its share of the run's cost, in USD;
    `backend` is where it was transcribed. `verdict` says whether the text can be trusted, null in transcripts of earlier versions;
    `reasons` says why not, the worst first.
    """

    recording: str
    outputs: tuple[str, ...]
    language: str
    duration: float
    seconds: float
    words: int
    flags: tuple[str, ...]
    rendered: bool = False
    diarized: bool = False
    speakers: int = 0
    cost: float | None = None
    backend: str = ""
    verdict: Verdict | None = None
    reasons: tuple[Doubt, ...] = ()


@dataclass(frozen=True)
class RecordingFailed(Event):
    """The recording has no transcript, or one without the requested speakers. `code` is the error's stable name, `hint` what to do.

    `seconds` and `cost` (USD) are what was spent on it.
    """

    recording: str
    code: str
    message: str
    hint: str
    seconds: float = 0.0
    cost: float | None = None


@dataclass(frozen=True)
class RunFinished(Event):
    """The run has ended.

    `audio_seconds` counts what was transcribed or diarized in this run; `elsewhere` counts what other runs are still processing. `cost`
    is in USD, None without a price; `cost_by_backend` is the same for each billed backend of `transcribe remote`. `stopped_by` names a
    limit, an error or a signal.

    `verdicts` counts the transcripts of this run, and those that were done before, by verdict; `doubtful` has those to check, the worst
    first, and `check_command` is what lists them. `failed_on` is the value of `--fail-on`, if a verdict reached it.
    """

    transcribed: int
    diarized: int
    rendered: int
    skipped: int
    failed: int
    elsewhere: int
    not_tried: int
    audio_seconds: float
    seconds: float
    rtfx: float
    exit_code: int
    stopped_by: str | None = None
    cost: float | None = None
    cost_by_backend: Mapping[str, float | None] = field(default_factory=dict)
    verdicts: Mapping[str, int] = field(default_factory=dict)
    doubtful: tuple[DoubtfulRecording, ...] = ()
    failed_on: str | None = None
    check_command: str = ""


Emit = Callable[[Event], None]


def ignore_event(event: Event) -> None:
    """An `Emit` that does nothing."""
