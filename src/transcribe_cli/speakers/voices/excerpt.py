"""A part of a recording, as people write it: `aula.wav@1:02-1:34.5`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from transcribe_cli.errors import SourceNotFound, UsageError
from transcribe_cli.storage import is_url

_TIME = r"(?:(?:(\d+):)?(\d{1,3}):)?(\d+(?:\.\d+)?)"
_RANGE = re.compile(rf"(?:{_TIME})?-(?:{_TIME})?")
_HINT = "Write aula.wav@12.5-40, aula.wav@1:02-1:34 or aula.wav@1:02:03-."
_TENTHS = 10


@dataclass(frozen=True)
class Excerpt:
    """From where to where, in seconds; without an end all the rest. `path` is text where it is a URL, which nobody asked for yet."""

    path: Path | str
    start: float = 0.0
    end: float | None = None

    @classmethod
    def parsed(cls, text: str) -> Excerpt:
        """`FILE`, or `FILE@start-end` with times such as 12.5, 1:02 and 1:02:03; either may be left out.

        Raises:
            SourceNotFound: there is no such file.
            UsageError: times that cannot be meant.
        """
        path, at, times = text.rpartition("@")
        if not at or _is_file(text):
            path, times = text, "-"
        found = _RANGE.fullmatch(times)
        if is_url(text) and found is None:
            path, found = text, _RANGE.fullmatch("-")
        if not is_url(path) and not _is_file(path):
            raise SourceNotFound(f"There is no file {path if at and found else text}.")
        if found is None:
            raise UsageError(f"{times!r} is no stretch of {path}.", _HINT)
        start = _seconds(*found.groups()[:3]) or 0.0
        end = _seconds(*found.groups()[3:])
        if end is not None and end <= start:
            raise UsageError(f"The stretch {times} of {path} ends before it begins.", _HINT)
        return cls(path if is_url(path) else Path(path), start, end)

    def __str__(self) -> str:
        """As it can be typed."""
        shown = self.path.partition("?")[0] if isinstance(self.path, str) else self.path
        if not self.start and self.end is None:
            return str(shown)
        return f"{shown}@{format_time(self.start)}-{'' if self.end is None else format_time(self.end)}"

    def part(self, start: float, end: float) -> Excerpt:
        """A stretch inside this one, in seconds from its start, to the tenth that lies inside."""
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
    except (OSError, ValueError):  # a name that no file can have
        return False
