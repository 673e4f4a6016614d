"""SubRip subtitles, as openai/whisper writes them, with cues that can be read, and a name where the speaker changes.

There is no standard; players agree on https://www.matroska.org/technical/subtitles.html#srt-subtitles. None has a place for speakers.
"""

from __future__ import annotations

import re

from transcribe_cli.formats.cues import Cue, cues
from transcribe_cli.formats.lines import wrap
from transcribe_cli.formats.timestamps import clock
from transcribe_cli.transcript import Transcript

# Readers look for the arrow to find the times.
_ARROW = re.compile("-{2,}>")


def render(transcript: Transcript) -> str:
    """Cues numbered from 1, a blank line after each; the empty string when nothing was said."""
    return "".join(_block(number, cue) for number, cue in enumerate(cues(transcript, label="{}: "), start=1))


def _block(number: int, cue: Cue) -> str:
    text = "\n".join(wrap(_ARROW.sub("->", cue.text)))
    return f"{number}\n{clock(cue.start_ms, ',')} --> {clock(cue.end_ms, ',')}\n{text}\n\n"
