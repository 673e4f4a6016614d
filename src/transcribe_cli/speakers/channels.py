"""Speakers by channel: merges the segments of channels that were recognized separately, in order of time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from transcribe_cli.speakers.assignment import segment_part
from transcribe_cli.speakers.diarizers.turns import normalize_turns
from transcribe_cli.transcript import Segment, Turn

# A speaker who continues for less than this after an interruption, in seconds, only finishes the sentence.
MIN_CONTINUATION = 1.0
# The flag of a transcript for which channels were left out because they are copies of others.
CHANNELS_ALIKE = "channels_alike"

Spans = Sequence[tuple[float, float]]


def channel_turns(speech: Mapping[int | None, Spans], seconds: float) -> dict[int | None, tuple[Turn, ...]]:
    """The turns of each channel's speaker. The first to speak is SPEAKER_00, and so on. Channels without speech are left out.

    Args:
        speech: for each channel, start and end of its speech in seconds, in order.
        seconds: duration of the recording.
    """
    by_first_speech = sorted((spans[0][0], place, channel) for place, (channel, spans) in enumerate(speech.items()) if spans)
    return {
        channel: normalize_turns(
            (Turn(start=start, end=end, speaker=f"SPEAKER_{number:02d}") for start, end in speech[channel]), seconds
        )
        for number, (_, _, channel) in enumerate(by_first_speech)
    }


def merge_channels(by_speaker: Mapping[str, Sequence[Segment]]) -> tuple[Segment, ...]:
    """The segments of all speakers ordered by start and numbered from 0; each segment and its words have their speaker.

    Where another speaker starts a segment inside this one, this one is split there, between words, if it continues for
    `MIN_CONTINUATION` or more. So the transcript reads in the order of the conversation. No word is lost, changed or moved. Segments of
    different speakers overlap where they spoke at once.

    Args:
        by_speaker: for each speaker the segments, in order of time, none overlapping.
    """
    starts = {speaker: [segment.start for segment in segments] for speaker, segments in by_speaker.items()}
    parts = [
        part
        for speaker, segments in by_speaker.items()
        for interruptions in [sorted(start for other in starts if other != speaker for start in starts[other])]
        for segment in segments
        for part in _split(segment, interruptions, speaker)
    ]
    parts.sort(key=lambda part: (part.start, part.end))
    return tuple(part.model_copy(update={"id": number}) for number, part in enumerate(parts))


def _split(segment: Segment, interruptions: Sequence[float], speaker: str) -> Iterator[Segment]:
    """The segment, split where another speaker starts; each part has `speaker`."""
    latest = segment.end - MIN_CONTINUATION
    words = tuple(word.model_copy(update={"speaker": speaker}) for word in segment.words or ())
    groups = [tuple(group) for _, group in groupby(words, key=lambda word: bisect_right(interruptions, min(word.start, latest)))]
    if len(groups) < 2:
        yield segment.model_copy(update={"speaker": speaker, "words": words or segment.words})
        return
    for group in groups:
        yield segment_part(segment, group).model_copy(update={"speaker": speaker})
