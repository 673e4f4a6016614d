"""SubRip and WebVTT files as they are: cues, of lines with their markup, between two times.

SubRip is what players read: https://www.matroska.org/technical/subtitles.html#srt-subtitles; WebVTT: https://www.w3.org/TR/webvtt1/
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from transcribe_cli.errors import Unreadable

_TIME = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?", re.ASCII)
# What players know in SubRip: <i>, <font color=…>, {\an8}. Other angle brackets are text.
_MARKUP = re.compile(r"</?(?:[bisu]|font|ruby|rt|c|br)\b[^<>]{0,200}>|\{\\[^{}]{0,200}\}", re.IGNORECASE)
# In WebVTT all of them are tags; times of words and voices too.
_TAG = re.compile(r"</?[^<>]{0,200}>")


@dataclass
class ParsedCue:
    """One cue as a file has it, whole milliseconds; the end may be before the start.

    Attributes:
        lines: without those that are blank, with markup.
    """

    start_ms: int
    end_ms: int
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


def is_vtt(text: str) -> bool:
    """Whether it begins as WebVTT does."""
    return text.lstrip("\ufeff").startswith("WEBVTT")


def read_cues(text: str, name: str) -> Iterator[ParsedCue]:
    """What follows a line with times, up to the next blank line or the next such line with the number before it.

    Everything else is no cue: numbers, the header, NOTE, STYLE and REGION blocks.

    Raises:
        Unreadable: the times of a cue are none; `name` and the line are in the message.
    """
    cue: ParsedCue | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if "-->" in line:
            if cue is not None:
                if cue.lines and cue.lines[-1].strip().isdigit():
                    cue.lines.pop()  # the number of this one: the blank line was forgotten
                yield cue
            cue = _timed(line, f"{name}, line {number}")
        elif cue is not None and line.strip():
            cue.lines.append(line)
        elif cue is not None:
            yield cue
            cue = None
    if cue is not None:
        yield cue


def strip_srt_markup(text: str) -> str:
    """SubRip text without what players take for markup."""
    return _MARKUP.sub("", text)


def strip_vtt_tags(text: str) -> str:
    """WebVTT text as it is shown: without tags, its references resolved."""
    return html.unescape(_TAG.sub("", text)).strip()


def _timed(line: str, where: str) -> ParsedCue:
    match = _TIMES.fullmatch(line)
    if match is None:
        raise Unreadable(f"{where}: the times of a subtitle cannot be read.", "They look like 00:01:02,500 --> 00:01:04,000.")
    return ParsedCue(_milliseconds(*match.groups()[:4]), _milliseconds(*match.groups()[4:]))


def _milliseconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> int:
    return (int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)) * 1000 + int(fraction.ljust(3, "0"))
