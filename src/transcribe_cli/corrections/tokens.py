"""The words of a text, in the form in which texts are compared: runs without spaces; single characters in scripts without spaces."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from transcribe_cli.formats.plain_text import strip_controls
from transcribe_cli.formats.word_spans import word_spans
from transcribe_cli.transcript import Segment

# Thai to Myanmar, Khmer; kana and Han with their punctuation; Han of other planes.
_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"[{_UNSPACED}][\u0300-\u036f]*|[^\s{_UNSPACED}]+")


@dataclass(frozen=True)
class Token:
    """A word of a text.

    Attributes:
        space: whether a space precedes it.
        speaker: name or label; None if the text does not say.
        start, end: seconds, of the cue that it is in; None if the file has no times.
        block: number of its cue or paragraph.
        line: of the file, from 1.
    """

    text: str
    space: bool = True
    speaker: str | None = None
    start: float | None = None
    end: float | None = None
    block: int = 0
    line: int = 0


@dataclass(frozen=True)
class Place:
    """A word of a transcript: the segment that it is in, and which of its timed words it covers, as first and last index."""

    text: str
    space: bool
    segment: int
    first: int
    last: int


def split(text: str) -> Iterator[tuple[str, int, int, bool]]:
    """Each word with its start and end in the text, and whether a space precedes it."""
    for match in _TOKEN.finditer(text):
        yield match.group(), match.start(), match.end(), match.start() == 0 or text[match.start() - 1].isspace()


def places(segments: Sequence[Segment]) -> list[Place]:
    """The words of the segments, in order."""
    found = []
    for index, segment in enumerate(segments):
        ends, position = [], 0
        for span in word_spans(segment):
            position += len(span.text)
            ends.append(position)
        word = 0
        for text, start, end, space in split(strip_controls(segment.text) if len(ends) == 1 else segment.text):
            while word < len(ends) - 1 and ends[word] <= start:
                word += 1
            last = word
            while last < len(ends) - 1 and ends[last] < end:
                last += 1
            found.append(Place(text, space, index, word, last))
    return found
