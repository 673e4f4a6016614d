"""The text of segments, cut where words begin, each part with the times of its word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.transcript import LOW_CONFIDENCE, Segment, Word


@dataclass(frozen=True)
class Part:
    """A word with the punctuation around it, up to the next word.

    Attributes:
        text: as the segment has it, spaces included: parts joined are the text of their segment.
        start, end: seconds.
        probability: 0 to 1; None when it is not known.
    """

    text: str
    start: float
    end: float
    probability: float | None

    @property
    def doubtful(self) -> bool:
        """Whether people should listen again."""
        return self.probability is not None and self.probability < LOW_CONFIDENCE


@dataclass(frozen=True)
class Spoken(Part):
    """A part as it is shown in a paragraph: on one line, without spaces at its ends; `space` says whether one comes after it."""

    space: bool = False


def parts(segment: Segment) -> list[Part]:
    """The segment word by word; as one part when it has no word times, or when its words do not spell its text."""
    found: list[tuple[int, Word]] = []
    position = 0
    for word in segment.words or ():
        spelled = word.word.strip(" ")
        position = segment.text.find(spelled, position)
        if position < 0:
            return [_whole(segment)]
        found.append((position, word))
        position += len(spelled)
    if not found:
        return [_whole(segment)]
    borders = [0, *(start for start, _ in found[1:]), len(segment.text)]
    return [
        Part(segment.text[start:end], word.start, word.end, word.probability)
        for (_, word), start, end in zip(found, borders, borders[1:], strict=False)
    ]


def spoken(paragraph: Iterable[Segment]) -> list[Spoken]:
    """The words of a paragraph that can be seen; with their spaces they are its text on one line."""
    found: list[Spoken] = []
    for segment in paragraph:
        space = True
        for part in parts(segment):
            framed = one_line(f"x{part.text}x")[1:-1]  # with one space at each end that has any
            space = space or framed.startswith(" ")
            if text := framed.strip(" "):
                if found and space:
                    found[-1] = replace(found[-1], space=True)
                found.append(Spoken(text, part.start, part.end, part.probability))
                space = framed.endswith(" ")
    return found


def _whole(segment: Segment) -> Part:
    return Part(segment.text, segment.start, segment.end, None)
