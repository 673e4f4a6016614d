"""The demonstration model knows some hundred words in synthetic voices. Over anything else it writes a page of nonsense, fluently."""

from __future__ import annotations

from collections.abc import Iterator

from transcribe_cli.recognition.engines.models import DEMO
from transcribe_cli.transcript import Reason, Transcript

# The mean probability of its words is 0.99 on the speech that it was trained for, and 0.76 to 0.83 on real voices.
KNOWN_PROBABILITY = 0.88
# Where word times are disabled: the mean log-probability, -0.01 against -0.2 and less.
KNOWN_LOGPROB = -0.10
# Speech without any word is unknown, too, from this length on, in seconds.
MIN_SPEECH_SECONDS = 2.0


def demonstration_model(transcript: Transcript) -> Iterator[Reason]:
    """Model `demo` on speech that it does not know: the text is wrong, whatever else the figures say."""
    if transcript.job.spec.get("model") == DEMO and not _is_known(transcript):
        detail = "Demonstration model: it does not know this speech, and its text is wrong. Use a real model."
        yield Reason(code="demonstration_model", level="bad", detail=detail)


def _is_known(transcript: Transcript) -> bool:
    """Whether the model is as sure of the text as it is of the speech that it was trained for."""
    if not transcript.segments:
        return transcript.quality.speech < MIN_SPEECH_SECONDS
    words = [word for segment in transcript.segments for word in segment.words or ()]
    if words:
        return sum(word.probability for word in words) / len(words) >= KNOWN_PROBABILITY
    weights = [len(segment.text) for segment in transcript.segments]
    logprobs = [segment.avg_logprob * weight for segment, weight in zip(transcript.segments, weights, strict=True)]
    return sum(logprobs) / sum(weights) >= KNOWN_LOGPROB
