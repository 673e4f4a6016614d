"""The segments of a recording from the results of its clips: cut at sentence ends and pauses, not at clip borders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from transcribe_cli.recognition.engines import ClipResult
from transcribe_cli.recognition.timed_word import TimedWord
from transcribe_cli.recognition.word_times import time_words
from transcribe_cli.text.sentences import ends_sentence, with_leading_space
from transcribe_cli.transcript import LOW_CONFIDENCE, Segment, Word

# A pause of at least this length between words begins a new segment, in seconds.
PAUSE = 1.0
# At a clip border a shorter pause suffices: the model recognized the two sides separately.
CLIP_PAUSE = 0.3


def build_segments(results: Iterable[ClipResult], duration: float) -> tuple[Segment, ...]:
    """The segments of a recording of `duration` seconds: numbered from 0, in order of time, without overlaps."""
    ordered = sorted(results, key=lambda result: result.clip.start)
    if any(result.phrases and not result.words for result in ordered):
        segments = list(_from_phrases(ordered, duration))
    else:
        segments = [_from_words(group) for group in _split_sentences(time_words(ordered, duration))]
    return tuple(segment.model_copy(update={"id": number}) for number, segment in enumerate(segments))


def _from_phrases(results: Sequence[ClipResult], duration: float) -> Iterator[Segment]:
    earliest = 0.0
    for result in results:
        for phrase in result.phrases:
            start = min(max(phrase.start, earliest), duration)
            end = earliest = min(max(phrase.end, start), duration)
            yield _segment(result, with_leading_space(phrase.text, result.clip.language), start, end, phrase.tokens, words=None)


def _from_words(group: Sequence[TimedWord]) -> Segment:
    words = tuple(
        Word(word=item.word.text, start=item.start, end=item.end, probability=item.word.probability, aligned=item.aligned)
        for item in group
    )
    tokens = tuple(token for item in group for token in item.word.tokens)
    return _segment(group[0].result, "".join(word.word for word in words), group[0].start, group[-1].end, tokens, words)


def _segment(
    result: ClipResult, text: str, start: float, end: float, tokens: tuple[int, ...], words: tuple[Word, ...] | None
) -> Segment:
    flags = []
    if result.attempt.failed_gates:
        flags.append("failed_gates")
    if words and sum(word.probability for word in words) / len(words) < LOW_CONFIDENCE:
        flags.append("low_confidence")
    return Segment(
        id=0,
        seek=int(result.clip.start * 100),
        start=start,
        end=end,
        text=text,
        language=result.clip.language or None,
        tokens=tokens,
        temperature=result.attempt.temperature,
        avg_logprob=result.attempt.avg_logprob,
        compression_ratio=result.attempt.compression_ratio,
        no_speech_prob=result.attempt.no_speech_prob,
        flags=tuple(flags),
        words=words,
    )


def _split_sentences(words: Sequence[TimedWord]) -> Iterator[list[TimedWord]]:
    group: list[TimedWord] = []
    for word in words:
        if group and _begins_segment(group[-1], word):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _begins_segment(previous: TimedWord, word: TimedWord) -> bool:
    pause = word.start - previous.end
    return pause >= PAUSE or (previous.result is not word.result and pause >= CLIP_PAUSE) or ends_sentence(previous.word.text)
