"""Numbers from files, servers and archives that others wrote: finite and in a range that arithmetic and display support.

JSON has integers of any length and `1e999`; text has `nan` and `1e308`. Each is valid, and each breaks a sum, a conversion or a format
far from where it was read. So every such number is checked where it enters.
"""

from __future__ import annotations

import math

MAX_SECONDS = 1e8
"""Of a time or duration: three years. The longest recordings in practice have days."""

MAX_COUNT = 2**63 - 1
"""Of a size in bytes, an index or a process id: what file systems, databases and other programs support."""


MAX_NUMBER = 1e8
"""Magnitude of any other number, such as a log-probability or a price."""


def checked_number(value: object) -> float:
    """A number from JSON.

    Raises:
        ValueError: it is not a number, or its magnitude exceeds `MAX_NUMBER`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise ValueError("not a number in range")
    return float(value)


def checked_seconds(value: object) -> float:
    """A time in seconds from JSON.

    Raises:
        ValueError: it is not a number from 0 to `MAX_SECONDS`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_SECONDS:
        raise ValueError("not a time in seconds")
    return float(value)


def checked_count(value: object) -> int:
    """A whole number from JSON.

    Raises:
        ValueError: it is not an integer from 0 to `MAX_COUNT`. `2.0` counts as an integer, as in JSON schema.
    """
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        raise ValueError("not a whole number")
    return value


def parse_seconds(text: str) -> float:
    """A time in seconds from a field of a text file, such as `12.5`.

    Raises:
        ValueError: it is not a number from 0 to `MAX_SECONDS`.
    """
    return checked_seconds(float(text))
