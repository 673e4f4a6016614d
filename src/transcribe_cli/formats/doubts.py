"""Reasons not to trust a transcript, as text for documents, lines and lists. What shows them escapes them."""

from __future__ import annotations

from collections.abc import Callable

from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.formats.timestamps import milliseconds, short_clock
from transcribe_cli.text.verdicts import Assessment, Doubt, Span
from transcribe_cli.transcript import Transcript

# A document that somebody else wrote may have a sentence of any length.
MAX_CHARACTERS = 200
# Places that are named in a line; of a whole list, only so many are shown.
MAX_PLACES = 2
# Reasons that are named in a line.
MAX_REASONS = 2


def assess(transcript: Transcript) -> Assessment:
    """The verdict on a transcript, with its reasons."""
    return Assessment.of(transcript.quality.verdict, transcript.quality.reasons)


def detail_text(doubt: Doubt) -> str:
    """The sentence without its period, shortened if it is very long; the code if there is none."""
    detail = one_line(doubt.detail).rstrip(".") or one_line(doubt.code)
    return detail if len(detail) <= MAX_CHARACTERS else f"{detail[: MAX_CHARACTERS - 1]}…"


def span_text(span: Span, clock: Callable[[float], str] = short_clock) -> str:
    """`0:00-1:05`."""
    start, end = span
    return f"{clock(start)}-{clock(max(start, end))}"


def jump_clock(seconds: float) -> str:
    """A time to jump to, always with hours: `0:01:05`."""
    minutes, rest = divmod(milliseconds(seconds) // 1000, 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def doubts_text(assessment: Assessment) -> str:
    """`language doubtful (0:00-1:05); loops removed (2:00-2:10, 3:00-3:05 and 4 more); 2 more reasons`."""
    texts = [_with_places(doubt) for doubt in assessment.reasons[:MAX_REASONS]]
    if more := len(assessment.reasons) - len(texts):
        texts.append(f"{more} more {'reason' if more == 1 else 'reasons'}")
    return "; ".join(texts)


def notice(transcript: Transcript) -> str:
    """The line at the top of a document: `To check: …` or `Probably wrong: …`; "" if there is no doubt."""
    assessment = assess(transcript)
    if not assessment.is_doubtful:
        return ""
    title = "Probably wrong" if assessment.verdict == "bad" else "To check"
    return f"{title}: {doubts_text(assessment) or 'no reason is given'}."


def _with_places(doubt: Doubt) -> str:
    places = [span_text(span) for span in doubt.spans[:MAX_PLACES]]
    if not places:
        return detail_text(doubt)
    more = len(doubt.spans) - len(places)
    return f"{detail_text(doubt)} ({', '.join(places)}{f' and {more} more' if more else ''})"
