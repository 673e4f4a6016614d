"""Speech without a transcript is recognized a second time, with other clip borders: batched decoding skips some speech."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.recognition.engines import Clip, ClipResult, SpokenWord
from transcribe_cli.recognition.invented_words import spoken_words
from transcribe_cli.vad import Packer, Region

# Speech without words that is shorter than this is breath and hesitation, in seconds.
MIN_SECONDS = 1.5
# The uncertainty of word times, in seconds.
TIME_TOLERANCE = 0.3
# The longest time of a word: some for itself, and some for each letter and digit, in seconds. Of 7,400 words of real lectures that were
# recognized well, none takes 0.8 s longer than that (docs/quality.md).
WORD_SECONDS = 1.0
LETTER_SECONDS = 1 / 15
DIGIT_SECONDS = 0.5
# The maximum length of a second attempt, in seconds.
MAX_SECONDS = 15.0


def rescue_clips(result: ClipResult) -> list[Clip]:
    """Clips for the speech in a clip that got no words; none if the clip is itself a second attempt."""
    spec = result.clip.spec
    if result.clip.part or spec.sequential or not spec.rescue:
        return []
    missing = [region for region in _speech_without_words(result) if region.seconds >= MIN_SECONDS]
    groups = _group(missing, MAX_SECONDS)
    if any((group[-1].end - group[0].start) / SAMPLE_RATE > result.clip.seconds - MIN_SECONDS for group in groups):
        groups = _group(missing, min(MAX_SECONDS, result.clip.seconds / 2))  # the same borders would give the same result
    return [replace(result.clip, part=part, speech=group) for part, group in enumerate(groups, 1)]


def is_stretched(word: SpokenWord, clip: Clip) -> bool:
    """Whether a word lies over so much speech that words are missing: cross-attention gives speech that was skipped to its neighbours."""
    digits = sum(letter.isdigit() for letter in word.text)
    longest = WORD_SECONDS + LETTER_SECONDS * (len(word.text.strip()) - digits) + DIGIT_SECONDS * digits
    spans = ((region.start / SAMPLE_RATE, region.end / SAMPLE_RATE) for region in clip.speech)
    spoken = sum(max(0.0, min(word.end, end) - max(word.start, start)) for start, end in spans)
    return spoken - longest >= MIN_SECONDS


def uncovered_spans(spans: Sequence[tuple[float, float]], covers: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """The parts of `spans` that no cover covers; both are sorted, and neither overlaps itself."""
    first = 0
    for start, end in spans:
        while first < len(covers) and covers[first][1] <= start:
            first += 1
        position, index = start, first
        while index < len(covers) and covers[index][0] < end:
            if covers[index][0] > position:
                yield position, covers[index][0]
            position = max(position, covers[index][1])
            index += 1
        if position < end:
            yield position, end


def _group(regions: Sequence[Region], max_seconds: float) -> list[tuple[Region, ...]]:
    packer = Packer(int(max_seconds * SAMPLE_RATE) + 1, keep_silence=True)
    return [*packer.feed(piece for region in regions for piece in _split(region, max_seconds)), *packer.finish()]


def _speech_without_words(result: ClipResult) -> Iterator[Region]:
    covered: list[tuple[float, float]] = []
    words = [word for word in spoken_words(result) if not is_stretched(word, result.clip)]
    for item in words if result.words else result.phrases:
        start, end = item.start - TIME_TOLERANCE, item.end + TIME_TOLERANCE
        if covered and start <= covered[-1][1]:
            covered[-1] = (covered[-1][0], max(end, covered[-1][1]))
        else:
            covered.append((start, end))
    speech = [(region.start / SAMPLE_RATE, region.end / SAMPLE_RATE) for region in result.clip.speech]
    for start, end in uncovered_spans(speech, covered):
        yield Region(round(start * SAMPLE_RATE), round(end * SAMPLE_RATE))


def _split(region: Region, max_seconds: float) -> Iterator[Region]:
    """The region in equal pieces of up to `max_seconds`."""
    count = -int(-region.seconds // max_seconds)
    length = region.end - region.start
    for number in range(count):
        yield Region(region.start + length * number // count, region.start + length * (number + 1) // count)
