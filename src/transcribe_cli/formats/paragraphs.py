"""Groups segments into paragraphs: one for each speaker's turn, or, without speakers, between long pauses."""

from __future__ import annotations

from collections.abc import Iterator

from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.transcript import Segment, Transcript

# Minimum pause before a new paragraph, after a sentence and inside one, in seconds.
PAUSE = 2.0
LONG_PAUSE = 5.0
# A paragraph of this many characters ends at the next sentence end or pause.
LONG_CHARACTERS = 1000
_SENTENCE_ENDS = tuple(".?!…。？！؟।")


def group_paragraphs(transcript: Transcript) -> Iterator[list[Segment]]:
    """The segments with text, in order. All segments of a paragraph have the same speaker, or none."""
    group: list[Segment] = []
    length = 0
    for segment in transcript.segments:
        if not one_line(segment.text):
            continue
        if group and _starts_paragraph(group[-1], segment, length):
            yield group
            group, length = [], 0
        group.append(segment)
        length += len(segment.text)
    if group:
        yield group


def _starts_paragraph(previous: Segment, segment: Segment, length: int) -> bool:
    pause = segment.start - previous.end
    ends_sentence = previous.text.rstrip().rstrip("\"'”’»)]").endswith(_SENTENCE_ENDS)
    paused = pause >= PAUSE
    is_long = length >= LONG_CHARACTERS
    if previous.speaker != segment.speaker or pause >= LONG_PAUSE:
        return True
    return (paused and ends_sentence) or (is_long and (paused or ends_sentence))
