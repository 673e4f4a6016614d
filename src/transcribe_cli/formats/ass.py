"""Advanced SubStation Alpha subtitles: the same cues as SRT, in a style that an editor such as Aegisub can change for all at once.

http://www.tcax.org/docs/ass-specs.htm; libass, which players and FFmpeg draw them with, is what counts today:
https://github.com/libass/libass/wiki/ASSv5-Override-Tags
"""

from __future__ import annotations

from transcribe_cli.formats.cues import Cue, cues
from transcribe_cli.formats.lines import one_line, wrap
from transcribe_cli.transcript import Transcript

# White Arial with a black outline at the bottom, 5 % of the height of the picture: what players show SRT in.
_HEAD = """[Script Info]
ScriptType: v4.00+
WrapStyle: 0
ScaledBorderAndShadow: yes
PlayResX: 1920
PlayResY: 1080

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, \
ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,54,&H00FFFFFF,&H000000FF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,3,1,2,96,96,54,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
# Braces would begin a tag. A backslash is made no escape by a word joiner, which is not seen; FFmpeg writes it so too (libavcodec/ass.c).
_ESCAPES = str.maketrans({"{": "\\{", "}": "\\}", "\\": "\\\u2060"})


def render(transcript: Transcript) -> str:
    """The header, then a line for each cue; the speaker also as its name, which editors list."""
    return _HEAD + "".join(map(_event, cues(transcript, label="{}: ")))


def _event(cue: Cue) -> str:
    start, end = cue.start_ms // 10, cue.end_ms // 10
    name = one_line((cue.speaker or "").replace(",", " "))  # a comma ends the field
    text = "\\N".join(line.translate(_ESCAPES) for line in wrap(cue.text))
    return f"Dialogue: 0,{_clock(start)},{_clock(max(end, start + 1))},Default,{name},0,0,0,,{text}\n"


def _clock(hundredths: int) -> str:
    seconds, rest = divmod(hundredths, 100)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}.{rest:02d}"
