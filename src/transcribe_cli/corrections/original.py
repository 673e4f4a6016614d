"""What was recognized before a correction: kept in the transcript, shown beside the correction, restored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transcribe_cli.corrections.alignment import changed_blocks
from transcribe_cli.corrections.tokens import Place, places
from transcribe_cli.transcript import Original, Segment, Transcript


@dataclass(frozen=True)
class Change:
    """A place where words were changed: seconds, the recognized words, and the corrected ones. One of them may be empty."""

    start: float
    old: str
    new: str
    words: int


def recognized_segments(transcript: Transcript) -> list[Segment]:
    """The segments as they were recognized."""
    if transcript.original is None:
        return list(transcript.segments)
    current = transcript.segments
    parts = [
        current[part] if isinstance(part, int) and part < len(current) else part for part in transcript.original.segments
    ]  # another index is of a damaged file
    return [
        part.model_copy(update={"id": number}) for number, part in enumerate(part for part in parts if isinstance(part, Segment))
    ]


def with_original(before: Transcript, after: Transcript) -> Transcript:
    """The corrected transcript with what was recognized, from the transcript before this correction."""
    indexes = {segment.model_copy(update={"id": 0}): number for number, segment in enumerate(after.segments)}
    segments = tuple(indexes.get(segment.model_copy(update={"id": 0}), segment) for segment in recognized_segments(before))
    known = before.original
    original = Original(
        segments=segments,
        speakers=known.speakers if known else before.speakers,
        speaker_names=known.speaker_names if known else before.speaker_names,
    )
    return after.model_copy(update={"original": original})


def undone(transcript: Transcript) -> Transcript:
    """The transcript as it was recognized."""
    original = transcript.original
    if original is None:
        return transcript
    segments = tuple(recognized_segments(transcript))
    restored = {"segments": segments, "text": "".join(segment.text for segment in segments), "speakers": original.speakers}
    return transcript.model_copy(
        update={**restored, "speaker_names": original.speaker_names, "original": None, "correction": None}
    )


def changes(transcript: Transcript) -> list[Change]:
    """Where the text differs from what was recognized, in order."""
    before, after = recognized_segments(transcript), transcript.segments
    old, new = places(before), places(after)
    found = []
    for block in changed_blocks([place.text for place in old], [place.text for place in new]):
        words_before, words_after = old[block.old_start : block.old_end], new[block.new_start : block.new_end]
        start = _start(before, words_before[0]) if words_before else _start(after, words_after[0])
        found.append(Change(start, _text(words_before), _text(words_after), max(len(words_before), len(words_after))))
    return found


def _start(segments: Sequence[Segment], place: Place) -> float:
    segment = segments[place.segment]
    return segment.words[place.first].start if segment.words and place.first < len(segment.words) else segment.start


def _text(words: Sequence[Place]) -> str:
    return "".join((" " if word.space else "") + word.text for word in words).strip()
