"""Parses SubRip and WebVTT files into cues with times and lines, markup included.

SubRip has no standard, players follow https://www.matroska.org/technical/subtitles.html#srt-subtitles; WebVTT: https://www.w3.org/TR/webvtt1/
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from transcribe_cli.errors import Unreadable
from transcribe_cli.text.html_references import resolve_references

_TIME = r"(?:([0-9]{1,4}):)?([0-9]{1,2}):([0-9]{1,2})[.,]([0-9]{1,3})"
# Around the times, editors and web pages leave spaces of any kind, and marks without width.
_SPACE = r"[\s\u200b-\u200f\u2060\ufeff]"
_TIMES = re.compile(rf"{_SPACE}*{_TIME}{_SPACE}*-->{_SPACE}*{_TIME}(?:{_SPACE}.*)?")
# An arrow in a line without a time is text.
_CLOCK = re.compile(r"[0-9]:[0-9]")
_NUMBER = re.compile(rf"{_SPACE}*[0-9]{{1,9}}{_SPACE}*")
# Not those of str.splitlines, which has more.
_LINE_END = re.compile(r"\r\n|\n|\r")
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
    """Parse the cues. A cue is a line with times and the lines after it.

    In WebVTT it ends at an empty line, which a line of spaces is not; in SubRip at the next number and line with times, because there
    texts have empty lines. Everything else is skipped: numbers, the header, NOTE, STYLE and REGION blocks.

    Raises:
        Unreadable: the times of a cue are invalid; the message contains `name` and the line number.
    """
    lines = _LINE_END.split(text.removeprefix("\ufeff"))
    arrows = [place for place, line in enumerate(lines) if "-->" in line and _CLOCK.search(line)]
    first_number = _number_before(lines, arrows[0]) if arrows else None
    number = first_number or 0
    ends_at_empty_line = is_vtt(text)
    for place, following in pairwise([*arrows, len(lines)]):
        cue = _parse_times(lines[place], f"{name}, line {place + 1}")
        said = lines[place + 1 : following]
        if following < len(lines) and first_number is not None:
            number = _cut_number(said, number)
        if ends_at_empty_line and "" in said:
            said = said[: said.index("")]
        cue.lines = [line for line in said if not _looks_blank(line)]
        yield cue


def _number_before(lines: Sequence[str], place: int) -> int | None:
    """The number on the last line before this one that does not look blank."""
    said = next((line for line in reversed(lines[:place]) if not _looks_blank(line)), "")
    return _int(said) if _NUMBER.fullmatch(said) else None


def _cut_number(said: list[str], number: int) -> int:
    """Remove the number of the next cue from the end of a cue's lines; returns that number, or `number` if there is none.

    It is on the line before the times. Where blank lines follow it, it must be the next number, after a blank line: others are text.
    """
    last = next((place for place in reversed(range(len(said))) if not _looks_blank(said[place])), None)
    if last is None or not _NUMBER.fullmatch(said[last]):
        return number
    found, is_apart = _int(said[last]), last == 0 or _looks_blank(said[last - 1])
    if last < len(said) - 1 and not (is_apart and found == number + 1):
        return number
    del said[last:]
    return found


def _int(line: str) -> int:
    return int("".join(character for character in line if character in "0123456789"))


def _looks_blank(line: str) -> bool:
    """Whether nothing of a line is seen: spaces of any kind, and characters without width."""
    return all(character.isspace() or unicodedata.category(character) in ("Cf", "Cc") for character in line)


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
