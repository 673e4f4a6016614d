"""What happens during a run, as frozen values; work emits them, displays listen (`reporting`).

Every event can be written as one JSON object: `as_record` gives its fields with `event`, the name that programs match on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """Something that happened."""

    def as_record(self) -> dict[str, Any]:
        """The fields of the event as JSON values, with `event`: the class name in snake_case."""
        name = type(self).__name__
        snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
        return {"event": snake, **asdict(self)}


@dataclass(frozen=True)
class Notice(Event):
    """Something that people should know and that belongs to no recording. `level` is info or warning."""

    message: str
    level: str = "info"


@dataclass(frozen=True)
class RunStarted(Event):
    """The plan stands; work begins."""

    recordings: int
    to_transcribe: int
    to_diarize: int
    to_render: int
    done: int
    bytes: int


@dataclass(frozen=True)
class ModelLoaded(Event):
    """The recognizer is ready on a device such as `cpu/int8`. `seconds` is what loading took."""

    model: str
    device: str
    batch_size: int
    seconds: float


@dataclass(frozen=True)
class DiarizerLoaded(Event):
    """What finds out who speaks is ready, on `cpu` or `cuda`. `seconds` is what loading took."""

    model: str
    device: str
    seconds: float


@dataclass(frozen=True)
class RecordingSkipped(Event):
    """Nothing to do for this recording."""

    recording: str
    reason: str


@dataclass(frozen=True)
class RecordingElsewhere(Event):
    """Another run is at work on it, which is no failure; it is looked at again at the end of this one.

    `bytes` are those that this run does not have to transcribe, 0 when it had only a rendering to make. `host` is the name of the other's
    machine, "" when it cannot be told; `pid` its process there; `since` when it began with this recording, UTC.
    """

    recording: str
    bytes: int
    host: str
    pid: int
    since: str


@dataclass(frozen=True)
class RecordingStarted(Event):
    """Decoding of this recording began. `recording` is its path below the folder that was named, here and below.

    `text` and `speakers` say what is to be found out; `backend` is where, "" for the run's own.
    """

    recording: str
    bytes: int
    text: bool = True
    speakers: bool = False
    backend: str = ""


@dataclass(frozen=True)
class RecordingSent(Event):
    """It is now in the queue of a place such as runpod, which calls it `job`; `place` is which endpoint or server.

    `bytes` of audio were sent by this machine; `duration` is in seconds, None where nobody knows. A place without a queue, such as openai,
    takes it in pieces: `job` is "" then, and each piece is told with those before it.
    """

    recording: str
    backend: str
    job: str
    bytes: int
    duration: float | None
    place: str = ""


@dataclass(frozen=True)
class RecordingPrepared(Event):
    """Decoded and searched for speech; its clips now wait for the recognizer. Both in seconds."""

    recording: str
    duration: float
    speech: float


@dataclass(frozen=True)
class RecordingResumed(Event):
    """An earlier run that was stopped had recognized this much of it, in seconds of its `duration`; the rest is done now."""

    recording: str
    seconds: float
    duration: float


@dataclass(frozen=True)
class RecordingProgress(Event):
    """Recognized so far, in seconds of this recording's `duration`."""

    recording: str
    seconds: float
    duration: float


@dataclass(frozen=True)
class SpeakersProgress(Event):
    """How much of finding out who spoke is done, 0 to 1."""

    recording: str
    share: float


@dataclass(frozen=True)
class RecordingTaken(Event):
    """A place such as runpod, which calls it `job`, computes on it since `seconds`: from then on an hour of its machine costs."""

    recording: str
    backend: str
    job: str
    seconds: float = 0.0
    place: str = ""


@dataclass(frozen=True)
class AttemptEnded(Event):
    """One attempt at a recording, at a place that may have to be paid, is over, whatever it brought. Seconds.

    `place` is which endpoint or server, `job` what it calls the attempt; `computing` what it says it worked, null when nobody knows,
    `queued` what it waited before that, `audio` the recording's length, `bytes` what this machine sent of it. `cost` is in USD, null when
    nobody knows. `error` is the code of what it failed with, "" when it brought a transcript. `perhaps_again` is true when an earlier
    attempt that nobody knows of may have to be paid for too.
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
    """One attempt at a recording came to nothing, and there will be another: it changed while it was read, or a place failed.

    `seconds` and `cost` (USD) are what was spent on it, as far as somebody knows; `backend` is where, "" for the run's own.
    """

    recording: str
    code: str
    message: str
    seconds: float = 0.0
    cost: float | None = None
    backend: str = ""


@dataclass(frozen=True)
class VoicesFound(Event):
    """Speakers who sound like enrolled voices: label -> name of those named after them, and of those who may be somebody.

    `similarity` is of both: label -> cosine.
    """

    recording: str
    named: dict[str, str]
    doubtful: dict[str, str]
    similarity: dict[str, float]


@dataclass(frozen=True)
class RecordingDone(Event):
    """Its files are written. `rendered` is true when they came from a transcript that was there already.

    `diarized` is true when its text was there and only its speakers were found out. `duration` is seconds of audio, `seconds` the time
    that was spent on it; `speakers` is how many were found, 0 where nobody asked. `cost` is its share of the run's, in USD;
    `backend` is where its text was made.
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


@dataclass(frozen=True)
class RecordingFailed(Event):
    """It has no transcript, or one that does not say who speaks. `code` is the error's stable name, `hint` what to do.

    `seconds` and `cost` (USD) are what was spent on it all the same.
    """

    recording: str
    code: str
    message: str
    hint: str
    seconds: float = 0.0
    cost: float | None = None


@dataclass(frozen=True)
class RunFinished(Event):
    """All that will be done is done.

    `audio_seconds` counts what was transcribed or diarized in this run; `elsewhere` what other runs still work on. `cost` is in USD, None
    where nobody said what the place costs; `cost_by_backend` is the same for each place that had to be paid, in `transcribe remote`.
    `stopped_by` names a limit, an error or a signal.
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


Emit = Callable[[Event], None]


def ignore_event(event: Event) -> None:
    """An `Emit` for those who do not want to be told."""
