"""WebVTT subtitles, with a voice tag in every cue whose speaker is known. A tag applies to its cue only, and players hide it.

https://www.w3.org/TR/webvtt1/#webvtt-cue-voice-span, and #webvtt-cue-timestamp for word times inside a cue.
"""

from __future__ import annotations

from collections.abc import Iterable

from transcribe_cli.formats.cues import Cue, make_cues
from transcribe_cli.formats.cues.highlight import highlight_words
from transcribe_cli.formats.timestamps import clock
from transcribe_cli.subtitles.standards import SubtitleStyle
from transcribe_cli.transcript import Transcript


def render(transcript: Transcript, subtitles: SubtitleStyle) -> str:
    """The header, then the cues without numbers, with a blank line after each."""
    return "WEBVTT\n\n" + "".join(
        f"{clock(start)} --> {clock(end)}\n{_voice(cue)}{text}\n\n"
        for cue in make_cues(transcript, subtitles.standard)
        for start, end, text in _stages(cue, subtitles)
    )


def _stages(cue: Cue, subtitles: SubtitleStyle) -> Iterable[tuple[int, int, str]]:
    if subtitles.highlight_words:
        return highlight_words(cue, _escaped)
    return [(cue.start_ms, cue.end_ms, _karaoke(cue) if subtitles.karaoke else _escaped("\n".join(cue.lines)))]


def _karaoke(cue: Cue) -> str:
    """The lines with the start time before each word. Players ignore times that do not increase or are outside the cue."""
    lines = []
    position = cue.start_ms
    for words in cue.words_by_line:
        line = ""
        for word in words:
            if position < word.start_ms < cue.end_ms:
                position = word.start_ms
                line += " " * word.text.startswith(" ") * bool(line) + f"<{clock(position)}>" + _escaped(word.text.lstrip(" "))
            else:
                line += _escaped(word.text if line else word.text.lstrip(" "))
        lines.append(line)
    return "\n".join(lines)


def _voice(cue: Cue) -> str:
    return f"<v {_escaped(cue.speaker)}>" if cue.speaker else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
