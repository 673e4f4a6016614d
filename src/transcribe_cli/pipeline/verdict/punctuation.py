"""Minutes of text without a full stop or a capital letter: the model fell into a style of its own, which it often keeps to the end."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence

from transcribe_cli.pipeline.verdict.spans import Spans, clock, places
from transcribe_cli.transcript import Reason, Segment, Transcript

# Text this long has a sentence end and a capital letter in every language that uses them: seconds, and letters.
STRETCH_SECONDS = 120.0
STRETCH_LETTERS = 600
# Languages that are written without sentence ends.
UNPUNCTUATED_LANGUAGES = frozenset({"th", "lo", "my", "km", "bo"})


def missing_punctuation(transcript: Transcript) -> Iterator[Reason]:
    """Stretches without any mark that ends or divides a sentence."""
    if transcript.language not in UNPUNCTUATED_LANGUAGES:
        yield from _reason(_stretches(transcript.segments, _has_mark), "punctuation", "punctuation")


def missing_capitals(transcript: Transcript) -> Iterator[Reason]:
    """Stretches without a capital letter, in scripts that have them."""
    cased = [segment for segment in transcript.segments if segment.text.lower() != segment.text.upper()]
    yield from _reason(_stretches(cased, lambda text: text != text.lower()), "capitals", "capital letters")


def _reason(stretches: Spans, code: str, lacks: str) -> Iterator[Reason]:
    if stretches:
        length = clock(sum(end - start for start, end in stretches))
        yield Reason(code=code, level="check", detail=f"{length} of text have no {lacks}.", spans=places(stretches))


def _stretches(segments: Sequence[Segment], has: Callable[[str], bool]) -> Spans:
    """The stretches of consecutive segments whose text lacks something, if they are long enough."""
    found: list[tuple[float, float]] = []
    run: list[Segment] = []
    for segment in [*segments, None]:
        if segment is not None and not has(segment.text):
            run.append(segment)
            continue
        if run and run[-1].end - run[0].start >= STRETCH_SECONDS and sum(map(_letters, run)) >= STRETCH_LETTERS:
            found.append((run[0].start, run[-1].end))
        run = []
    return tuple(found)


def _letters(segment: Segment) -> int:
    return sum(char.isalpha() for char in segment.text)


def _has_mark(text: str) -> bool:
    """Whether the text has punctuation other than hyphens, apostrophes and quotation marks."""
    return any(unicodedata.category(char) == "Po" and char not in "'\"’" for char in text)
