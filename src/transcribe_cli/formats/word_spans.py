"""The text of segments, split where words begin, each span with the times of its word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.transcript import LOW_CONFIDENCE, Segment, Word


@dataclass(frozen=True)
class WordSpan:
    """A word with the punctuation and spaces around it, up to the next word.

    Attributes:
        text: exact excerpt of the segment, spaces included. The joined spans are the text of their segment.
        start, end: seconds.
        probability: 0 to 1; None if unknown.
    """

    text: str
    start: float
    end: float
    probability: float | None

    @property
    def is_uncertain(self) -> bool:
        """Whether the recognizer's confidence is so low that the word should be checked."""
        return self.probability is not None and self.probability < LOW_CONFIDENCE


@dataclass(frozen=True)
class DisplayedWord(WordSpan):
    """A span as displayed in a paragraph: on one line, stripped. `space` is whether a space follows it."""

    space: bool = False


def word_spans(segment: Segment) -> list[WordSpan]:
    """The segment word by word; one span if it has no word times, or if its words do not match its text."""
    positions: list[tuple[int, Word]] = []
    position = 0
    for word in segment.words or ():
        stripped = word.word.strip(" ")
        position = segment.text.find(stripped, position)
        if position < 0:
            return [_whole_segment(segment)]
        positions.append((position, word))
        position += len(stripped)
    if not positions:
        return [_whole_segment(segment)]
    borders = [0, *(start for start, _ in positions[1:]), len(segment.text)]
    return [
        WordSpan(segment.text[start:end], word.start, word.end, word.probability)
        for (_, word), start, end in zip(positions, borders, borders[1:], strict=False)
    ]


def displayed_words(paragraph: Iterable[Segment]) -> list[DisplayedWord]:
    """The visible words of a paragraph. With their spaces, they are its text on one line."""
    words: list[DisplayedWord] = []
    for segment in paragraph:
        space = True
        for span in word_spans(segment):
            normalized = one_line(f"x{span.text}x")[1:-1]  # keeps one space at each end that has any
            space = space or normalized.startswith(" ")
            if text := normalized.strip(" "):
                if words and space:
                    words[-1] = replace(words[-1], space=True)
                words.append(DisplayedWord(text, span.start, span.end, span.probability))
                space = normalized.endswith(" ")
    return words


def _whole_segment(segment: Segment) -> WordSpan:
    return WordSpan(segment.text, segment.start, segment.end, None)
