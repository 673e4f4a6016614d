"""Parses the answer of a server into the result of a clip: words and phrases with times in the recording.

Servers differ in what they omit: words, `duration`, `usage`, `seek`, and all times. Words are beside the segments (OpenAI) or inside them
(whisper.cpp), with punctuation or without it (OpenAI). The language is a code or an English name. The `model` of an answer is ignored:
some servers repeat whatever was requested.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from transcribe_cli.errors import BackendFailed
from transcribe_cli.recognition.engines import Attempt, Clip, ClipResult, Phrase, SpokenWord
from transcribe_cli.recognition.engines.gates import is_repetitive
from transcribe_cli.text.languages import language_code
from transcribe_cli.text.numbers import MAX_COUNT, checked_number

# The probability of a word when the answer has none: 0 would mark it as doubtful.
_UNKNOWN_PROBABILITY = 1.0
# How far ahead a word is searched in the text, in characters: a match further on is another occurrence.
_SEARCH_AHEAD = 40

Document = Mapping[str, Any]


def language_of(answer: Document) -> str | None:
    """The code of the detected language; None where it is missing or unknown."""
    language = answer.get("language")
    languages = answer.get("languages")
    if not language and isinstance(languages, list) and languages:
        language = languages[0]
    if not isinstance(language, str):
        return None
    try:
        return language_code(language)
    except ValueError:
        return None


def parse_answer(answer: Document, clip: Clip) -> ClipResult:
    """The result of a clip.

    Raises:
        BackendFailed: the answer has no text.
    """
    segments = list(_segments(answer))
    text = "".join(_text(segment) for segment in segments) if segments else _text(answer)
    if not segments and not isinstance(answer.get("text"), str):
        raise BackendFailed("The server's answer has no text.")
    words = _words(answer, segments, text, clip) if clip.spec.word_timestamps else ()
    return ClipResult(clip, _attempt(segments, text, clip), words, _phrases(segments, text, clip))


def has_times(answer: Document) -> bool:
    """Whether the answer has segments with times, or no text that could have any."""
    return bool(list(_segments(answer))) or not _text(answer).strip()


def _text(document: Document) -> str:
    text = document.get("text")
    return text if isinstance(text, str) else ""


def _segments(answer: Document) -> Iterator[Document]:
    """The segments with text and times."""
    segments = answer.get("segments")
    for segment in segments if isinstance(segments, list) else ():
        if isinstance(segment, dict) and _span(segment) is not None and _text(segment).strip():
            yield segment


def _span(document: Document) -> tuple[float, float] | None:
    start, end = _number(document.get("start")), _number(document.get("end"))
    return None if start is None or end is None else (max(0.0, start), max(0.0, start, end))


def _number(value: Any) -> float | None:  # noqa: ANN401 - any JSON
    try:
        return checked_number(value)
    except ValueError:
        return None


def _phrases(segments: Sequence[Document], text: str, clip: Clip) -> tuple[Phrase, ...]:
    """One phrase per segment; without segments, one that is as long as the clip."""
    if not segments:
        return (Phrase(f" {text.strip()}", clip.start, clip.end, ()),) if text.strip() else ()
    phrases = []
    for segment in segments:
        start, end = clip.span(*(_span(segment) or (0.0, 0.0)))
        phrases.append(Phrase(_text(segment), start, end, _tokens(segment)))
    return tuple(phrases)


def _tokens(segment: Document) -> tuple[int, ...]:
    tokens = segment.get("tokens")
    return (
        tuple(token for token in tokens if isinstance(token, int) and 0 <= token <= MAX_COUNT) if isinstance(tokens, list) else ()
    )


def _words(answer: Document, segments: Sequence[Document], text: str, clip: Clip) -> tuple[SpokenWord, ...]:
    """The words with the surrounding text, so that their concatenation is the text; () without word times."""
    timed = [word for word in _timed_words(answer, segments) if _span(word) is not None and _spelling(word)]
    words: list[SpokenWord] = []
    position = 0
    starts: list[tuple[int, Document]] = []
    for word in timed:
        index = text.find(_spelling(word), position, position + _SEARCH_AHEAD + len(_spelling(word)))
        if index >= 0:
            space = text.rfind(" ", position, index)  # signs after the space open this word, signs before it close the last one
            starts.append((index if space < 0 else space, word))
            position = index + len(_spelling(word))
    borders = [0, *(start for start, _ in starts[1:]), len(text)]
    for (_, word), start, end in zip(starts, borders, borders[1:], strict=False):
        words += _spoken_words(text[start:end], word, clip)
    return tuple(words)


def _timed_words(answer: Document, segments: Sequence[Document]) -> Iterator[Document]:
    top_level = answer.get("words")
    in_segments = [segment.get("words") for segment in segments]
    for words in [top_level] if isinstance(top_level, list) and top_level else in_segments:
        yield from (word for word in (words if isinstance(words, list) else ()) if isinstance(word, dict))


def _spelling(word: Document) -> str:
    text = word.get("word")
    return text.strip() if isinstance(text, str) else ""


def _spoken_words(part: str, word: Document, clip: Clip) -> Iterator[SpokenWord]:
    """The words of this part of the text, one of which has times. `word_times` assigns times to the others."""
    start, end = clip.span(*(_span(word) or (0.0, 0.0)))
    number = _number(word.get("probability"))
    probability = _UNKNOWN_PROBABILITY if number is None else number
    tokens = _split_words(part)
    timed = next((index for index, token in enumerate(tokens) if _spelling(word) in token), 0)
    for index, token in enumerate(tokens):
        if index == timed:
            yield SpokenWord(token, start, end, probability, ())
        else:
            edge = start if index < timed else end
            yield SpokenWord(token, edge, edge, probability, ())


def _split_words(text: str) -> list[str]:
    """The words of a text with the spaces before them; a sign that stands alone belongs to the word before it."""
    tokens: list[str] = []
    for token in text.split(" "):
        if not tokens or any(char.isalnum() for char in token):
            tokens.append(token if not tokens else f" {token}")
        else:
            tokens[-1] += f" {token}"
    if len(tokens) > 1 and not tokens[0].strip():  # there is no word before the first space
        tokens = tokens[1:]
    return tokens


def _attempt(segments: Sequence[Document], text: str, clip: Clip) -> Attempt:
    """The decoding statistics: means over the segments, and the worst compression ratio."""
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
    """The mean over the segments that have the key, weighted by their length."""
    weighted = [(value, max(end - start, 0.01)) for segment in segments for start, end in [_span(segment) or (0.0, 0.0)]
            if (value := _number(segment.get(key))) is not None]  # fmt: skip
    whole = sum(length for _, length in weighted)
    return sum(value * length for value, length in weighted) / whole if whole else 0.0
