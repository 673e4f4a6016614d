"""The lines of a cue: one where it fits, else as few as it needs, broken where a reader would and about equally long."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from transcribe_cli.formats.cues.cue import CueWord

Rows = tuple[tuple[CueWord, ...], ...]

# What unequal lines cost beside `breaks`, for a difference of a whole line; an upper line that is the longer one costs a little more.
_UNEQUAL, _TOP_HEAVY = 8.0, 2.0
# Longer cues are filled line by line: only rules without a number of lines have them.
_MOST_LINES = 4


def rows(words: Sequence[CueWord], costs: Sequence[float], label: int, max_chars: int | None) -> Rows:
    """The words in lines of at most `max_chars` characters; a longer word has a line of its own.

    Args:
        words: of one cue.
        costs: what it costs to break after each.
        label: characters that are written before the first.
        max_chars: None is no limit.
    """
    if max_chars is None or _width(words, label) <= max_chars:
        return (tuple(words),)
    filled = _filled(words, label, max_chars)
    if len(filled) > _MOST_LINES:
        return filled
    return _balanced(words, costs, label, max_chars, len(filled))


def _width(words: Sequence[CueWord], label: int = 0) -> int:
    return label + sum(len(word.text) for word in words) - words[0].text.startswith(" ")


def _filled(words: Sequence[CueWord], label: int, max_chars: int) -> Rows:
    found: list[list[CueWord]] = [[]]
    room = max_chars - label
    for word in words:
        length = len(word.text) if found[-1] else len(word.text.lstrip(" "))
        if found[-1] and length > room:
            found.append([])
            room, length = max_chars, len(word.text.lstrip(" "))
        found[-1].append(word)
        room -= length
    return tuple(map(tuple, found))


def _balanced(words: Sequence[CueWord], costs: Sequence[float], label: int, max_chars: int, count: int) -> Rows:
    """The cheapest of all ways to break into `count` lines that fit as well as those which are filled."""

    @cache
    def best(begin: int, lines: int, above: int) -> tuple[float, tuple[int, ...]]:
        """Cost and places of the breaks from a word on; `above` is the width of the line before."""
        width = label if begin == 0 else 0
        if lines == 1:
            width += _width(words[begin:])
            return _misfit(width, words[begin:], max_chars) + _uneven(above, width, max_chars), ()
        found: list[tuple[float, tuple[int, ...]]] = []
        for end in range(begin + 1, len(words) - lines + 2):
            width += len(words[end - 1].text) - (end - 1 == begin and words[begin].text.startswith(" "))
            if width > max_chars and end > begin + 1:
                break
            rest, places = best(end, lines - 1, width)
            cost = _misfit(width, words[begin:end], max_chars) + costs[end - 1] + _uneven(above, width, max_chars) + rest
            found.append((cost, (end, *places)))
        return min(found)

    _, places = best(0, count, 0)
    borders = [0, *places, len(words)]
    return tuple(tuple(words[begin:end]) for begin, end in pairwise(borders))


def _misfit(width: int, words: Sequence[CueWord], max_chars: int) -> float:
    """So much that no line is too long where another way fits; one long word is."""
    return 0.0 if width <= max_chars or len(words) == 1 else 1000.0 + width


def _uneven(above: int, width: int, max_chars: int) -> float:
    if not above:
        return 0.0
    difference = (above - width) / max_chars
    return _UNEQUAL * difference**2 + (_TOP_HEAVY * difference if difference > 0 else 0.0)
