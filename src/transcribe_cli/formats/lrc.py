"""LRC: lines with the time when each begins, for music players and phones, which scroll them along.

There is no standard; https://en.wikipedia.org/wiki/LRC_(file_format) says what players agree on. Minutes pass 99 where they must.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from transcribe_cli.formats.cues import Cue, make_cues
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.subtitles.standards import SubtitleStyle
from transcribe_cli.transcript import Transcript

# A pause from which the line before it is taken away, by an empty one, in milliseconds.
PAUSE_MS = 3000
# Text that begins like a time would be taken for one; a word joiner, which is not seen, keeps it apart.
_LIKE_A_TIME = re.compile(r"\[\d")
_BRACKETS = str.maketrans("[]", "()")


def render(transcript: Transcript, subtitles: SubtitleStyle) -> str:
    """The recording's name and length, then a line for each cue."""
    length = _clock(round(transcript.duration * 100)).partition(".")[0]
    head = f"[ti:{one_line(transcript.source.name).translate(_BRACKETS)}]\n[length:{length}]\n\n"
    lines = _lines(make_cues(transcript, subtitles.standard, label="{}: "))
    return head + "".join(f"[{_clock(time_ms // 10)}]{text}\n" for time_ms, text in lines)


def _lines(found: list[Cue]) -> Iterator[tuple[int, str]]:
    """Start in milliseconds and text; what lasts until the next line needs no end."""
    for cue, following in pairwise([*found, None]):
        if cue is None:  # for the type checker: only the last one is
            continue
        yield cue.start_ms, f"\u2060{cue.text}" if _LIKE_A_TIME.match(cue.text) else cue.text
        if following is None or following.start_ms - cue.end_ms >= PAUSE_MS:
            yield cue.end_ms, ""


def _clock(hundredths: int) -> str:
    seconds, rest = divmod(hundredths, 100)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes:02d}:{seconds:02d}.{rest:02d}"
