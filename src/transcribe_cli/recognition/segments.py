"""From what was recognized in the clips of one recording to its segments: cut at sentence ends and pauses, not at clip borders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from transcribe_cli.recognition.engines import ClipResult
from transcribe_cli.recognition.word_times import TimedWord, timed
from transcribe_cli.text.sentences import ends_sentence, with_leading_space
from transcribe_cli.transcript import LOW_CONFIDENCE, Segment, Word

# A pause between words from which the next one begins a new segment, in seconds.
PAUSE = 1.0
# A new clip begins a new segment after a shorter pause: the model heard the two apart.
CLIP_PAUSE = 0.3


def segments(results: Iterable[ClipResult], duration: float) -> tuple[Segment, ...]:
    """The segments of one recording of `duration` seconds, numbered from 0, in order of time, none overlapping."""
    ordered = sorted(results, key=lambda result: result.clip.start)
    if any(result.phrases and not result.words for result in ordered):
        found = list(_from_phrases(ordered, duration))
    else:
        found = [_from_words(group) for group in _sentences(timed(ordered, duration))]
    return tuple(segment.model_copy(update={"id": number}) for number, segment in enumerate(found))


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


def _sentences(words: Sequence[TimedWord]) -> Iterator[list[TimedWord]]:
    group: list[TimedWord] = []
    for word in words:
        if group and _parts(group[-1], word):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _parts(before: TimedWord, after: TimedWord) -> bool:
    pause = after.start - before.end
    return pause >= PAUSE or (before.result is not after.result and pause >= CLIP_PAUSE) or ends_sentence(before.word.text)
