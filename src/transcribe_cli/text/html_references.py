"""Character references in HTML, XML and WebVTT, such as `&amp;` and `&#233;`."""

from __future__ import annotations

import html
import re

# A character has at most seven digits. Python refuses to convert thousands of them.
_TOO_LONG = re.compile(r"&#(?:\d{8,}|[xX][0-9A-Fa-f]{8,});?")


def without_impossible_references(text: str) -> str:
    """The text with U+FFFD for references that can be no character, for parsers that would fail on them."""
    return _TOO_LONG.sub("\ufffd", text)


def resolve_references(text: str) -> str:
    """The text with characters for its references."""
    return html.unescape(without_impossible_references(text))
