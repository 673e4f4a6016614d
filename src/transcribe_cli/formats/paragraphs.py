"""Text for people, in paragraphs: one for each speaker's turn, or, without speakers, for each stretch between long pauses."""

from __future__ import annotations

from collections.abc import Iterator

from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.transcript import Segment, Transcript

# A pause from which a new paragraph begins after a sentence, and in the middle of one, in seconds.
PAUSE = 2.0
LONG_PAUSE = 5.0
# A paragraph that has this many characters ends with the next sentence or pause.
LONG_CHARACTERS = 1000
_SENTENCE_ENDS = tuple(".?!…。？！؟।")


def paragraphs(transcript: Transcript) -> Iterator[list[Segment]]:
    """The segments that have text, in their order; those of a paragraph have one speaker, or none."""
    group: list[Segment] = []
    length = 0
    for segment in transcript.segments:
        if not one_line(segment.text):
            continue
        if group and _begins_anew(group[-1], segment, length):
            yield group
            group, length = [], 0
        group.append(segment)
        length += len(segment.text)
    if group:
        yield group


def _begins_anew(before: Segment, after: Segment, length: int) -> bool:
    pause = after.start - before.end
    sentence = before.text.rstrip().rstrip("\"'”’»)]").endswith(_SENTENCE_ENDS)
    paused = pause >= PAUSE
    long = length >= LONG_CHARACTERS
    return before.speaker != after.speaker or pause >= LONG_PAUSE or (paused and sentence) or (long and (paused or sentence))
