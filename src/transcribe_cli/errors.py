"""All errors as one tree. Each class defines its exit code, a code for programs, and whether a retry may succeed.

    TranscribeError ─ 1
    ├── UsageError ─ 2                  invalid command line or input
    │   ├── ConfigError                 an invalid key or value in a configuration file or variable
    │   └── SourceNotFound              a source does not exist
    ├── NotReady ─ 4                    the machine is not ready; no work was started
    │   ├── ModelUnavailable            not in the cache, and the hub is unreachable or does not have it
    │   ├── DeviceUnavailable           no such GPU, or its libraries are missing
    │   ├── MissingExtra                an optional dependency is not installed; the hint is the pip command
    │   ├── StorageNotReady             a disk or store cannot be used: permissions, credentials, disk full
    │   │   └── StorageUnreachable      a network or server failure that may be temporary
    │   └── LedgerUnavailable           the history of runs cannot be read or written; runs continue without it
    ├── BackendFailed ─ 3               the backend failed, not the recording
    └── RecordingError ─ 3              one recording has no transcript; the run continues with the others
        ├── Unreadable                  the file cannot be opened, or is not a regular file
        ├── NotAudio                    no allowed demuxer recognizes it, or nothing could be decoded
        ├── NoAudioTrack                the container does not have this audio track
        ├── TooLong                     more decoded audio than the limit allows
        ├── TooManyChannels             more channels than `--channels split` supports
        ├── DecoderFailed               the decoder crashed, hung, or exceeded its limits
        ├── RecordingChanged            the file changed while it was read
        ├── RecognitionFailed           the recognizer failed on this recording
        ├── DiarizationFailed           the diarizer failed; the text is written
        └── OutputRefused               the output belongs to something else, or cannot be written

Exceptions of libraries are mapped to these at one boundary each: decoding in `audio`, recognition in `recognition.engines`, disks in
`sinks`, buckets and servers in `storage`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

_SHOWN_CHARACTERS = 300  # of the text of an unexpected exception, which may quote a whole document


class TranscribeError(Exception):
    """The root of all errors; its text is one line for users.

    Attributes:
        exit_code: exit code of the process when this error ends the run.
        code: a stable name for programs (events, `--json`), such as `no_audio_track`.
        retryable: whether the same attempt may succeed later without any change by the user.
        hint: what to do about it, one sentence or command, or "".
    """

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def message(self) -> str:
        """The error without the hint."""
        return str(self.args[0])

    def __str__(self) -> str:
        """Message and hint on one line."""
        return f"{self.message} {self.hint}".strip()


class UsageError(TranscribeError):
    """The command line or an input is invalid."""

    exit_code = 2
    code = "usage"


class ConfigError(UsageError):
    """A key or value in a configuration file, profile or environment variable is invalid."""

    code = "config"


class SourceNotFound(UsageError):
    """A source does not exist."""

    code = "source_not_found"


class NotReady(TranscribeError):
    """The machine is not ready; no work was started."""

    exit_code = 4
    code = "not_ready"


class ModelUnavailable(NotReady):
    """The model is not on this machine and could not be downloaded."""

    code = "model_unavailable"


class DeviceUnavailable(NotReady):
    """The requested device cannot be used."""

    code = "device_unavailable"


class MissingExtra(NotReady):
    """An optional dependency is not installed."""

    code = "missing_extra"


class StorageNotReady(NotReady):
    """No outputs or scratch files can be written, or a bucket or server cannot be used."""

    code = "storage_not_ready"


class StorageUnreachable(StorageNotReady):
    """A network or server failure that may be temporary."""

    code = "storage_unreachable"
    retryable = True


class LedgerUnavailable(NotReady):
    """The ledger cannot be read or written: a run continues without it, `transcribe report` fails."""

    code = "ledger_unavailable"


class BackendFailed(TranscribeError):
    """The backend failed, not the recording; a retry or another backend may succeed.

    Attributes:
        retry_after: seconds to wait, as requested by the backend; None when it does not say.
    """

    exit_code = 3
    code = "place_failed"
    retryable = True

    def __init__(self, message: str, hint: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class RecordingError(TranscribeError):
    """One recording has no transcript; the run continues with the others."""

    exit_code = 3
    code = "recording_failed"


class Unreadable(RecordingError):
    """The file cannot be opened, was removed, or is not a regular file."""

    code = "unreadable"


class NotAudio(RecordingError):
    """Nothing in the file could be decoded as audio."""

    code = "not_audio"


class NoAudioTrack(RecordingError):
    """The container does not have this audio track."""

    code = "no_audio_track"


class TooLong(RecordingError):
    """The audio is longer than `--max-duration` allows."""

    code = "too_long"


class TooManyChannels(RecordingError):
    """The audio has more channels than `--channels split` supports."""

    code = "too_many_channels"


class DecoderFailed(RecordingError):
    """The decoder crashed, hung, or exceeded its limits."""

    code = "decoder_failed"


class RecordingChanged(RecordingError):
    """The file changed while it was being read."""

    code = "recording_changed"
    retryable = True


class RecognitionFailed(RecordingError):
    """The recognizer failed on this recording."""

    code = "recognition_failed"


class DiarizationFailed(RecordingError):
    """The diarizer failed; the text of the recording is written."""

    code = "diarization_failed"


class OutputRefused(RecordingError):
    """The output belongs to something else, or cannot be written."""

    code = "output_refused"


@contextmanager
def work_of_one_recording() -> Iterator[None]:
    """Surrounds work whose failure concerns one recording only, so that it ends neither the run nor the worker.

    Raises:
        RecordingError: for any exception that is no error of ours, with its type and text; the exception is its cause.
    """
    try:
        yield
    except TranscribeError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        shown = text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
        raise RecordingError(
            f"Unexpected {type(error).__name__} ({shown}).", "Please report it; TRANSCRIBE_DEBUG=1 shows more."
        ) from error
