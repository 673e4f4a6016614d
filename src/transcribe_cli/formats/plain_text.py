"""Text made fit for a line: without line breaks and control characters."""

from __future__ import annotations

import unicodedata

_BREAKING = dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"), " ")


def visible(text: str) -> str:
    """The text with a space for each tab and line break, and no other control character; spaces stay as many as they are."""
    if text.isprintable():
        return text
    return "".join(
        char for char in text.translate(_BREAKING) if unicodedata.category(char) not in ("Cc", "Cs") and char != "\ufeff"
    )


def one_line(text: str) -> str:
    """The text in one line: tabs, line breaks and runs of spaces as one space, stripped, no other control character.

    Only plain spaces are touched: the no-break space before a French question mark stays.
    """
    return " ".join(part for part in visible(text).split(" ") if part)
