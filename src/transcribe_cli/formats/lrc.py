"""LRC: lines with their start times, for music players and phones, which scroll them during playback.

There is no standard; https://en.wikipedia.org/wiki/LRC_(file_format) describes common practice. Minutes can exceed 99.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from transcribe_cli.formats.cues import Cue, make_cues
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.subtitles.standards import SubtitleStyle
from transcribe_cli.transcript import Transcript

# Minimum pause before which an empty line clears the previous one, in milliseconds.
PAUSE_MS = 3000
# An invisible word joiner before text that begins like a time, which players would interpret as one.
_LIKE_A_TIME = re.compile(r"\[\d")
_BRACKETS = str.maketrans("[]", "()")


def render(transcript: Transcript, subtitles: SubtitleStyle) -> str:
    """The recording's name and length, then a line for each cue."""
    length = _clock(round(transcript.duration * 100)).partition(".")[0]
    header = f"[ti:{one_line(transcript.source.name).translate(_BRACKETS)}]\n[length:{length}]\n\n"
    lines = _lines(make_cues(transcript, subtitles.standard, label="{}: "))
    return header + "".join(f"[{_clock(time_ms // 10)}]{text}\n" for time_ms, text in lines)


def _lines(cues: list[Cue]) -> Iterator[tuple[int, str]]:
    """Start in milliseconds and text of each line. A line that lasts until the next one needs no end."""
    for cue, following in pairwise([*cues, None]):
        if cue is None:  # for the type checker: only the last item is None
            continue
        yield cue.start_ms, f"\u2060{cue.text}" if _LIKE_A_TIME.match(cue.text) else cue.text
        if following is None or following.start_ms - cue.end_ms >= PAUSE_MS:
            yield cue.end_ms, ""


def _clock(hundredths: int) -> str:
    seconds, rest = divmod(hundredths, 100)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes:02d}:{seconds:02d}.{rest:02d}"
