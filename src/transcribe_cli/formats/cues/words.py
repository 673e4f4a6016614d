"""The words of a transcript for subtitles: timed, separated by possible line breaks, in runs of one speaker.

If the transcript has no word times, or words that do not match its text, the time of the segment is divided by length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from transcribe_cli.formats.cues.cue import CueWord
from transcribe_cli.formats.cues.phrase_words import PHRASE_WORDS
from transcribe_cli.formats.plain_text import one_line, strip_controls
from transcribe_cli.formats.timestamps import milliseconds
from transcribe_cli.formats.word_spans import word_spans
from transcribe_cli.subtitles.standards import Rules
from transcribe_cli.text.sentences import ends_sentence
from transcribe_cli.transcript import Segment, Transcript

# Thai, Lao, Burmese, Khmer, Chinese and Japanese are written without spaces between words.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uff9f\U00020000-\U0003ffff"
# No line begins with `_CLOSING`, and none ends with `_OPENING`: https://www.w3.org/TR/jlreq/#line_breaking_rules, and Thai vowels.
_CLOSING = (
    "、。，．・：；？！゛゜ヽヾゝゞ々ー—…‥）］｝〕〉》」』】〙〗’”»)\\]}.,:;?!%％ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
)
_OPENING = "（［｛〔〈《「『【〘〖‘“«(\\[{¿¡$¥￥เแโใไ"
# Characters that combine with the previous one: Thai, Lao, Khmer and Burmese vowels and tones, Japanese voicing.
_COMBINING = (
    "\u0e2f-\u0e3a\u0e45-\u0e4e\u0eaf-\u0ebc\u0ec6-\u0ecd\u102b-\u103e\u1056-\u1059\u17b4-\u17d3\u3099\u309a\ufe00-\ufe0f\u200d"
)
_HAS_UNSPACED = re.compile(f"[{UNSPACED}]")
_BREAK_POINT = re.compile(f"(?<![{_OPENING}\u200d])(?:(?<=[{UNSPACED}])|(?=[{UNSPACED}]))(?![{_CLOSING}{_COMBINING}])(?!^)(?!$)")
_ONLY_CLOSING = re.compile(f" ?[{_CLOSING}]+")
_ONLY_OPENING = re.compile(f" ?[{_OPENING}]+")
# A longer word of a script without spaces consists of several.
_MAX_UNSPACED_WORD = 8
# So few words of a sentence are not separated from the rest of it.
FRAGMENT_WORDS = 2
# In long pauses. A longer one always ends a cue.
_LONGEST_HESITATION = 2


@dataclass(frozen=True)
class Run:
    """Words that may share a cue: from one speaker, in one language, without a long pause between phrases. Never empty."""

    words: Sequence[CueWord]
    speaker: str | None
    language: str


def split_into_runs(transcript: Transcript, rules: Rules) -> Iterator[Run]:
    """All words, split where every cue ends: at a change of speaker or language, at a long pause, where times decrease.

    A long pause that separates a word or two from the rest of their sentence does not end a cue; one beside it does.
    """
    words: list[CueWord] = []
    context: tuple[str | None, str] = None, transcript.language
    for segment in transcript.segments:
        new_context = one_line(segment.speaker or "") or None, segment.language or transcript.language
        for number, word in enumerate(segment_words(segment)):
            if words and (new_context != context or word.start_ms < words[-1].start_ms or (rules.by_segment and number == 0)):
                yield from _split_at_pauses(Run(words, *context), rules)
                words = []
            context = new_context
            words.append(_with_space_between(words[-1], word) if words and number == 0 else word)
    if words:
        yield from _split_at_pauses(Run(words, *context), rules)


def _split_at_pauses(run: Run, rules: Rules) -> Iterator[Run]:
    """The parts of a run between its long pauses."""
    begin = 0
    for end in [*(() if rules.by_segment else _borders_at_pauses(run, rules.pause_ms)), len(run.words)]:
        yield Run(run.words[begin:end], run.speaker, run.language)
        begin = end


def _borders_at_pauses(run: Run, pause_ms: int) -> list[int]:
    """The index of the first word after each long pause. If the pause separates a word or two from their sentence, that of the sentence.

    Recognizers often time the first word of a sentence at the end of the sentence before it, and speakers hesitate after it.
    """
    words = run.words
    borders: list[int] = []
    for index in range(1, len(words)):
        begin = borders[-1] if borders else 0
        pause = words[index].start_ms - words[index - 1].end_ms
        if pause < pause_ms or index <= begin:
            continue
        border = _sentence_border(run, begin, index) if pause < _LONGEST_HESITATION * pause_ms else index
        if begin < border < len(words):
            borders.append(border)
    return borders


def _sentence_border(run: Run, begin: int, index: int) -> int:
    """The index of the first word of the sentence, for a pause before the word `index`; `begin` is the previous border."""
    words = run.words
    for border in range(index, max(index - FRAGMENT_WORDS, begin + 1) - 1, -1):
        if ends_sentence(words[border - 1].text):
            return border
    begins_sentence = _has_capital(words[index])
    if index - begin <= FRAGMENT_WORDS and (
        _binds(words[index - 1], run.language) or (_has_capital(words[begin]) and not begins_sentence)
    ):
        return begin
    if begins_sentence:
        return index
    for border in range(index + 1, min(index + FRAGMENT_WORDS, len(words)) + 1):
        if ends_sentence(words[border - 1].text):
            return border
    return index


def _has_capital(word: CueWord) -> bool:
    return word.text.lstrip()[:1].isupper()


def _binds(word: CueWord, language: str) -> bool:
    return language in PHRASE_WORDS and word.text.strip().lower() in PHRASE_WORDS[language].binding


def _with_space_between(before: CueWord, after: CueWord) -> CueWord:
    """`after`, the first word of a segment, with a leading space unless the script has no spaces."""
    if after.text.startswith(" ") or _HAS_UNSPACED.match(before.text[-1]) or _HAS_UNSPACED.match(after.text):
        return after
    return CueWord(f" {after.text}", after.start_ms, after.end_ms)


def segment_words(segment: Segment) -> list[CueWord]:
    """The words of a segment. Joined, they are its text on one line. Starts never decrease; no word ends before it starts."""
    words: list[CueWord] = []
    needs_space = False
    for span in word_spans(segment):
        start_ms, end_ms = milliseconds(span.start), milliseconds(span.end)
        pieces = _split_text(strip_controls(span.text), timed=bool(segment.words))
        for piece, start, end in _share_time(pieces, start_ms, max(start_ms, end_ms)):
            needs_space = needs_space or piece.startswith(" ")
            if word := piece.strip(" "):
                _append_word(words, CueWord(f" {word}" if needs_space else word, start, end))
                needs_space = False
            needs_space = needs_space or piece.endswith(" ")
    return words


def _split_text(text: str, *, timed: bool) -> list[str]:
    """The text, split before each run of spaces and, in scripts without spaces, between characters. No character is lost."""
    if text.isascii() and " " not in text[1:-1]:
        return [text]
    pieces = re.findall(" *[^ ]+ *$| *[^ ]+|^ +$", text)
    if not _HAS_UNSPACED.search(text):
        return pieces
    return [
        part
        for piece in pieces
        for part in ([piece] if timed and len(piece) <= _MAX_UNSPACED_WORD else _BREAK_POINT.sub("\0", piece).split("\0"))
    ]


def _share_time(pieces: Sequence[str], start_ms: int, end_ms: int) -> Iterator[tuple[str, int, int]]:
    """Each piece with its share of the time, proportional to its length."""
    if len(pieces) == 1:
        yield pieces[0], start_ms, end_ms
        return
    ends = list(accumulate(len(piece.strip(" ")) for piece in pieces))
    whole = max(ends[-1], 1) if ends else 1
    borders = [start_ms, *(start_ms + (end_ms - start_ms) * end // whole for end in ends)]
    yield from ((piece, start, end) for piece, (start, end) in zip(pieces, pairwise(borders), strict=True))


def _append_word(words: list[CueWord], word: CueWord) -> None:
    """Append the word, or join it to the last one if no line may end between them."""
    if not words:
        words.append(word)
        return
    last = words[-1]
    start = max(word.start_ms, last.start_ms)
    end = max(word.end_ms, start)
    if _must_join(last.text, word.text):
        words[-1] = CueWord(last.text + word.text, last.start_ms, max(last.end_ms, end))
    else:
        words.append(CueWord(word.text, start, end))


def _must_join(before: str, after: str) -> bool:
    if after.startswith(" "):  # a single punctuation mark, which French separates by spaces
        return bool(_ONLY_CLOSING.fullmatch(after) or _ONLY_OPENING.fullmatch(before))
    return not _BREAK_POINT.search(before[-1] + after[0])
