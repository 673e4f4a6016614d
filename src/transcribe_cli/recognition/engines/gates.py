"""The gates of Whisper: which decoding of a clip stands, and when the next temperature is worth a try.

They are openai/whisper's (`decode_with_fallback` in its transcribe.py), applied to each clip of a batch. A text that goes round in
circles fails too, also where it is too short to compress well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from transcribe_cli.recognition.engines import Attempt
from transcribe_cli.spec import JobSpec

# A loop is the same few words, at least so often one after the other, and at least so many words in all: "não, não, não, não" is speech.
LOOP_TIMES = 4
LOOP_WORDS = 12
LONGEST_LOOP = 10


def loops(text: str) -> bool:
    """Whether some stretch of one to ten words is said four times or more in a row, twelve words or more in all."""
    words = text.lower().split()
    for length in range(1, LONGEST_LOOP + 1):
        same = 0
        for here, before in zip(words[length:], words, strict=False):
            same = same + 1 if here == before else 0
            if same + length >= max(LOOP_TIMES * length, LOOP_WORDS):
                return True
    return False


def settle(attempts: Sequence[Attempt], spec: JobSpec, *, last: bool) -> Attempt | None:
    """The attempt that stands, or None to try the next temperature.

    When the ladder ends (`last`) without one that passes, the most probable one stands, if possible one that does not repeat itself.
    """
    latest = attempts[-1]
    if silent(latest, spec):
        return replace(latest, tokens=(), text="")
    if not latest.repeats and not improbable(latest, spec):
        return latest
    if not last:
        return None
    candidates = [attempt for attempt in attempts if not attempt.repeats] or list(attempts)
    return replace(max(candidates, key=lambda attempt: attempt.avg_logprob), failed_gates=True)


def is_repetitive(text: str, compression_ratio: float, spec: JobSpec) -> bool:
    """Whether the text compresses too well to be speech, or loops; never when the spec has no threshold."""
    threshold = spec.compression_ratio_threshold
    return threshold is not None and (compression_ratio > threshold or loops(text))


def improbable(attempt: Attempt, spec: JobSpec) -> bool:
    """Whether the model does not believe its own text."""
    return spec.log_prob_threshold is not None and attempt.avg_logprob < spec.log_prob_threshold


def silent(attempt: Attempt, spec: JobSpec) -> bool:
    """Whether the model doubts that there is speech, and what it wrote is improbable too."""
    doubted = spec.no_speech_threshold is not None and attempt.no_speech_prob > spec.no_speech_threshold
    return doubted and (spec.log_prob_threshold is None or improbable(attempt, spec))
