"""How sure the model is of its words: of all together, and of stretches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transcribe_cli.pipeline.verdict.spans import clock, of_segments, places, seconds_of
from transcribe_cli.transcript import Reason, Segment, Transcript, Word

# The mean probability of the words: below it, more than 30 % of them are probably wrong, and below the second, most of them.
DOUBTFUL_PROBABILITY, WRONG_PROBABILITY = 0.75, 0.62
# Where the probabilities of words are not known: the mean log-probability of the text's tokens.
DOUBTFUL_LOGPROB, WRONG_LOGPROB = -0.45, -0.70
# What servers that report none get as the probability of each word.
UNKNOWN_PROBABILITY = 1.0
# A stretch with this many words is long enough to be judged on its own.
STRETCH_WORDS = 40
# The mean of so few words varies more: it has to be lower to say the same.
FEW_WORDS, FEW_WORDS_ALLOWANCE = 12, 0.08
# The share of the time whose text failed every quality gate.
FAILED_SHARE, FAILED_MOST = 0.10, 0.50


def low_confidence(transcript: Transcript) -> Iterator[Reason]:
    """Words that the model itself takes for improbable, in the whole recording or in stretches of it."""
    segments = transcript.segments
    words = [word for segment in segments for word in segment.words or ()]
    if all(word.probability == UNKNOWN_PROBABILITY for word in words):
        yield from _improbable_text(segments)
        return
    allowance = FEW_WORDS_ALLOWANCE if len(words) < FEW_WORDS else 0.0
    mean = _mean(words)
    if mean < DOUBTFUL_PROBABILITY - allowance:
        level = "bad" if mean < WRONG_PROBABILITY - allowance else "check"
        detail = f"The model is not sure of its words: {mean:.0%} on average."
        yield Reason(code="confidence", level=level, detail=detail, spans=of_segments(_flagged(segments)))
    elif stretches := _doubtful_stretches(segments):
        detail = "The model is not sure of its words in parts of the recording."
        yield Reason(code="confidence", level="check", detail=detail, spans=places(stretches))


def failed_gates(transcript: Transcript) -> Iterator[Reason]:
    """Clips that were accepted although they failed the quality gates at every temperature."""
    failed = [segment for segment in transcript.segments if "failed_gates" in segment.flags]
    seconds, whole = seconds_of(failed), seconds_of(transcript.segments)
    if not failed or seconds < FAILED_SHARE * whole:
        return
    level = "bad" if seconds >= FAILED_MOST * whole else "check"
    detail = f"{clock(seconds)} of {clock(whole)} of text failed the quality thresholds at every temperature."
    yield Reason(code="failed_gates", level=level, detail=detail, spans=of_segments(failed))


def _improbable_text(segments: Sequence[Segment]) -> Iterator[Reason]:
    whole = seconds_of(segments)
    mean = sum(segment.avg_logprob * (segment.end - segment.start) for segment in segments) / whole if whole else 0.0
    if mean < DOUBTFUL_LOGPROB:
        level = "bad" if mean < WRONG_LOGPROB else "check"
        detail = f"The model is not sure of its text: its mean log-probability is {mean:.2f}."
        worst = [segment for segment in segments if segment.avg_logprob < DOUBTFUL_LOGPROB]
        yield Reason(code="confidence", level=level, detail=detail, spans=of_segments(worst))


def _flagged(segments: Sequence[Segment]) -> list[Segment]:
    return [segment for segment in segments if "low_confidence" in segment.flags]


def _doubtful_stretches(segments: Sequence[Segment]) -> list[tuple[float, float]]:
    """Runs of `STRETCH_WORDS` words and more, one after the other, whose mean is as low as that of a wrong text."""
    found = []
    run: list[Word] = []
    for segment in segments:
        run += segment.words or ()
        if len(run) >= STRETCH_WORDS:
            if _mean(run) < WRONG_PROBABILITY:
                found.append((run[0].start, run[-1].end))
            run = []
    return found


def _mean(words: Sequence[Word]) -> float:
    return sum(word.probability for word in words) / len(words)
