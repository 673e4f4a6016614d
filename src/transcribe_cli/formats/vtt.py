"""WebVTT subtitles, with a voice tag in every cue whose speaker is known: a tag holds for its cue alone, and players do not show it.

https://www.w3.org/TR/webvtt1/#webvtt-cue-voice-span
"""

from __future__ import annotations

from transcribe_cli.formats.cues import Cue, cues
from transcribe_cli.formats.lines import wrap
from transcribe_cli.formats.timestamps import clock
from transcribe_cli.transcript import Transcript


def render(transcript: Transcript) -> str:
    """The header, then the cues without numbers, a blank line between them and after the last."""
    return "WEBVTT\n\n" + "".join(_block(cue) for cue in cues(transcript))


def _block(cue: Cue) -> str:
    voice = f"<v {_escaped(cue.speaker)}>" if cue.speaker else ""
    # Wrapped before it is escaped: `&amp;` takes the room of one character on the screen.
    text = _escaped("\n".join(wrap(cue.text)))
    return f"{clock(cue.start_ms)} --> {clock(cue.end_ms)}\n{voice}{text}\n\n"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
