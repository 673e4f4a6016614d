"""The gates of Whisper: which decoding of a clip stands, and when the next temperature is worth a try.

They are openai/whisper's (`decode_with_fallback` in its transcribe.py), applied to each clip of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from transcribe_cli.engines import Clip, ClipResult
from transcribe_cli.spec import JobSpec


@dataclass(frozen=True)
class Attempt:
    """One decoding of one clip at one temperature; fields as in `ClipResult`."""

    tokens: tuple[int, ...]
    text: str
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    failed_gates: bool = False

    def repeats(self, spec: JobSpec) -> bool:
        """Whether the text compresses too well to be speech."""
        return spec.compression_ratio_threshold is not None and self.compression_ratio > spec.compression_ratio_threshold

    def improbable(self, spec: JobSpec) -> bool:
        """Whether the model does not believe its own text."""
        return spec.log_prob_threshold is not None and self.avg_logprob < spec.log_prob_threshold

    def silent(self, spec: JobSpec) -> bool:
        """Whether the model doubts that there is speech, and what it wrote is improbable too."""
        doubted = spec.no_speech_threshold is not None and self.no_speech_prob > spec.no_speech_threshold
        return doubted and (spec.log_prob_threshold is None or self.improbable(spec))

    def result(self, clip: Clip) -> ClipResult:
        """The result of the clip, still without words."""
        return ClipResult(
            clip,
            temperature=self.temperature,
            avg_logprob=self.avg_logprob,
            compression_ratio=self.compression_ratio,
            no_speech_prob=self.no_speech_prob,
            failed_gates=self.failed_gates,
        )


def settle(attempts: Sequence[Attempt], spec: JobSpec, *, last: bool) -> Attempt | None:
    """The attempt that stands, or None to try the next temperature.

    When the ladder ends (`last`) without one that passes, the most probable one stands, if possible one that does not repeat itself.
    """
    latest = attempts[-1]
    if latest.silent(spec):
        return replace(latest, tokens=(), text="")
    if not latest.repeats(spec) and not latest.improbable(spec):
        return latest
    if not last:
        return None
    candidates = [attempt for attempt in attempts if not attempt.repeats(spec)] or list(attempts)
    return replace(max(candidates, key=lambda attempt: attempt.avg_logprob), failed_gates=True)
