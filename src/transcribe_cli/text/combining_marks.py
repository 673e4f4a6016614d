"""Bounds runs of combining marks: Unicode normalization takes time with the square of their length.

Unicode's Stream-Safe Text Format has at most 30 in a row, more than any language: https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

MAX_MARKS = 30


def without_endless_marks(text: str) -> str:
    """The text without the marks that follow `MAX_MARKS` others directly."""
    return text if text.isascii() else "".join(_kept(text))


def _kept(text: str) -> Iterator[str]:
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= MAX_MARKS:
            yield character
