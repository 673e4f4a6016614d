"""What the recognizer reports about clips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from transcribe_cli.errors import TranscribeError
from transcribe_cli.recognition.engines import Clip, ClipResult


@dataclass(frozen=True)
class Recognized:
    """The result of a clip."""

    clip: Clip
    result: ClipResult


@dataclass(frozen=True)
class LanguageDetected:
    """The probability of each language in a clip that was added without a language."""

    clip: Clip
    probabilities: Mapping[str, float]


@dataclass(frozen=True)
class ClipFailed:
    """A clip cannot be recognized, so its recording fails."""

    clip: Clip
    error: TranscribeError


@dataclass(frozen=True)
class AllDevicesFailed:
    """No device is left, or a bug ended a device thread. No further messages follow."""

    error: Exception


RecognitionMessage = Recognized | LanguageDetected | ClipFailed | AllDevicesFailed
