"""Seconds as clock times. They are rounded to milliseconds first: rounding later could result in `00:00:60.000`."""

from __future__ import annotations


def milliseconds(seconds: float) -> int:
    """The nearest whole millisecond; never negative."""
    return max(0, round(seconds * 1000))


def clock(time_ms: int, decimal: str = ".") -> str:
    """`01:02:03.004`: always with hours, which may exceed 99. `decimal` is a comma in SRT."""
    seconds, thousandths = divmod(time_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{decimal}{thousandths:03d}"


def short_clock(seconds: float) -> str:
    """A clock time for people, in whole seconds: `2:05`, `1:02:05`."""
    minutes, rest = divmod(milliseconds(seconds) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
