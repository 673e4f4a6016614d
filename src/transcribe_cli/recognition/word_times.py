"""Reliable word times from those of cross-attention: in order, inside speech, none of zero length.

Cross-attention stretches a word over the silence before it, and gives some words, often numbers, no time at all. Here words are moved
into the speech that VAD found. A word without a time gets part of its neighbours', in proportion to its letters, and is marked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.recognition.engines import Clip, ClipResult, SpokenWord
from transcribe_cli.recognition.invented_words import spoken_words
from transcribe_cli.recognition.second_attempts import merge_second_attempt
from transcribe_cli.recognition.timed_word import TimedWord
from transcribe_cli.text.sentences import with_leading_space
from transcribe_cli.vad import Region

# The time between two positions of the encoder, in seconds: a shorter word was not aligned.
MIN_WORD_SECONDS = 0.02
# A word is spoken in a region if it overlaps this much of it, without padding, in seconds.
MIN_OVERLAP = 0.1
# The time to speak a letter, in seconds: ordinary speech has 15 letters a second.
SECONDS_PER_LETTER = 1 / 15


def time_words(results: Sequence[ClipResult], duration: float) -> list[TimedWord]:
    """The words of a recording of `duration` seconds in order of time; none overlaps another or lies outside it."""
    originals = [word for result in results if not result.clip.part for word in _words_in_speech(result)]
    for result in results:
        if result.clip.part and result.words:
            originals = merge_second_attempt(originals, _words_in_speech(result), result)
    words = sorted(originals, key=lambda word: (word.start, word.result.clip.start))
    return _interpolate_missing(_without_overlaps(words, duration), duration)


def _words_in_speech(result: ClipResult) -> list[TimedWord]:
    """The words of a clip, each inside one region of its speech, in the order in which they were spoken."""
    words: list[TimedWord] = []
    earliest = 0.0
    for position, word in enumerate(spoken_words(result)):
        start, end = _in_speech(word, result.clip)
        start = max(start, earliest)
        earliest = end = max(start, end)
        text = word.text if position else with_leading_space(word.text, result.clip.language)
        words.append(TimedWord(replace(word, text=text, start=start, end=end), result))
    return words


def _in_speech(word: SpokenWord, clip: Clip) -> tuple[float, float]:
    """The part of a word that lies in one region; the nearest edge of a region if it lies in none.

    A word that touches several regions belongs to the one that it overlaps most. One that touches only their padding was stretched over
    the silence before it, and belongs to the last.
    """
    touched = [region for region in _spans_in_seconds(clip.speech) if _overlap(word, *region) > 0]
    if touched:
        padding = clip.spec.vad_speech_pad_ms / 1000
        overlaps = [_overlap(word, start + padding, end - padding) for start, end in touched]
        best = overlaps.index(max(overlaps)) if max(overlaps) >= MIN_OVERLAP else -1
        return max(word.start, touched[best][0]), min(word.end, touched[best][1])
    middle = (word.start + word.end) / 2
    nearest = min((edge for region in _spans_in_seconds(clip.speech) for edge in region), key=lambda edge: abs(edge - middle))
    inside = [word.start for start, end in _spans_in_seconds(clip.speech) if start <= word.start <= end]
    return (inside[0], inside[0]) if inside else (nearest, nearest)


def _overlap(word: SpokenWord, start: float, end: float) -> float:
    """Seconds of a word inside a span; negative if they do not overlap."""
    return min(word.end, end) - max(word.start, start)


def _spans_in_seconds(speech: Sequence[Region]) -> Iterator[tuple[float, float]]:
    return ((region.start / SAMPLE_RATE, region.end / SAMPLE_RATE) for region in speech)


def _without_overlaps(words: Sequence[TimedWord], duration: float) -> list[TimedWord]:
    """The words in order: each begins after the one before it ended, and none lies past the end of the recording."""
    ordered: list[TimedWord] = []
    earliest = 0.0
    for word in words:
        start = min(max(word.start, earliest), duration)
        earliest = end = min(max(word.end, start), duration)
        ordered.append(word.with_times(start, end, aligned=True))
    return ordered


def _interpolate_missing(words: list[TimedWord], duration: float) -> list[TimedWord]:
    """Give words without a time part of their neighbours'."""
    position = 0
    while position < len(words):
        stop = position
        while stop < len(words) and words[stop].end - words[stop].start < MIN_WORD_SECONDS:
            stop += 1
        if stop > position:
            _interpolate(words, position, stop, duration)
        position = stop + 1
    return words


def _interpolate(words: list[TimedWord], first: int, stop: int, duration: float) -> None:
    """Give words[first:stop] the time up to the next word; if that is too short, share the time of the longer neighbour."""
    start = words[first].start
    letters = sum(len(word.word.text) for word in words[first:stop])
    end = min(words[stop].start if stop < len(words) else duration, start + SECONDS_PER_LETTER * letters)
    low, high = first, stop
    if end - start < MIN_WORD_SECONDS * (stop - first):
        before = words[first - 1].end - words[first - 1].start if first else 0.0
        after = words[stop].end - words[stop].start if stop < len(words) else 0.0
        if before >= after and first:
            low, start, end = first - 1, words[first - 1].start, max(end, words[first - 1].end)
        elif stop < len(words):
            high, end = stop + 1, words[stop].end
    total = sum(len(word.word.text) for word in words[low:high])
    position = start
    for number in range(low, high):
        length = (end - start) * len(words[number].word.text) / total
        words[number] = words[number].with_times(position, min(position + length, end), aligned=not first <= number < stop)
        position = words[number].end
