"""Subtitle cues: segments, cut at word borders where they would be too long to read, with times that players accept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, dropwhile

from transcribe_cli.formats.lines import LINES, one_line, wrap
from transcribe_cli.formats.timestamps import milliseconds
from transcribe_cli.transcript import Segment, Transcript, Word

# Longest time that a cue stays on the screen, in milliseconds.
# https://partnerhelp.netflixstudios.com/hc/en-us/articles/215758617
LONGEST_MS = 7000
# Of a longer name only the beginning is written before the text: there must be room for words beside it.
LABEL_CHARACTERS = 30
# Before the text of somebody unknown who speaks after somebody known; broadcasters mark a change of speaker with a dash.
UNKNOWN = "- "
_SENTENCE_ENDS = tuple(".?!…。？！؟।")
_CLAUSE_ENDS = tuple(",;:—–、，；：،")


@dataclass(frozen=True)
class Cue:
    """One subtitle: whole milliseconds, text on one line."""

    start_ms: int
    end_ms: int
    text: str
    speaker: str | None = None


def cues(transcript: Transcript, label: str = "") -> list[Cue]:
    """All text of the transcript, in its order, as cues that do not overlap; each ends after it starts.

    Args:
        transcript: segments without word times, or whose words do not spell their text, stay in one cue.
        label: how a speaker is written before the first words after a change of speaker, such as `{}: `; it takes room in the lines.
            Without it the text says nothing of speakers.
    """
    return list(_apart(list(_of_segments(transcript.segments, label))))


def _of_segments(segments: Iterable[Segment], label: str) -> Iterator[Cue]:
    before: str | None = None
    for segment in segments:
        speaker = one_line(segment.speaker or "") or None
        prefix = _prefix(label, before, speaker)
        visible = list(dropwhile(lambda word: not one_line(word.text), _words(segment)))
        for cue in _readable(visible, prefix):
            yield replace(cue, speaker=speaker)
            before = speaker


def _prefix(label: str, before: str | None, speaker: str | None) -> str:
    """What is written where this speaker begins, after that one."""
    if not label or speaker == before:
        return ""
    if speaker is None:
        return UNKNOWN
    return label.format(speaker if len(speaker) <= LABEL_CHARACTERS else f"{speaker[: LABEL_CHARACTERS - 1]}…")


def _words(segment: Segment) -> list[Cue]:
    """The segment word by word, each with the part of the text from it to the next one; one part when the words are not the text."""
    found: list[tuple[int, Word]] = []
    position = 0
    for word in segment.words or ():
        position = segment.text.find(word.word.strip(" "), position)
        if position < 0:
            found = []
            break
        found.append((position, word))
        position += len(word.word.strip(" "))
    if not found:
        text = one_line(segment.text)
        return [Cue(milliseconds(segment.start), milliseconds(segment.end), text)] if text else []
    borders = [0, *(start for start, _ in found[1:]), len(segment.text)]
    # Spaces at the borders are kept here, so that parts can be joined again; languages without spaces have none.
    return [
        Cue(milliseconds(word.start), milliseconds(word.end), segment.text[start:end])
        for (_, word), start, end in zip(found, borders, borders[1:], strict=False)
    ]


def _readable(words: Sequence[Cue], prefix: str) -> Iterator[Cue]:
    """The words as one cue, or halved until each part can be read; the first begins with the prefix."""
    if not words:
        return
    text = one_line("".join(word.text for word in words))
    cue = Cue(words[0].start_ms, words[-1].end_ms, prefix + text)
    fits = len(wrap(cue.text)) <= LINES and cue.end_ms - cue.start_ms <= LONGEST_MS
    if fits or len(words) == 1:
        if text:
            yield cue
        return
    cut = _best_cut(words)
    yield from _readable(words[:cut], prefix)
    yield from _readable(words[cut:], "")


def _best_cut(words: Sequence[Cue]) -> int:
    """Before which word to cut: after a sentence or a clause in the middle half of the text, else nearest to the middle."""
    ends = list(accumulate(len(word.text) for word in words))

    def cost(cut: int) -> tuple[int, float]:
        off_centre = abs(ends[cut - 1] / ends[-1] - 0.5) if ends[-1] else abs(cut / len(words) - 0.5)
        last = words[cut - 1].text.rstrip().rstrip("\"'”’»)]")
        rank = 0 if last.endswith(_SENTENCE_ENDS) else 1 if last.endswith(_CLAUSE_ENDS) else 2
        return (rank if off_centre <= 0.25 else 3), off_centre

    return min(range(1, len(words)), key=cost)


def _apart(crowded: Sequence[Cue]) -> Iterator[Cue]:
    """The same cues, starts rising and ends cut at the next start; where times were equal, a millisecond apart."""
    starts: list[int] = []
    for cue in crowded:
        starts.append(max(cue.start_ms, starts[-1] + 1) if starts else cue.start_ms)
    for cue, start, limit in zip(crowded, starts, [*starts[1:], None], strict=False):
        end = max(cue.end_ms, start + 1)
        yield replace(cue, start_ms=start, end_ms=end if limit is None else min(end, limit))
