"""Everything that can go wrong, as one tree; each leaf knows its exit code, its cure and whether trying again may help.

    TranscribeError ─ 1
    ├── UsageError ─ 2                  what the user typed or wrote cannot be meant
    │   ├── ConfigError                 a key or value in a configuration file or variable
    │   └── SourceNotFound              a source that is not there
    ├── NotReady ─ 4                    the machine is not ready; nothing was tried
    │   ├── ModelUnavailable            not cached, and the hub cannot be reached or does not have it
    │   ├── DeviceUnavailable           no such GPU, or its libraries are missing
    │   ├── MissingExtra                an optional dependency; the hint is the pip command
    │   ├── StorageNotReady             a disk or a store that cannot be used: permission, credentials, disk full
    │   │   └── StorageUnreachable      the network or the store is to blame, and it may pass
    │   └── LedgerUnavailable           the history of runs cannot be read or written; no run ends of it
    ├── BackendFailed ─ 3                 where a recording was sent to, something failed that is not its fault
    └── RecordingError ─ 3              one recording has no transcript; the others go on
        ├── Unreadable                  the file cannot be opened, or is not a regular file
        ├── NotAudio                    no demuxer that we allow recognizes it, or nothing could be decoded
        ├── NoAudioTrack                a container without (that) audio track
        ├── TooLong                     more decoded audio than the limit allows
        ├── TooManyChannels             more channels than can be kept apart
        ├── DecoderFailed               the decoder crashed, hung, or ran past its limits
        ├── RecordingChanged            the file changed while it was read
        ├── RecognitionFailed           the recognizer failed on this recording
        ├── DiarizationFailed           nobody can say who spoke; the text is there
        └── OutputRefused               the output belongs to something else, or cannot be written

Foreign exceptions are mapped to these at one boundary each: decoding in `audio`, recognition in `engines`, disks in `sinks`,
buckets and servers in `storage`.
"""

from __future__ import annotations

from typing import ClassVar


class TranscribeError(Exception):
    """An error with one line for people.

    Attributes:
        exit_code: what the process ends with when this error ends the run.
        code: a stable name for programs (events, `--json`), such as `no_audio_track`.
        retryable: whether the same attempt may work later without anybody changing anything.
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
        """What went wrong, without the hint."""
        return str(self.args[0])

    def __str__(self) -> str:
        """Message and hint on one line."""
        return f"{self.message} {self.hint}".strip()


class UsageError(TranscribeError):
    """What the user typed cannot be meant."""

    exit_code = 2
    code = "usage"


class ConfigError(UsageError):
    """A key or a value in a configuration file, profile or environment variable."""

    code = "config"


class SourceNotFound(UsageError):
    """A source that is not there."""

    code = "source_not_found"


class NotReady(TranscribeError):
    """The machine is not ready; nothing was tried."""

    exit_code = 4
    code = "not_ready"


class ModelUnavailable(NotReady):
    """The model is not on this machine and could not be fetched."""

    code = "model_unavailable"


class DeviceUnavailable(NotReady):
    """The device that was asked for cannot be used."""

    code = "device_unavailable"


class MissingExtra(NotReady):
    """An optional dependency is not installed."""

    code = "missing_extra"


class StorageNotReady(NotReady):
    """Outputs or scratch files cannot be written at all, or a bucket or server cannot be used."""

    code = "storage_not_ready"


class StorageUnreachable(StorageNotReady):
    """The network or the store is to blame."""

    code = "storage_unreachable"
    retryable = True


class LedgerUnavailable(NotReady):
    """The ledger cannot be read or written: a run goes on without it, `transcribe report` cannot."""

    code = "ledger_unavailable"


class BackendFailed(TranscribeError):
    """Where a recording was sent to, something failed that is not its fault; trying again, or elsewhere, may help.

    Attributes:
        retry_after: seconds that the place asks to wait; None when it does not say.
    """

    exit_code = 3
    code = "place_failed"
    retryable = True

    def __init__(self, message: str, hint: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class RecordingError(TranscribeError):
    """One recording has no transcript; the others go on."""

    exit_code = 3
    code = "recording_failed"


class Unreadable(RecordingError):
    """The file cannot be opened, vanished, or is not a regular file."""

    code = "unreadable"


class NotAudio(RecordingError):
    """Nothing in the file could be decoded as audio."""

    code = "not_audio"


class NoAudioTrack(RecordingError):
    """The container has no such audio track."""

    code = "no_audio_track"


class TooLong(RecordingError):
    """More audio than `--max-duration` allows."""

    code = "too_long"


class TooManyChannels(RecordingError):
    """More channels than `--channels split` keeps apart."""

    code = "too_many_channels"


class DecoderFailed(RecordingError):
    """The decoder crashed, hung, or ran past its limits."""

    code = "decoder_failed"


class RecordingChanged(RecordingError):
    """The file changed while it was being read."""

    code = "recording_changed"
    retryable = True


class RecognitionFailed(RecordingError):
    """The recognizer failed on this recording."""

    code = "recognition_failed"


class DiarizationFailed(RecordingError):
    """Who spoke could not be found out; the text of the recording is there."""

    code = "diarization_failed"


class OutputRefused(RecordingError):
    """The output belongs to something else, or could not be written."""

    code = "output_refused"
