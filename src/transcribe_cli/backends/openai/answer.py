"""From what a server answers to what was recognized in a clip: words and phrases in the time of the recording.

Servers differ in what they leave out: words, `duration`, `usage`, `seek`, and all times. Words are beside the segments (OpenAI) or
inside them (whisper.cpp), have no punctuation (OpenAI) or have it; the language is a code or an English name. The model's name is never
believed: some servers repeat whatever they were asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from transcribe_cli.errors import BackendFailed
from transcribe_cli.recognition.engines import Attempt, Clip, ClipResult, Phrase, SpokenWord
from transcribe_cli.recognition.engines.gates import is_repetitive
from transcribe_cli.text.languages import language_code

# The probability of a word is not told: 0 would be a doubt that nobody has.
_CERTAIN = 1.0
# How far ahead a word is looked for in the text, in characters: a word of its own that comes later is another one.
_AHEAD = 40

Document = Mapping[str, Any]


def language_of(answer: Document) -> str | None:
    """The code of the language that a server heard; None where it does not say, or says something unknown."""
    told = answer.get("language")
    several = answer.get("languages")
    if not told and isinstance(several, list) and several:
        told = several[0]
    if not isinstance(told, str):
        return None
    try:
        return language_code(told)
    except ValueError:
        return None


def result_of(answer: Document, clip: Clip, seconds: float) -> ClipResult:
    """What was recognized; `seconds` is what it took.

    Raises:
        BackendFailed: the answer has no text.
    """
    segments = list(_segments(answer))
    text = "".join(_text(segment) for segment in segments) if segments else _text(answer)
    if not segments and not isinstance(answer.get("text"), str):
        raise BackendFailed("The server's answer has no text.")
    words = _words(answer, segments, text, clip) if clip.spec.word_timestamps else ()
    return ClipResult(clip, _attempt(segments, text, clip), words, _phrases(segments, text, clip), seconds)


def tells_times(answer: Document) -> bool:
    """Whether it has segments with times, or nothing in it that could have any."""
    return bool(list(_segments(answer))) or not _text(answer).strip()


def _text(of: Document) -> str:
    text = of.get("text")
    return text if isinstance(text, str) else ""


def _segments(answer: Document) -> Iterator[Document]:
    """Those that say when they are."""
    told = answer.get("segments")
    for segment in told if isinstance(told, list) else ():
        if isinstance(segment, dict) and _span(segment) is not None and _text(segment).strip():
            yield segment


def _span(of: Document) -> tuple[float, float] | None:
    start, end = _number(of.get("start")), _number(of.get("end"))
    return None if start is None or end is None else (max(0.0, start), max(0.0, start, end))


def _number(value: Any) -> float | None:  # noqa: ANN401 - any JSON
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) else None


def _phrases(segments: Sequence[Document], text: str, clip: Clip) -> tuple[Phrase, ...]:
    """A phrase for each segment; where there are none, one that is as long as the clip."""
    if not segments:
        return (Phrase(f" {text.strip()}", clip.start, clip.end, ()),) if text.strip() else ()
    found = []
    for segment in segments:
        start, end = clip.span(*(_span(segment) or (0.0, 0.0)))
        found.append(Phrase(_text(segment), start, end, _tokens(segment)))
    return tuple(found)


def _tokens(segment: Document) -> tuple[int, ...]:
    tokens = segment.get("tokens")
    return tuple(token for token in tokens if isinstance(token, int)) if isinstance(tokens, list) else ()


def _words(answer: Document, segments: Sequence[Document], text: str, clip: Clip) -> tuple[SpokenWord, ...]:
    """The words with the text around them, so that together they are the text; () where no times of words are told."""
    told = [word for word in _told_words(answer, segments) if _span(word) is not None and _spelled(word)]
    found: list[SpokenWord] = []
    position = 0
    begins: list[tuple[int, Document]] = []
    for word in told:
        place = text.find(_spelled(word), position, position + _AHEAD + len(_spelled(word)))
        if place >= 0:
            space = text.rfind(" ", position, place)  # signs after it open the word, those before it close the last one
            begins.append((place if space < 0 else space, word))
            position = place + len(_spelled(word))
    borders = [0, *(place for place, _ in begins[1:]), len(text)]
    for (_, word), start, end in zip(begins, borders, borders[1:], strict=False):
        found += _spoken(text[start:end], word, clip)
    return tuple(found)


def _told_words(answer: Document, segments: Sequence[Document]) -> Iterator[Document]:
    beside = answer.get("words")
    inside = [segment.get("words") for segment in segments]
    for words in [beside] if isinstance(beside, list) and beside else inside:
        yield from (word for word in (words if isinstance(words, list) else ()) if isinstance(word, dict))


def _spelled(word: Document) -> str:
    text = word.get("word")
    return text.strip() if isinstance(text, str) else ""


def _spoken(part: str, word: Document, clip: Clip) -> Iterator[SpokenWord]:
    """The word that is told with this part of the text; what else is in it has no time of its own, and is given one (`word_times`)."""
    start, end = clip.span(*(_span(word) or (0.0, 0.0)))
    probability = _number(word.get("probability"))
    certain = _CERTAIN if probability is None else probability
    tokens = _apart(part)
    mine = next((number for number, token in enumerate(tokens) if _spelled(word) in token), 0)
    for number, token in enumerate(tokens):
        if number == mine:
            yield SpokenWord(token, start, end, certain, ())
        else:
            edge = start if number < mine else end
            yield SpokenWord(token, edge, edge, certain, ())


def _apart(text: str) -> list[str]:
    """The words of a text with the spaces before them; signs that stand alone go with the word before."""
    tokens: list[str] = []
    for token in text.split(" "):
        if not tokens or any(char.isalnum() for char in token):
            tokens.append(token if not tokens else f" {token}")
        else:
            tokens[-1] += f" {token}"
    if len(tokens) > 1 and not tokens[0].strip():  # what comes before the first space is nothing
        tokens = tokens[1:]
    return tokens


def _attempt(segments: Sequence[Document], text: str, clip: Clip) -> Attempt:
    """What the server says of its decoding: means over the segments, of compression the worst."""
    ratio = max((_number(segment.get("compression_ratio")) or 1.0 for segment in segments), default=1.0)
    return Attempt(
        tokens=(),
        text=text,
        temperature=max((_number(segment.get("temperature")) or 0.0 for segment in segments), default=0.0),
        avg_logprob=_mean(segments, "avg_logprob"),
        compression_ratio=ratio,
        no_speech_prob=_mean(segments, "no_speech_prob"),
        repeats=is_repetitive(text, ratio, clip.spec),
    )


def _mean(segments: Sequence[Document], key: str) -> float:
    """Over those segments that say it, by their length."""
    said = [(value, max(end - start, 0.01)) for segment in segments for start, end in [_span(segment) or (0.0, 0.0)]
            if (value := _number(segment.get(key))) is not None]  # fmt: skip
    whole = sum(length for _, length in said)
    return sum(value * length for value, length in said) / whole if whole else 0.0
