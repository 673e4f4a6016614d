"""Text made fit for a line: without control characters, and broken where a reader would break it."""

from __future__ import annotations

import unicodedata
from itertools import accumulate

# Netflix, TED and most broadcasters: at most two lines of 42 characters.
# https://partnerhelp.netflixstudios.com/hc/en-us/articles/215758617
LINE_CHARACTERS = 42
LINES = 2

_BREAKING = dict.fromkeys(map(ord, "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"), " ")


def one_line(text: str) -> str:
    """The text in one line: tabs, line breaks and runs of spaces as one space, stripped, no other control character.

    Only plain spaces are touched: the no-break space before a French question mark stays.
    """
    spaced = text.translate(_BREAKING)
    visible = "".join(char for char in spaced if unicodedata.category(char) not in ("Cc", "Cs") and char != "\ufeff")
    return " ".join(part for part in visible.split(" ") if part)


def wrap(text: str) -> list[str]:
    """The text of one line in as few lines of 42 characters as it needs, broken at spaces; words are never cut.

    Two lines are made as equal as they can be, the lower one longer: https://www.ted.com/participate/translate/guidelines
    """
    if len(text) <= LINE_CHARACTERS:
        return [text]
    words = text.split(" ")
    halves = [(head, len(text) - head - 1) for head in (end + gaps for gaps, end in enumerate(accumulate(map(len, words[:-1]))))]
    fitting = [(upper, lower) for upper, lower in halves if max(upper, lower) <= LINE_CHARACTERS]
    if fitting:
        upper, _ = min(fitting, key=lambda half: (max(half), half[0] > half[1]))
        return [text[:upper], text[upper + 1 :]]
    return _filled(words)


def _filled(words: list[str]) -> list[str]:
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) <= LINE_CHARACTERS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
