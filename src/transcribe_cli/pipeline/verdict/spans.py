"""Where to look: spans of a recording, few enough for the head of the document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from transcribe_cli.transcript import Segment

Spans = tuple[tuple[float, float], ...]

# A reason names at most this many places, the longest ones: with them it fits into the first KiB of a document.
MAX_SPANS = 12
# Spans that are closer are one place, in seconds.
NEAR_SECONDS = 5.0


def places(spans: Iterable[tuple[float, float]]) -> Spans:
    """The longest of these places in order of time; near ones are joined."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if joined and start - joined[-1][1] <= NEAR_SECONDS:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    longest = sorted(joined, key=lambda span: span[0] - span[1])[:MAX_SPANS]
    return tuple(sorted(longest))


def of_segments(segments: Iterable[Segment]) -> Spans:
    """The places of these segments."""
    return places((segment.start, segment.end) for segment in segments)


def seconds_of(segments: Sequence[Segment]) -> float:
    """The seconds of these segments together."""
    return sum(segment.end - segment.start for segment in segments)


def clock(seconds: float) -> str:
    """A length for people: `8 s` or `2 min 05 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02} s"
