"""What preparation and callers report to the pipeline's thread; `recognition.messages` and `diarizing` add their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transcribe_cli.audio import Waveform
from transcribe_cli.errors import RecordingError
from transcribe_cli.plan import Job
from transcribe_cli.recognition.engines import Clip
from transcribe_cli.sources import Recording


@dataclass(frozen=True, eq=False)
class Started:
    """Decoding of a recording started. `number` is that of the job in the run; `recording` is the file as it is now."""

    number: int
    job: Job
    recording: Recording
    waveform: Waveform


@dataclass(frozen=True, eq=False)
class ClipsFound:
    """The next clips of a recording, in order of time."""

    number: int
    clips: Sequence[Clip]


@dataclass(frozen=True, eq=False)
class Prepared:
    """A recording is decoded, and all of its clips were delivered.

    Attributes:
        speech: the speech of each analyzed channel, in seconds; the key is None if all channels are mixed.
        has_speaker_channels: whether each of these channels is a speaker.
        has_copied_channels: whether channels were dropped because they are copies of others.
        quiet: stretches of speech, in seconds, so quiet that they are only found because they were made louder.
        audio_tracks: number of audio tracks in the file; one of them was decoded.
        digest: of the content of the recording; None when it could not be read again.
    """

    number: int
    speech: Mapping[int | None, Sequence[tuple[float, float]]]
    decode_seconds: float
    vad_seconds: float
    fetch_seconds: float = 0.0
    has_speaker_channels: bool = False
    has_copied_channels: bool = False
    quiet: Sequence[tuple[float, float]] = ()
    audio_tracks: int = 1
    digest: str | None = None


@dataclass(frozen=True, eq=False)
class Restarted:
    """A recording changed while it was read; its preparation starts over."""

    number: int


@dataclass(frozen=True, eq=False)
class PreparationFailed:
    """A recording could not be prepared; it may have started."""

    number: int
    job: Job
    error: RecordingError


@dataclass(frozen=True, eq=False)
class PreparationEnded:
    """No further messages follow; with an error if the machine is not ready."""

    error: BaseException | None = None


@dataclass(frozen=True, eq=False)
class Cancelled:
    """The job was cancelled."""

    job: Job


PreparationMessage = Started | ClipsFound | Prepared | Restarted | PreparationFailed | PreparationEnded
