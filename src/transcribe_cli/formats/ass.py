"""Advanced SubStation Alpha subtitles: the same cues as SRT, in one style that an editor such as Aegisub can change.

http://www.tcax.org/docs/ass-specs.htm; players and FFmpeg render it with libass, which is the reference today:
https://github.com/libass/libass/wiki/ASSv5-Override-Tags
"""

from __future__ import annotations

from itertools import accumulate, pairwise

from transcribe_cli.formats.cues import Cue, make_cues
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.subtitles.standards import SubtitleStyle
from transcribe_cli.transcript import Transcript

# White Arial with a black outline at the bottom, 5 % of the picture height, as players display SRT.
_HEADER = """[Script Info]
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
# Braces begin a tag. Only libass supports an escape, other players would drop the content, so fullwidth braces replace them.
# An invisible word joiner after a backslash prevents an escape, as in FFmpeg (libavcodec/ass.c).
_ESCAPES = str.maketrans({"{": "｛", "}": "｝", "\\": "\\\u2060"})


def render(transcript: Transcript, subtitles: SubtitleStyle) -> str:
    """The header, then a line for each cue. The speaker is also in the Name field, which editors list."""
    return _HEADER + "".join(
        _event(cue, karaoke=subtitles.karaoke) for cue in make_cues(transcript, subtitles.standard, label="{}: ")
    )


def _event(cue: Cue, *, karaoke: bool) -> str:
    start, end = cue.start_ms // 10, max(cue.end_ms // 10, cue.start_ms // 10 + 1)
    name = one_line((cue.speaker or "").replace(",", " "))  # a comma ends the field
    text = _karaoke(cue, start, end) if karaoke else "\\N".join(line.translate(_ESCAPES) for line in cue.lines)
    return f"Dialogue: 0,{_clock(start)},{_clock(end)},Default,{name},0,0,0,,{text}\n"


def _karaoke(cue: Cue, start: int, end: int) -> str:
    r"""The lines with `{\k…}` before each word: time until the next word in hundredths of a second. The sum is the cue's duration."""
    starts = [min(max(word.start_ms // 10, start), end) for word in cue.words]
    starts = list(accumulate(starts, max))
    durations = iter(following - word for word, following in pairwise([*starts, end]))
    lines = [f"{{\\k{starts[0] - start}}}{cue.label.translate(_ESCAPES)}"] + [""] * (len(cue.words_by_line) - 1)
    for number, words in enumerate(cue.words_by_line):
        for position, word in enumerate(words):
            text = word.text if position else word.text.lstrip(" ")
            lines[number] += f"{{\\k{next(durations)}}}{text.translate(_ESCAPES)}"
    return "\\N".join(lines)


def _clock(hundredths: int) -> str:
    seconds, rest = divmod(hundredths, 100)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}.{rest:02d}"
