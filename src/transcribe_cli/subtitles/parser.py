"""Parses SubRip and WebVTT files into cues with times and lines, markup included.

SubRip has no standard, players follow https://www.matroska.org/technical/subtitles.html#srt-subtitles; WebVTT: https://www.w3.org/TR/webvtt1/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from transcribe_cli.errors import Unreadable
from transcribe_cli.text.html_references import resolve_references

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?", re.ASCII)
# Markup that players support in SubRip: <i>, <font color=…>, {\an8}. Other angle brackets are text.
_MARKUP = re.compile(r"</?(?:[bisu]|font|ruby|rt|c|br)\b[^<>]{0,200}>|\{\\[^{}]{0,200}\}", re.IGNORECASE)
# In WebVTT all angle brackets are tags, including word times and voices.
_TAG = re.compile(r"</?[^<>]{0,200}>")


@dataclass
class ParsedCue:
    """One cue of a file. Times in whole milliseconds; the end may be before the start.

    Attributes:
        lines: with markup, without blank lines.
    """

    start_ms: int
    end_ms: int
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The lines, joined by line breaks."""
        return "\n".join(self.lines)


def is_vtt(text: str) -> bool:
    """Whether the text begins with the WebVTT signature."""
    return text.lstrip("\ufeff").startswith("WEBVTT")


def read_cues(text: str, name: str) -> Iterator[ParsedCue]:
    """Parse the cues. A cue is a line with times and the lines after it, up to a blank line or the next number and line with times.

    Everything else is skipped: numbers, the header, NOTE, STYLE and REGION blocks.

    Raises:
        Unreadable: the times of a cue are invalid; the message contains `name` and the line number.
    """
    cue: ParsedCue | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if "-->" in line:
            if cue is not None:
                if cue.lines and cue.lines[-1].strip().isdigit():
                    cue.lines.pop()  # the number of the next cue: the blank line is missing
                yield cue
            cue = _parse_times(line, f"{name}, line {number}")
        elif cue is not None and line.strip():
            cue.lines.append(line)
        elif cue is not None:
            yield cue
            cue = None
    if cue is not None:
        yield cue


def strip_srt_markup(text: str) -> str:
    """SubRip text without the markup that players support."""
    return _MARKUP.sub("", text)


def strip_vtt_tags(text: str) -> str:
    """WebVTT text as displayed: without tags, with character references resolved."""
    return resolve_references(_TAG.sub("", text)).strip()


def _parse_times(line: str, where: str) -> ParsedCue:
    match = _TIMES.fullmatch(line)
    if match is None:
        raise Unreadable(f"{where}: invalid subtitle times.", "Expected, for example: 00:01:02,500 --> 00:01:04,000.")
    return ParsedCue(_milliseconds(*match.groups()[:4]), _milliseconds(*match.groups()[4:]))


def _milliseconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> int:
    return (int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)) * 1000 + int(fraction.ljust(3, "0"))
