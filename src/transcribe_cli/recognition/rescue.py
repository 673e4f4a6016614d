"""Speech without words is heard once more, with other clip borders: batched decoding leaves out what sequential decoding would find."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.recognition.engines import Clip, ClipResult
from transcribe_cli.vad import Packer, Region

# Shorter speech without words is breath and hesitation, in seconds.
SHORTEST = 1.5
# Word times are this uncertain, in seconds.
SLACK = 0.3
# A clip that gave nothing at all is heard in pieces of this length, in seconds.
LONGEST = 15.0


def unheard(result: ClipResult) -> list[Clip]:
    """Clips for the speech of a clip that got no words; none when it was heard once more already."""
    spec = result.clip.spec
    if result.clip.part or spec.sequential or not spec.rescue:
        return []
    stretches = [region for region in _untold(result) if region.seconds >= SHORTEST]
    groups = _grouped(stretches, LONGEST)
    if any((group[-1].end - group[0].start) / SAMPLE_RATE > result.clip.seconds - SHORTEST for group in groups):
        groups = _grouped(stretches, min(LONGEST, result.clip.seconds / 2))  # the same borders would give the same nothing
    return [replace(result.clip, part=part, speech=group) for part, group in enumerate(groups, 1)]


def _grouped(stretches: Sequence[Region], longest: float) -> list[tuple[Region, ...]]:
    packer = Packer(int(longest * SAMPLE_RATE) + 1, keep_silence=True)
    return [*packer.feed(piece for region in stretches for piece in _pieces(region, longest)), *packer.finish()]


def without(spans: Sequence[tuple[float, float]], covers: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """The parts of `spans` that no cover covers; both in order of time and without overlaps among themselves."""
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


def _untold(result: ClipResult) -> Iterator[Region]:
    told: list[tuple[float, float]] = []
    for item in result.words or result.phrases:
        start, end = item.start - SLACK, item.end + SLACK
        if told and start <= told[-1][1]:
            told[-1] = (told[-1][0], max(end, told[-1][1]))
        else:
            told.append((start, end))
    speech = [(region.start / SAMPLE_RATE, region.end / SAMPLE_RATE) for region in result.clip.speech]
    for start, end in without(speech, told):
        yield Region(round(start * SAMPLE_RATE), round(end * SAMPLE_RATE))


def _pieces(region: Region, longest: float) -> Iterator[Region]:
    """The region in equal pieces none of which is longer than so many seconds."""
    count = -int(-region.seconds // longest)
    for number in range(count):
        length = region.end - region.start
        yield Region(region.start + length * number // count, region.start + length * (number + 1) // count)
