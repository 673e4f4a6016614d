"""TextGrid for Praat and for forced aligners: a tier of sentences and one of words for each speaker.

The long text form, https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html. A tier of its speaker's name is what the
Montreal Forced Aligner takes: https://montreal-forced-aligner.readthedocs.io/en/latest/user_guide/corpus_structure.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.formats.timestamps import milliseconds
from transcribe_cli.formats.word_spans import parts
from transcribe_cli.transcript import Segment, Transcript

# Tiers of a recording in which nobody's name is known, or of those segments where it is not.
SENTENCES = "sentences"
WORDS = "words"


class _Interval(NamedTuple):
    start_ms: int
    end_ms: int
    text: str


def render(transcript: Transcript) -> str:
    """The tiers in the order in which their speakers are first heard; each covers the recording, with empty intervals in pauses."""
    tiers = {name: list(_in_order(spans)) for name, spans in _tiers(transcript.segments).items()}
    end_ms = max([1, milliseconds(transcript.duration), *(tier[-1].end_ms for tier in tiers.values() if tier)])
    head = f'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = {_seconds(end_ms)}\n'
    items = "".join(_tier(number, name, spans, end_ms) for number, (name, spans) in enumerate(tiers.items(), start=1))
    return f"{head}tiers? <exists>\nsize = {len(tiers)}\nitem []:\n{items}"


def _tiers(segments: Iterable[Segment]) -> dict[str, list[_Interval]]:
    """Without speech there is an empty tier: Praat reads no TextGrid that has none."""
    tiers: dict[str, list[_Interval]] = {}
    for segment in segments:
        speaker = one_line(segment.speaker or "")
        tiers.setdefault(speaker or SENTENCES, []).extend(_spans([(segment.start, segment.end, segment.text)]))
        if segment.words:
            words = ((part.start, part.end, part.text) for part in parts(segment))
            tiers.setdefault(f"{speaker} - {WORDS}" if speaker else WORDS, []).extend(_spans(words))
    return tiers or {SENTENCES: []}


def _spans(texts: Iterable[tuple[float, float, str]]) -> Iterator[_Interval]:
    for start, end, text in texts:
        if shown := one_line(text):
            yield _Interval(milliseconds(start), milliseconds(end), shown)


def _in_order(spans: list[_Interval]) -> Iterator[_Interval]:
    """The same texts, none overlapping and none without length, which a tier cannot hold: cut at the next, or a millisecond apart."""
    spans = sorted(spans, key=lambda span: span.start_ms)
    starts: list[int] = []
    for span in spans:
        starts.append(max(span.start_ms, starts[-1] + 1 if starts else 0))
    for span, start, limit in zip(spans, starts, [*starts[1:], None], strict=False):
        end = max(span.end_ms, start + 1)
        yield _Interval(start, end if limit is None else min(end, limit), span.text)


def _tier(number: int, name: str, spans: list[_Interval], end_ms: int) -> str:
    covering = list(_with_pauses(spans, end_ms))
    head = (
        f"    item [{number}]:\n"
        f'        class = "IntervalTier"\n'
        f"        name = {_quoted(name)}\n"
        f"        xmin = 0\n"
        f"        xmax = {_seconds(end_ms)}\n"
        f"        intervals: size = {len(covering)}\n"
    )
    return head + "".join(
        f"        intervals [{index}]:\n"
        f"            xmin = {_seconds(span.start_ms)}\n"
        f"            xmax = {_seconds(span.end_ms)}\n"
        f"            text = {_quoted(span.text)}\n"
        for index, span in enumerate(covering, start=1)
    )


def _with_pauses(spans: list[_Interval], end_ms: int) -> Iterator[_Interval]:
    position = 0
    for span in spans:
        if span.start_ms > position:
            yield _Interval(position, span.start_ms, "")
        yield span
        position = span.end_ms
    if position < end_ms:
        yield _Interval(position, end_ms, "")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _seconds(time_ms: int) -> str:
    return f"{time_ms / 1000:.3f}"
