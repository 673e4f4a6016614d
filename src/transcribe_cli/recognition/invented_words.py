"""Words that the model invented: sentences where nobody speaks, and loops over a noise that it took for a word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.recognition.engines import ClipResult, SpokenWord
from transcribe_cli.text.sentences import ends_sentence
from transcribe_cli.vad import Region

# A sentence this far from any speech was not spoken, in seconds; below that, word times are too uncertain to tell.
MAX_SPEECH_DISTANCE = 0.5
# A phrase of up to this many words, said this often in a row, is a loop if its first word is less probable than this. The model guesses
# the first word of a noise, and is sure of every repetition; of "não, não, não" it is sure from the first word (docs/quality.md).
MAX_LOOP_LENGTH = 10
MIN_LOOP_REPEATS = 3
MAX_FIRST_PROBABILITY = 0.5

_NO_WORD = re.compile(r"\W+")


def spoken_words(result: ClipResult) -> list[SpokenWord]:
    """The words of a clip in order, without those that were invented."""
    return list(_without_loops(_without_silent_sentences(result)))


def count_invented_words(results: Sequence[ClipResult]) -> int:
    """The number of words that are dropped because they were invented."""
    return sum(len(result.words) - len(spoken_words(result)) for result in results)


def _without_silent_sentences(result: ClipResult) -> list[SpokenWord]:
    spoken: list[SpokenWord] = []
    sentence: list[SpokenWord] = []
    for position, word in enumerate(result.words):
        sentence.append(word)
        if ends_sentence(word.text) or position + 1 == len(result.words):
            if any(_distance(part, result.clip.speech) < MAX_SPEECH_DISTANCE for part in sentence):
                spoken += sentence
            sentence = []
    return spoken


def _without_loops(words: Sequence[SpokenWord]) -> Iterator[SpokenWord]:
    names = [_NO_WORD.sub("", word.text).lower() for word in words]
    position = 0
    while position < len(words):
        length = _loop_at(names, position) if words[position].probability < MAX_FIRST_PROBABILITY else 0
        if not length:
            yield words[position]
        position += length or 1


def _loop_at(names: Sequence[str], first: int) -> int:
    """The number of words of a loop that begins here; 0 if none does. What only begins like another repetition is not part of it."""
    for length in range(1, MAX_LOOP_LENGTH + 1):
        end = first + length
        while end < len(names) and names[end] == names[end - length]:
            end += 1
        if (repeats := (end - first) // length) >= MIN_LOOP_REPEATS:
            return repeats * length
    return 0


def _distance(word: SpokenWord, speech: Sequence[Region]) -> float:
    """Seconds between a word and the nearest speech; 0 if they touch."""
    spans = ((region.start / SAMPLE_RATE, region.end / SAMPLE_RATE) for region in speech)
    return min(max(0.0, start - word.end, word.start - end) for start, end in spans)
