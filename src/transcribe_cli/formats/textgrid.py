"""TextGrid for Praat and forced aligners: a tier of sentences and a tier of words for each speaker.

The long text format, https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html. The
Montreal Forced Aligner expects tiers named after speakers: https://montreal-forced-aligner.readthedocs.io/en/latest/user_guide/corpus_structure.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.formats.timestamps import milliseconds
from transcribe_cli.formats.word_spans import word_spans
from transcribe_cli.transcript import Segment, Transcript

# Tiers of segments without a speaker.
SENTENCES = "sentences"
WORDS = "words"


class _Interval(NamedTuple):
    start_ms: int
    end_ms: int
    text: str


def render(transcript: Transcript) -> str:
    """The tiers, in the order in which their speakers first speak. Each covers the recording, with empty intervals in pauses."""
    tiers = {name: list(_without_overlap(intervals)) for name, intervals in _tiers(transcript.segments).items()}
    end_ms = max([1, milliseconds(transcript.duration), *(tier[-1].end_ms for tier in tiers.values() if tier)])
    header = f'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = {_seconds(end_ms)}\n'
    items = "".join(_tier(number, name, intervals, end_ms) for number, (name, intervals) in enumerate(tiers.items(), start=1))
    return f"{header}tiers? <exists>\nsize = {len(tiers)}\nitem []:\n{items}"


def _tiers(segments: Iterable[Segment]) -> dict[str, list[_Interval]]:
    """The intervals of each tier. Without speech there is one empty tier: Praat rejects a TextGrid without tiers."""
    tiers: dict[str, list[_Interval]] = {}
    for segment in segments:
        speaker = one_line(segment.speaker or "")
        tiers.setdefault(speaker or SENTENCES, []).extend(_intervals([(segment.start, segment.end, segment.text)]))
        if segment.words:
            words = ((span.start, span.end, span.text) for span in word_spans(segment))
            tiers.setdefault(f"{speaker} - {WORDS}" if speaker else WORDS, []).extend(_intervals(words))
    return tiers or {SENTENCES: []}


def _intervals(texts: Iterable[tuple[float, float, str]]) -> Iterator[_Interval]:
    for start, end, text in texts:
        if shown := one_line(text):
            yield _Interval(milliseconds(start), milliseconds(end), shown)


def _without_overlap(intervals: list[_Interval]) -> Iterator[_Interval]:
    """Make intervals valid for a tier, which allows no overlap and no empty interval: cut at the next start, at least 1 ms long."""
    intervals = sorted(intervals, key=lambda interval: interval.start_ms)
    starts: list[int] = []
    for interval in intervals:
        starts.append(max(interval.start_ms, starts[-1] + 1 if starts else 0))
    for interval, start, limit in zip(intervals, starts, [*starts[1:], None], strict=False):
        end = max(interval.end_ms, start + 1)
        yield _Interval(start, end if limit is None else min(end, limit), interval.text)


def _tier(number: int, name: str, intervals: list[_Interval], end_ms: int) -> str:
    covering = list(_with_pauses(intervals, end_ms))
    header = (
        f"    item [{number}]:\n"
        f'        class = "IntervalTier"\n'
        f"        name = {_quoted(name)}\n"
        f"        xmin = 0\n"
        f"        xmax = {_seconds(end_ms)}\n"
        f"        intervals: size = {len(covering)}\n"
    )
    return header + "".join(
        f"        intervals [{index}]:\n"
        f"            xmin = {_seconds(interval.start_ms)}\n"
        f"            xmax = {_seconds(interval.end_ms)}\n"
        f"            text = {_quoted(interval.text)}\n"
        for index, interval in enumerate(covering, start=1)
    )


def _with_pauses(intervals: list[_Interval], end_ms: int) -> Iterator[_Interval]:
    position = 0
    for interval in intervals:
        if interval.start_ms > position:
            yield _Interval(position, interval.start_ms, "")
        yield interval
        position = interval.end_ms
    if position < end_ms:
        yield _Interval(position, end_ms, "")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _seconds(time_ms: int) -> str:
    return f"{time_ms / 1000:.3f}"
