"""SubRip and WebVTT: cues of text between two times.

SubRip is what players read (https://www.matroska.org/technical/subtitles.html#srt-subtitles), without a place for speakers: see `labels`.
WebVTT has voice tags: https://www.w3.org/TR/webvtt1/#webvtt-cue-voice-span
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from transcribe_cli.errors import Unreadable
from transcribe_cli.scoring.document import Document, Utterance, spoken
from transcribe_cli.scoring.readers.labels import named_cues

_TIME = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s.*)?", re.ASCII)
# What players know in SubRip: <i>, <font color=…>, {\an8}. Other angle brackets are text.
_MARKUP = re.compile(r"</?(?:[bisu]|font|ruby|rt|c|br)\b[^<>]{0,200}>|\{\\[^{}]{0,200}\}", re.IGNORECASE)
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s+([^<>]{1,200})>")
_TAG = re.compile(r"</?[^<>]{0,200}>")


@dataclass
class _Cue:
    start: float
    end: float
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def read_srt(text: str, name: str) -> Mapping[str, Document]:
    """The cues of a SubRip file; an empty file is a recording in which nothing is said.

    Raises:
        Unreadable: text without cues, or a cue whose times are none.
    """
    cues = list(_cues(text, name))
    if not cues and text.strip():
        raise Unreadable(f"{name} has no subtitles (no line with -->).", "Is it plain text? Then call it .txt.")
    named = named_cues([_MARKUP.sub("", cue.text) for cue in cues])
    return {"": spoken(Utterance(said, speaker, cue.start, cue.end) for (speaker, said), cue in zip(named, cues, strict=True))}


def read_vtt(text: str, name: str) -> Mapping[str, Document]:
    """The cues of a WebVTT file, each voice an utterance of its own.

    Raises:
        Unreadable: it does not begin with WEBVTT, or a cue's times are none.
    """
    if not text.lstrip("\ufeff").startswith("WEBVTT"):
        raise Unreadable(f"{name} is not WebVTT (it does not begin with WEBVTT).", "Is it SubRip? Then call it .srt.")
    return {"": spoken(utterance for cue in _cues(text, name) for utterance in _voices(cue))}


def _cues(text: str, name: str) -> Iterator[_Cue]:
    """What follows a line with times, up to the next blank line or the next such line with the number before it.

    Everything else is no cue: numbers, the header, NOTE, STYLE and REGION blocks.
    """
    cue: _Cue | None = None
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


def _timed(line: str, where: str) -> _Cue:
    match = _TIMES.fullmatch(line)
    if match is None:
        raise Unreadable(f"{where}: the times of a subtitle cannot be read.", "They look like 00:01:02,500 --> 00:01:04,000.")
    start, end = _seconds(*match.groups()[:4]), _seconds(*match.groups()[4:])
    return _Cue(start, max(start, end))


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + int(fraction.ljust(3, "0")) / 1000


def _voices(cue: _Cue) -> Iterator[Utterance]:
    """The text of each voice tag; what stands before the first has no speaker."""
    before, *rest = _VOICE.split(cue.text)
    if text := _plain(before):
        ((speaker, own),) = named_cues([text])
        yield Utterance(own, speaker, cue.start, cue.end)
    for speaker, said in zip(rest[::2], rest[1::2], strict=True):
        # A voice may be closed before the cue ends; what follows is then nobody's.
        own, _, after = said.partition("</v>")
        yield Utterance(_plain(own), _plain(speaker) or None, cue.start, cue.end)
        if text := _plain(after):
            yield Utterance(text, None, cue.start, cue.end)


def _plain(text: str) -> str:
    return html.unescape(_TAG.sub("", text)).strip()
