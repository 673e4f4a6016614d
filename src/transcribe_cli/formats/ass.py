"""Advanced SubStation Alpha subtitles: the same cues as SRT, in a style that an editor such as Aegisub can change for all at once.

http://www.tcax.org/docs/ass-specs.htm; libass, which players and FFmpeg draw them with, is what counts today:
https://github.com/libass/libass/wiki/ASSv5-Override-Tags
"""

from __future__ import annotations

from itertools import accumulate, pairwise

from transcribe_cli.formats.cues import Cue, make_cues
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.subtitles.standards import SubtitleStyle
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
# Braces begin a tag, and only libass knows an escape: others would leave out what is in them, so that wide ones stand in their place.
# A backslash is made no escape by a word joiner, which is not seen; FFmpeg writes it so too (libavcodec/ass.c).
_ESCAPES = str.maketrans({"{": "｛", "}": "｝", "\\": "\\\u2060"})


def render(transcript: Transcript, subtitles: SubtitleStyle) -> str:
    """The header, then a line for each cue; the speaker also as its name, which editors list."""
    return _HEAD + "".join(
        _event(cue, karaoke=subtitles.karaoke) for cue in make_cues(transcript, subtitles.standard, label="{}: ")
    )


def _event(cue: Cue, *, karaoke: bool) -> str:
    start, end = cue.start_ms // 10, max(cue.end_ms // 10, cue.start_ms // 10 + 1)
    name = one_line((cue.speaker or "").replace(",", " "))  # a comma ends the field
    text = _karaoke(cue, start, end) if karaoke else "\\N".join(line.translate(_ESCAPES) for line in cue.lines)
    return f"Dialogue: 0,{_clock(start)},{_clock(end)},Default,{name},0,0,0,,{text}\n"


def _karaoke(cue: Cue, start: int, end: int) -> str:
    r"""The lines with `{\k…}` before each word: how long it lasts until the next, in hundredths; together the time of the cue."""
    begins = [min(max(word.start_ms // 10, start), end) for word in cue.words]
    begins = list(accumulate(begins, max))
    lasting = iter(after - before for before, after in pairwise([*begins, end]))
    lines = [f"{{\\k{begins[0] - start}}}{cue.label.translate(_ESCAPES)}"] + [""] * (len(cue.rows) - 1)
    for number, row in enumerate(cue.rows):
        for place, word in enumerate(row):
            text = word.text if place else word.text.lstrip(" ")
            lines[number] += f"{{\\k{next(lasting)}}}{text.translate(_ESCAPES)}"
    return "\\N".join(lines)


def _clock(hundredths: int) -> str:
    seconds, rest = divmod(hundredths, 100)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}.{rest:02d}"
