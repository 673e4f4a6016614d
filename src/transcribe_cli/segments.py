"""From what was recognized in the clips of one recording to its segments: cut at sentence ends and pauses, not at clip borders.

Word times come from cross-attention, which stretches a word over the silence before it; here they are held to the speech that VAD
found, put in order, and kept inside the recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.engines import ClipResult, SpokenWord
from transcribe_cli.languages import WITHOUT_SPACES
from transcribe_cli.transcript import Segment, Word
from transcribe_cli.vad import Region

# A pause between words from which the next one begins a new segment, in seconds.
PAUSE = 1.0
# A new clip begins a new segment after a shorter pause: the model heard the two apart.
CLIP_PAUSE = 0.3
SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！", "؟", "।")
# Full stops after these do not end a sentence (Portuguese, English, Spanish titles).
ABBREVIATIONS = frozenset(
    [
        "sr.",
        "sra.",
        "srs.",
        "dr.",
        "dra.",
        "prof.",
        "profa.",
        "mr.",
        "mrs.",
        "ms.",
        "st.",
        "vs.",
        "av.",
        "art.",
        "nº.",
        "no.",
        "exmo.",
        "exma.",
        "ud.",
        "uds.",
    ]
)
LOW_CONFIDENCE = 0.5

_Timed = tuple[SpokenWord, ClipResult]


def segments(results: Iterable[ClipResult], duration: float) -> tuple[Segment, ...]:
    """The segments of one recording of `duration` seconds, numbered from 0, in order of time, none overlapping."""
    ordered = sorted(results, key=lambda result: result.clip.start)
    if any(result.phrases for result in ordered):
        found = list(_from_phrases(ordered, duration))
    else:
        found = [_from_words(group) for group in _sentences(_held_to_speech(ordered, duration))]
    return tuple(segment.model_copy(update={"id": number}) for number, segment in enumerate(found))


def _from_phrases(results: Sequence[ClipResult], duration: float) -> Iterator[Segment]:
    earliest = 0.0
    for result in results:
        for phrase in result.phrases:
            start = min(max(phrase.start, earliest), duration)
            end = earliest = min(max(phrase.end, start), duration)
            yield _segment(result, _spaced(phrase.text, result), start, end, phrase.tokens, words=None)


def _from_words(group: Sequence[_Timed]) -> Segment:
    first, result = group[0][0], group[0][1]
    words = tuple(Word(word=word.text, start=word.start, end=word.end, probability=word.probability) for word, _ in group)
    tokens = tuple(token for word, _ in group for token in word.tokens)
    return _segment(result, "".join(word.word for word in words), first.start, group[-1][0].end, tokens, words)


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
        tokens=tokens,
        temperature=result.attempt.temperature,
        avg_logprob=result.attempt.avg_logprob,
        compression_ratio=result.attempt.compression_ratio,
        no_speech_prob=result.attempt.no_speech_prob,
        flags=tuple(flags),
        words=words,
    )


def _held_to_speech(results: Sequence[ClipResult], duration: float) -> list[_Timed]:
    """All words in order: times inside speech and recording, no word before the one before it."""
    held: list[_Timed] = []
    earliest = 0.0
    for result in results:
        for position, word in enumerate(result.words):
            start, end = _inside(word, result.clip.speech)
            start = min(max(start, earliest), duration)
            end = earliest = min(max(end, start), duration)
            text = word.text if position else _spaced(word.text, result)
            held.append((replace(word, text=text, start=start, end=end), result))
    return held


def _spaced(text: str, result: ClipResult) -> str:
    """Text that follows the clip before it, with a space between them where the language has spaces."""
    return text if text.startswith(" ") or result.clip.language in WITHOUT_SPACES else f" {text}"


def _inside(word: SpokenWord, speech: Sequence[Region]) -> tuple[float, float]:
    """The part of a word that lies in the speech region that it shares most time with; its own times when in none."""
    best = (0.0, word.start, word.end)
    for region in speech:
        start, end = max(word.start, region.start / SAMPLE_RATE), min(word.end, region.end / SAMPLE_RATE)
        best = max(best, (end - start, start, end))
    return best[1], best[2]


def _sentences(words: Sequence[_Timed]) -> Iterator[list[_Timed]]:
    group: list[_Timed] = []
    for item in words:
        if group and _parts(group[-1], item):
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def _parts(before: _Timed, after: _Timed) -> bool:
    pause = after[0].start - before[0].end
    other_clip = before[1].clip.index != after[1].clip.index
    return pause >= PAUSE or (other_clip and pause >= CLIP_PAUSE) or ends_sentence(before[0].text)


def ends_sentence(word: str) -> bool:
    """Whether a sentence ends with this word: `aula.` and `aula."` do, `Dr.` and `J.` do not."""
    bare = word.strip().rstrip("\"'”’»)]")
    if not bare.endswith(SENTENCE_ENDS):
        return False
    return not (bare.endswith(".") and (bare.lower() in ABBREVIATIONS or (len(bare) == 2 and bare[0].isupper())))
