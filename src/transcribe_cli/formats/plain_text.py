"""Removes line breaks and control characters from text."""

from __future__ import annotations

import unicodedata

_LINE_BREAKS = dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"), " ")


def strip_controls(text: str) -> str:
    """The text with a space for each tab and line break, and without other control characters. Runs of spaces stay."""
    if text.isprintable():
        return text
    return "".join(
        char for char in text.translate(_LINE_BREAKS) if unicodedata.category(char) not in ("Cc", "Cs") and char != "\ufeff"
    )


def one_line(text: str) -> str:
    """The text on one line: stripped, with one space for tabs, line breaks and runs of spaces, without other control characters.

    Only plain spaces change: the no-break space before a French question mark stays.
    """
    return " ".join(part for part in strip_controls(text).split(" ") if part)
