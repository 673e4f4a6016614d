"""Start and end of cues: each starts with its first word and stays long enough to be read, without overlapping the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from transcribe_cli.formats.cues.cue import Cue
from transcribe_cli.subtitles.standards import Rules


def set_times(cues: Sequence[Cue], rules: Rules) -> list[Cue]:
    """The cues ordered by start, without overlap, each at least a millisecond long.

    Args:
        cues: with the times of their words.
        rules: minimum and maximum duration, reading speed, gaps.
    """
    ordered = sorted(cues, key=lambda cue: cue.start_ms)
    starts = _starts(ordered, rules)
    limits: list[int | None] = [*starts[1:], None]
    return [
        replace(cue, start_ms=start, end_ms=_end(cue, start, following, rules))
        for cue, start, following in zip(ordered, starts, limits, strict=True)
    ]


def _starts(ordered: Sequence[Cue], rules: Rules) -> list[int]:
    """The start of the first word; later if two people speak at once, so that the previous cue is visible long enough."""
    starts: list[int] = []
    for cue in ordered:
        start = cue.start_ms
        if starts:
            previous_shown = starts[-1] + rules.min_ms + rules.gap_ms
            start = max(start, min(previous_shown, cue.end_ms - rules.min_ms), starts[-1] + 1)
        starts.append(start)
    return starts


def _end(cue: Cue, start: int, following: int | None, rules: Rules) -> int:
    reading = rules.reading_ms(sum(map(len, cue.lines)), sum(len(line.split()) for line in cue.lines))
    end = max(cue.end_ms, min(start + reading, cue.end_ms + rules.extend_ms), start + rules.min_ms, start + 1)
    longest = end if rules.max_ms is None else start + max(rules.max_ms, 1)
    end = min(end, longest)
    if following is None:
        return end
    latest = following - rules.gap_ms
    if latest <= start + rules.gap_ms:  # no room for a gap: display time is more important
        latest = following
    if following - end < rules.close_ms and (rules.max_ms is None or latest <= longest):
        end = latest
    return min(end, latest)
