"""The words of a transcript as subtitles take them: timed, each a place after which a line may end, in runs of one speaker.

Where the transcript has no times for words, or words that do not spell its text, the time of the segment is shared out by length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from transcribe_cli.formats.cues.cue import CueWord
from transcribe_cli.formats.plain_text import one_line, visible
from transcribe_cli.formats.timestamps import milliseconds
from transcribe_cli.formats.word_spans import parts
from transcribe_cli.subtitles.standards import Rules
from transcribe_cli.transcript import Segment, Transcript

# Thai, Lao, Burmese, Khmer, Chinese and Japanese are written without spaces between words.
DENSE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff9f\U00020000-\U0003ffff"
# No line begins with these, and none ends with those: https://www.w3.org/TR/jlreq/#line_breaking_rules, and Thai vowels.
_CLOSING = (
    "、。，．・：；？！゛゜ヽヾゝゞ々ー—…‥）］｝〕〉》」』】〙〗’”»)\\]}.,:;?!%％ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
)
_OPENING = "（［｛〔〈《「『【〘〖‘“«(\\[{¿¡$¥￥เแโใไ"
# Signs that are drawn with the one before them: Thai, Lao, Khmer and Burmese vowels and tones, Japanese voicing.
_JOINED = (
    "\u0e2f-\u0e3a\u0e45-\u0e4e\u0eaf-\u0ebc\u0ec6-\u0ecd\u102b-\u103e\u1056-\u1059\u17b4-\u17d3\u3099\u309a\ufe00-\ufe0f\u200d"
)
_HAS_DENSE = re.compile(f"[{DENSE}]")
_BETWEEN = re.compile(f"(?<![{_OPENING}\u200d])(?:(?<=[{DENSE}])|(?=[{DENSE}]))(?![{_CLOSING}{_JOINED}])(?!^)(?!$)")
_ONLY_CLOSING = re.compile(f" ?[{_CLOSING}]+")
_ONLY_OPENING = re.compile(f" ?[{_OPENING}]+")
# A longer word of a script without spaces is more than one.
_LONG_WORD = 8


@dataclass(frozen=True)
class Run:
    """Words that may stand in one cue: one person says them, in one language, without a long pause. Never empty."""

    words: Sequence[CueWord]
    speaker: str | None
    language: str


def runs(transcript: Transcript, rules: Rules) -> Iterator[Run]:
    """All words, cut where no cue goes on: at another speaker or language, at a long pause, where time goes back."""
    words: list[CueWord] = []
    said: tuple[str | None, str] = None, transcript.language
    for segment in transcript.segments:
        found = words_of(segment)
        now = one_line(segment.speaker or "") or None, segment.language or transcript.language
        for number, word in enumerate(found):
            if words and (
                now != said
                or word.start_ms < words[-1].start_ms
                or (rules.by_segment and number == 0)
                or (not rules.by_segment and word.start_ms - words[-1].end_ms >= rules.pause_ms)
            ):
                yield Run(words, *said)
                words = []
            said = now
            words.append(_apart(words[-1], word) if words and number == 0 else word)
    if words:
        yield Run(words, *said)


def _apart(before: CueWord, after: CueWord) -> CueWord:
    """The first word of a segment, with a space before it unless the script has none."""
    if after.text.startswith(" ") or _HAS_DENSE.match(before.text[-1]) or _HAS_DENSE.match(after.text):
        return after
    return CueWord(f" {after.text}", after.start_ms, after.end_ms)


def words_of(segment: Segment) -> list[CueWord]:
    """The words of a segment, which are its text in one line; starts never fall, and none ends before it starts."""
    found: list[CueWord] = []
    spaced = False
    for part in parts(segment):
        start_ms, end_ms = milliseconds(part.start), milliseconds(part.end)
        pieces = _pieces(visible(part.text), timed=bool(segment.words))
        for piece, start, end in _shared(pieces, start_ms, max(start_ms, end_ms)):
            spaced = spaced or piece.startswith(" ")
            if word := piece.strip(" "):
                _add(found, CueWord(f" {word}" if spaced else word, start, end))
                spaced = False
            spaced = spaced or piece.endswith(" ")
    return found


def _pieces(text: str, *, timed: bool) -> list[str]:
    """The text, cut before each run of spaces and, in scripts without spaces, between characters; nothing is lost."""
    if text.isascii() and " " not in text[1:-1]:
        return [text]
    pieces = re.findall(" *[^ ]+ *$| *[^ ]+|^ +$", text)
    if not _HAS_DENSE.search(text):
        return pieces
    return [
        part
        for piece in pieces
        for part in ([piece] if timed and len(piece) <= _LONG_WORD else _BETWEEN.sub("\0", piece).split("\0"))
    ]


def _shared(pieces: Sequence[str], start_ms: int, end_ms: int) -> Iterator[tuple[str, int, int]]:
    """Each piece with its share of the time, by its length."""
    if len(pieces) == 1:
        yield pieces[0], start_ms, end_ms
        return
    ends = list(accumulate(len(piece.strip(" ")) for piece in pieces))
    whole = max(ends[-1], 1) if ends else 1
    borders = [start_ms, *(start_ms + (end_ms - start_ms) * end // whole for end in ends)]
    yield from ((piece, start, end) for piece, (start, end) in zip(pieces, pairwise(borders), strict=True))


def _add(words: list[CueWord], word: CueWord) -> None:
    """Append the word, or join it to the last one when no line may end between them."""
    if not words:
        words.append(word)
        return
    last = words[-1]
    start = max(word.start_ms, last.start_ms)
    end = max(word.end_ms, start)
    if _joined(last.text, word.text):
        words[-1] = CueWord(last.text + word.text, last.start_ms, max(last.end_ms, end))
    else:
        words.append(CueWord(word.text, start, end))


def _joined(before: str, after: str) -> bool:
    if after.startswith(" "):  # a lone sign, as French has them before and after spaces
        return bool(_ONLY_CLOSING.fullmatch(after) or _ONLY_OPENING.fullmatch(before))
    return not _BETWEEN.search(before[-1] + after[0])
