"""Word times that can be trusted: from what cross-attention says to times in order, inside speech, each longer than nothing.

Cross-attention stretches a word over the silence before it, and gives words that it runs over, often numbers, no time at all. Here
words are held to the speech that VAD found; a sentence that lies in silence altogether was invented and is dropped; a word without a
time gets part of its neighbours', in proportion to its letters, and is marked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.recognition.engines import Clip, ClipResult, SpokenWord
from transcribe_cli.text.sentences import ends_sentence, with_leading_space
from transcribe_cli.vad import Region

# Cross-attention is as fine as the encoder's positions, in seconds: a word that is shorter was run over.
SHORTEST = 0.02
# A sentence this far from any speech was not said, in seconds; word times are less certain than that nearer by.
SILENCE = 0.5
# A word of which so many seconds lie in speech, padding apart, sounds there.
HEARD = 0.1
# What a letter takes to be said, in seconds: 15 letters a second are ordinary speech.
LETTER = 1 / 15


@dataclass(frozen=True)
class TimedWord:
    """A word where it was said. `aligned` is false when its times were not measured but taken from its neighbours'."""

    word: SpokenWord
    result: ClipResult
    aligned: bool = True

    @property
    def start(self) -> float:
        """Seconds of the recording."""
        return self.word.start

    @property
    def end(self) -> float:
        """Seconds of the recording."""
        return self.word.end

    def at(self, start: float, end: float, *, aligned: bool) -> TimedWord:
        """The same word at another time."""
        return replace(self, word=replace(self.word, start=start, end=end), aligned=self.aligned and aligned)


def timed(results: Sequence[ClipResult], duration: float) -> list[TimedWord]:
    """The words of a recording of `duration` seconds in order of time: none overlaps another or lies outside."""
    originals = [word for result in results if not result.clip.part for word in _held(result)]
    spans = [(word.start, word.end) for word in originals]
    # What is heard once more may repeat a word at its edge.
    rescued = [word for result in results if result.clip.part for word in _held(result) if not _inside(word, spans)]
    words = sorted([*originals, *rescued], key=lambda word: (word.start, word.result.clip.start))
    return _with_time(_apart(words, duration), duration)


def invented(results: Sequence[ClipResult]) -> int:
    """How many words were dropped, because nobody spoke where their sentence lies."""
    return sum(len(result.words) - len(_said(result)) for result in results)


def _said(result: ClipResult) -> list[SpokenWord]:
    """The words of a clip, without sentences that lie in silence."""
    said: list[SpokenWord] = []
    sentence: list[SpokenWord] = []
    for position, word in enumerate(result.words):
        sentence.append(word)
        if ends_sentence(word.text) or position + 1 == len(result.words):
            if any(_distance(part, result.clip.speech) < SILENCE for part in sentence):
                said += sentence
            sentence = []
    return said


def _held(result: ClipResult) -> list[TimedWord]:
    """The words of a clip, each inside one region of its speech, in the order in which they were said."""
    held: list[TimedWord] = []
    earliest = 0.0
    for position, word in enumerate(_said(result)):
        start, end = _in_speech(word, result.clip)
        start = max(start, earliest)
        earliest = end = max(start, end)
        text = word.text if position else with_leading_space(word.text, result.clip.language)
        held.append(TimedWord(replace(word, text=text, start=start, end=end), result))
    return held


def _in_speech(word: SpokenWord, clip: Clip) -> tuple[float, float]:
    """The part of a word that lies in one region; the nearest edge of a region when there is none.

    A word that touches several is where it sounds; one that touches only the padding between them is stretched over the silence before
    it, and belongs to the last.
    """
    touched = [region for region in _seconds(clip.speech) if _shared(word, *region) > 0]
    if touched:
        padding = clip.spec.vad_speech_pad_ms / 1000
        heard = [_shared(word, start + padding, end - padding) for start, end in touched]
        best = heard.index(max(heard)) if max(heard) >= HEARD else -1
        return max(word.start, touched[best][0]), min(word.end, touched[best][1])
    middle = (word.start + word.end) / 2
    nearest = min((edge for region in _seconds(clip.speech) for edge in region), key=lambda edge: abs(edge - middle))
    inside = [word.start for start, end in _seconds(clip.speech) if start <= word.start <= end]
    return (inside[0], inside[0]) if inside else (nearest, nearest)


def _shared(word: SpokenWord, start: float, end: float) -> float:
    """Seconds of a word inside a span; negative where they are apart."""
    return min(word.end, end) - max(word.start, start)


def _distance(word: SpokenWord, speech: Sequence[Region]) -> float:
    """Seconds between a word and the nearest speech; 0 where they touch."""
    return min(max(0.0, start - word.end, word.start - end) for start, end in _seconds(speech))


def _seconds(speech: Sequence[Region]) -> Iterator[tuple[float, float]]:
    return ((region.start / SAMPLE_RATE, region.end / SAMPLE_RATE) for region in speech)


def _inside(word: TimedWord, spans: Sequence[tuple[float, float]]) -> bool:
    """Whether the middle of a word lies in one of these."""
    middle = (word.start + word.end) / 2
    return any(start <= middle <= end for start, end in spans)


def _apart(words: Sequence[TimedWord], duration: float) -> list[TimedWord]:
    """Words in order, each beginning where the one before it ended, or later, and none past the recording's end."""
    found: list[TimedWord] = []
    earliest = 0.0
    for word in words:
        start = min(max(word.start, earliest), duration)
        earliest = end = min(max(word.end, start), duration)
        found.append(word.at(start, end, aligned=True))
    return found


def _with_time(words: list[TimedWord], duration: float) -> list[TimedWord]:
    """The same words, where those without a time have one."""
    position = 0
    while position < len(words):
        stop = position
        while stop < len(words) and words[stop].end - words[stop].start < SHORTEST:
            stop += 1
        if stop > position:
            _interpolate(words, position, stop, duration)
        position = stop + 1
    return words


def _interpolate(words: list[TimedWord], first: int, stop: int, duration: float) -> None:
    """Give words[first:stop] the time up to the next word; where there is too little, share that of the longer neighbour."""
    start = words[first].start
    letters = sum(len(word.word.text) for word in words[first:stop])
    end = min(words[stop].start if stop < len(words) else duration, start + LETTER * letters)
    low, high = first, stop
    if end - start < SHORTEST * (stop - first):
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
        words[number] = words[number].at(position, min(position + length, end), aligned=not first <= number < stop)
        position = words[number].end
