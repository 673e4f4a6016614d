"""Part of a recording, written as `aula.wav@1:02-1:34.5`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from transcribe_cli.errors import SourceNotFound, UsageError
from transcribe_cli.storage import is_url

_TIME = r"(?:(?:(\d+):)?(\d{1,3}):)?(\d+(?:\.\d+)?)"
_RANGE = re.compile(rf"(?:{_TIME})?-(?:{_TIME})?")
_HINT = "Examples: aula.wav@12.5-40, aula.wav@1:02-1:34, aula.wav@1:02:03-."
_TENTHS = 10


@dataclass(frozen=True)
class Excerpt:
    """Part of a recording.

    Attributes:
        path: text if it is a URL, whose existence is not checked here.
        start, end: in seconds; without an end, the excerpt ends with the recording.
    """

    path: Path | str
    start: float = 0.0
    end: float | None = None

    @classmethod
    def parsed(cls, text: str) -> Excerpt:
        """Parse `FILE` or `FILE@start-end`, with times such as 12.5, 1:02 and 1:02:03; either time may be omitted.

        Raises:
            SourceNotFound: there is no such file.
            UsageError: the times are invalid.
        """
        path, at, times = text.rpartition("@")
        if not at or _is_file(text):
            path, times = text, "-"
        match = _RANGE.fullmatch(times)
        if is_url(text) and match is None:
            path, match = text, _RANGE.fullmatch("-")
        if not is_url(path) and not _is_file(path):
            raise SourceNotFound(f"There is no file {path if at and match else text}.")
        if match is None:
            raise UsageError(f"{times!r} is not an excerpt of {path}.", _HINT)
        start = _seconds(*match.groups()[:3]) or 0.0
        end = _seconds(*match.groups()[3:])
        if end is not None and end <= start:
            raise UsageError(f"The excerpt {times} of {path} ends before it starts.", _HINT)
        return cls(path if is_url(path) else Path(path), start, end)

    def __str__(self) -> str:
        """As a user can type it."""
        shown = self.path.partition("?")[0] if isinstance(self.path, str) else self.path
        if not self.start and self.end is None:
            return str(shown)
        return f"{shown}@{format_time(self.start)}-{'' if self.end is None else format_time(self.end)}"

    def part(self, start: float, end: float) -> Excerpt:
        """An excerpt of this one, with times in seconds from its start, rounded inwards to tenths."""
        first = math.ceil(round((self.start + start) * _TENTHS, 3)) / _TENTHS
        last = math.floor(round((self.start + end) * _TENTHS, 3)) / _TENTHS
        return Excerpt(self.path, first, last)


def format_time(seconds: float) -> str:
    """`0:12.5`, `1:34`, `1:02:03`."""
    tenths = round(seconds * _TENTHS)
    minutes, rest = divmod(tenths, 60 * _TENTHS)
    hours, minutes = divmod(minutes, 60)
    short = f"{rest // _TENTHS:02}" + (f".{rest % _TENTHS}" if rest % _TENTHS else "")
    return f"{hours}:{minutes:02}:{short}" if hours else f"{minutes}:{short}"


def _seconds(hours: str | None, minutes: str | None, seconds: str | None) -> float | None:
    return None if seconds is None else 3600 * float(hours or 0) + 60 * float(minutes or 0) + float(seconds)


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # an invalid file name
        return False
