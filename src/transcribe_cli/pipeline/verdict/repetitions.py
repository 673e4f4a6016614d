"""Text that repeats itself: the model went round in circles instead of listening."""

from __future__ import annotations

from collections.abc import Iterator

from transcribe_cli.pipeline.verdict.spans import of_segments, seconds_of
from transcribe_cli.recognition.engines.gates import has_loop
from transcribe_cli.transcript import Reason, Transcript

# Text compresses better than this only if it repeats itself: the default of `--compression-ratio-threshold`.
MAX_COMPRESSION = 2.4
# From this share of the time on, the text as a whole is not what was said.
LOST_SHARE = 0.30


def repetitions(transcript: Transcript) -> Iterator[Reason]:
    """Clips whose text repeats itself at every temperature, or loops that were removed."""
    looping = [
        segment for segment in transcript.segments if segment.compression_ratio > MAX_COMPRESSION or has_loop(segment.text)
    ]
    if not looping and not transcript.quality.repetitions:
        return
    share = seconds_of(looping) / max(1e-9, seconds_of(transcript.segments))
    level = "bad" if share >= LOST_SHARE else "check"
    yield Reason(code="repetitions", level=level, detail="The text repeats itself.", spans=of_segments(looping))
