"""The verdict on a transcript: whether its text can be trusted, why not, and where to look.

It is a function of the document alone, so that it is the same on this machine, on a worker and for a server's answer, and can be computed
again when thresholds change. One file a check; each yields reasons. docs/quality.md has the figures behind every threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeAlias

from transcribe_cli.pipeline.verdict.audio import damaged_audio, sound_without_words
from transcribe_cli.pipeline.verdict.confidence import failed_gates, low_confidence
from transcribe_cli.pipeline.verdict.demonstration_model import demonstration_model
from transcribe_cli.pipeline.verdict.density import density
from transcribe_cli.pipeline.verdict.language import doubtful_language, other_language, other_script
from transcribe_cli.pipeline.verdict.missing_text import missing_text
from transcribe_cli.pipeline.verdict.punctuation import missing_capitals, missing_punctuation
from transcribe_cli.pipeline.verdict.repetitions import repetitions
from transcribe_cli.pipeline.verdict.speakers import NO_DIARIZATION, no_speakers
from transcribe_cli.transcript import Reason, Transcript

__all__ = ["CHECKS", "NO_DIARIZATION", "judged", "with_speaker_reason"]

Check: TypeAlias = Callable[[Transcript], Iterator[Reason]]

# In the order in which reasons of the same level are shown.
CHECKS: tuple[Check, ...] = (
    demonstration_model,
    other_language,
    other_script,
    failed_gates,
    missing_text,
    sound_without_words,
    damaged_audio,
    repetitions,
    density,
    low_confidence,
    doubtful_language,
    missing_punctuation,
    missing_capitals,
    no_speakers,
)


def judged(transcript: Transcript) -> Transcript:
    """The transcript with its verdict and reasons, computed from everything else in it."""
    return _with_reasons(transcript, [reason for check in CHECKS for reason in check(transcript)])


def with_speaker_reason(transcript: Transcript) -> Transcript:
    """The transcript after diarization: the other reasons stay. One that was never judged has no verdict to change."""
    if transcript.quality.verdict is None:
        return transcript
    others = [reason for reason in transcript.quality.reasons if reason.code != "speakers"]
    return _with_reasons(transcript, [*others, *no_speakers(transcript)])


def _with_reasons(transcript: Transcript, reasons: Sequence[Reason]) -> Transcript:
    worst_first = tuple(sorted(reasons, key=lambda reason: reason.level != "bad"))
    verdict: Literal["good", "check", "bad"] = worst_first[0].level if worst_first else "good"
    quality = transcript.quality.model_copy(update={"verdict": verdict, "reasons": worst_first})
    return transcript.model_copy(update={"quality": quality})
