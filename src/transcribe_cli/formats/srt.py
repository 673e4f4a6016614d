"""SubRip subtitles in the layout of openai/whisper, with readable cues, and a name where the speaker changes.

There is no standard; players follow https://www.matroska.org/technical/subtitles.html#srt-subtitles. It has no field for speakers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from transcribe_cli.formats.cues import Cue, make_cues
from transcribe_cli.formats.cues.highlight import highlight_words
from transcribe_cli.formats.timestamps import clock
from transcribe_cli.subtitles.standards import SubtitleStyle
from transcribe_cli.transcript import Transcript

# Parsers use the arrow to find the times.
_ARROW = re.compile("-{2,}>")


def render(transcript: Transcript, subtitles: SubtitleStyle) -> str:
    """Cues numbered from 1, with a blank line after each; the empty string without speech."""
    stages = (stage for cue in make_cues(transcript, subtitles.standard, label="{}: ") for stage in _stages(cue, subtitles))
    return "".join(
        f"{number}\n{clock(start, ',')} --> {clock(end, ',')}\n{_ARROW.sub('->', text)}\n\n"
        for number, (start, end, text) in enumerate(stages, start=1)
    )


def _stages(cue: Cue, subtitles: SubtitleStyle) -> Iterable[tuple[int, int, str]]:
    return highlight_words(cue) if subtitles.highlight_words else [(cue.start_ms, cue.end_ms, "\n".join(cue.lines))]
