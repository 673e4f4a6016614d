"""Speech without words: a long stretch of it, or a large part of all."""

from __future__ import annotations

from collections.abc import Iterator

from transcribe_cli.pipeline.verdict.spans import clock, places
from transcribe_cli.transcript import Reason, Transcript

# One stretch of speech this long without words is worth a look, in seconds.
STRETCH_SECONDS = 4.0
# A smaller share of the speech without words is breath, hesitation and padding; a larger one is lost text.
MISSING_SHARE, LOST_SHARE = 0.15, 0.30
# Of a shorter recording the padding around its speech is too large a part to judge by shares, in seconds of missing speech.
MIN_MISSING_SECONDS = 3.0


def missing_text(transcript: Transcript) -> Iterator[Reason]:
    """Speech that has no words, after the rescue."""
    quality = transcript.quality
    stretches = [end - start for start, end in quality.gaps]
    missing = sum(stretches)
    share = missing / quality.speech if quality.speech else 0.0
    is_part = missing >= MIN_MISSING_SECONDS and share >= MISSING_SHARE
    if not is_part and max(stretches, default=0.0) < STRETCH_SECONDS:
        return
    is_lost = missing >= MIN_MISSING_SECONDS and share >= LOST_SHARE
    detail = f"{clock(missing)} of {clock(quality.speech)} of speech have no words."
    yield Reason(code="missing_text", level="bad" if is_lost else "check", detail=detail, spans=places(quality.gaps))
