"""Whisper's quality gates: which decoding of a clip is accepted, and when to retry at the next temperature.

They are those of openai/whisper (`decode_with_fallback` in its transcribe.py), applied to each clip of a batch. In addition, a text that
loops fails, even where it is too short to compress well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from transcribe_cli.recognition.engines import Attempt
from transcribe_cli.recognition.engines.prompts import is_copied
from transcribe_cli.spec import JobSpec

# A loop is the same few words in a row, at least this many times and this many words in all: "não, não, não, não" is speech.
MIN_LOOP_REPEATS = 4
MIN_LOOP_WORDS = 12
# In words.
MAX_LOOP_LENGTH = 10


def has_loop(text: str) -> bool:
    """Whether a phrase of one to ten words occurs four times or more in a row, twelve words or more in all."""
    words = text.lower().split()
    for length in range(1, MAX_LOOP_LENGTH + 1):
        same = 0
        for word, previous in zip(words[length:], words, strict=False):
            same = same + 1 if word == previous else 0
            if same + length >= max(MIN_LOOP_REPEATS * length, MIN_LOOP_WORDS):
                return True
    return False


def choose_attempt(attempts: Sequence[Attempt], spec: JobSpec, *, is_last: bool) -> Attempt | None:
    """The attempt to accept, or None to retry at the next temperature.

    When the last temperature (`is_last`) does not pass either, the most probable attempt is accepted, preferably one without repetition.
    It has what was heard at the first attempt. Where there is probably no speech, Whisper likes to write its prompt: a passage of it is
    accepted only from a text that passes.
    """
    if len(attempts) > 1 and attempts[0].heard:
        attempts = [replace(attempt, heard=attempts[0].heard) for attempt in attempts]
    latest = attempts[-1]
    if is_silent(latest, spec) or (is_doubted(latest, spec) and is_copied(latest.text, spec)):
        return replace(latest, tokens=(), text="")
    if not latest.repeats and not is_improbable(latest, spec):
        return latest
    if not is_last:
        return None
    candidates = [attempt for attempt in attempts if not attempt.repeats] or list(attempts)
    best = max(candidates, key=lambda attempt: attempt.avg_logprob)
    if is_copied(best.text, spec):
        return replace(best, tokens=(), text="")
    return replace(best, failed_gates=True)


def is_repetitive(text: str, compression_ratio: float, spec: JobSpec) -> bool:
    """Whether the text compresses too well to be speech, or loops. Always false when the spec has no threshold."""
    threshold = spec.compression_ratio_threshold
    return threshold is not None and (compression_ratio > threshold or has_loop(text))


def is_improbable(attempt: Attempt, spec: JobSpec) -> bool:
    """Whether the mean log-probability of the text is below the threshold."""
    return spec.log_prob_threshold is not None and attempt.avg_logprob < spec.log_prob_threshold


def is_doubted(attempt: Attempt, spec: JobSpec) -> bool:
    """Whether the model says that there is probably no speech."""
    return spec.no_speech_threshold is not None and attempt.no_speech_prob > spec.no_speech_threshold


def is_silent(attempt: Attempt, spec: JobSpec) -> bool:
    """Whether there is probably no speech: the model says so, and its text is improbable, too."""
    return is_doubted(attempt, spec) and (spec.log_prob_threshold is None or is_improbable(attempt, spec))


def is_leaked(attempt: Attempt, spec: JobSpec) -> bool:
    """Whether the text is a passage of the prompt, where there is probably no speech, or the model is not sure."""
    return (is_doubted(attempt, spec) or is_improbable(attempt, spec)) and is_copied(attempt.text, spec)
