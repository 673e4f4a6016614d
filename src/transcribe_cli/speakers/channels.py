"""Each channel is a speaker: what was recognized in them one by one, put together in the order of time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from transcribe_cli.speakers.assignment import part_of
from transcribe_cli.speakers.diarizers.turns import tidy
from transcribe_cli.transcript import Segment, Turn

# Who goes on for less than this after somebody else began, in seconds, only finishes the sentence.
GOES_ON = 1.0
# The flag of a transcript for which channels were left out that are copies of others.
CHANNELS_ALIKE = "channels_alike"

Spans = Sequence[tuple[float, float]]


def channel_turns(speech: Mapping[int | None, Spans], seconds: float) -> dict[int | None, tuple[Turn, ...]]:
    """When the speaker of each channel speaks. Who speaks first is SPEAKER_00, and so on; channels without speech have none.

    Args:
        speech: for each channel where there is speech, in seconds, in order.
        seconds: of the recording.
    """
    heard = sorted((spans[0][0], place, channel) for place, (channel, spans) in enumerate(speech.items()) if spans)
    return {
        channel: tidy((Turn(start=start, end=end, speaker=f"SPEAKER_{number:02d}") for start, end in speech[channel]), seconds)
        for number, (_, _, channel) in enumerate(heard)
    }


def merge_channels(found: Mapping[str, Sequence[Segment]]) -> tuple[Segment, ...]:
    """The segments of all speakers in the order of their starts, numbered from 0, each and its words with the speaker.

    A segment in the middle of which somebody else begins one is cut there, between words, if it goes on for `GOES_ON` or more: so a
    conversation reads as it went. No word is lost, changed or moved. Segments of different speakers overlap where they spoke at once.

    Args:
        found: for each speaker the segments, in order of time, none overlapping.
    """
    starts = {speaker: [segment.start for segment in segments] for speaker, segments in found.items()}
    parts = [
        part
        for speaker, segments in found.items()
        for others in [sorted(start for other in starts if other != speaker for start in starts[other])]
        for segment in segments
        for part in _cut(segment, others, speaker)
    ]
    parts.sort(key=lambda part: (part.start, part.end))
    return tuple(part.model_copy(update={"id": number}) for number, part in enumerate(parts))


def _cut(segment: Segment, others: Sequence[float], speaker: str) -> Iterator[Segment]:
    """The segment in parts between which somebody else begins, given to its speaker."""
    latest = segment.end - GOES_ON
    words = tuple(word.model_copy(update={"speaker": speaker}) for word in segment.words or ())
    groups = [tuple(group) for _, group in groupby(words, key=lambda word: bisect_right(others, min(word.start, latest)))]
    if len(groups) < 2:
        yield segment.model_copy(update={"speaker": speaker, "words": words or segment.words})
        return
    for group in groups:
        yield part_of(segment, group).model_copy(update={"speaker": speaker})
