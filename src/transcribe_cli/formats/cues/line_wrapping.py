"""Wraps a cue into lines: one if it fits, else as few as needed, with natural breaks and similar lengths."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from transcribe_cli.formats.cues.cue import CueWord

WordLines = tuple[tuple[CueWord, ...], ...]

# Costs of unequal lines, added to `break_costs`, for a difference of a whole line. A longer upper line costs slightly more.
_UNEQUAL_COST, _TOP_HEAVY_COST = 8.0, 2.0
# Cues with more lines are filled line by line. They only occur if the rules do not limit the lines.
_MAX_BALANCED_LINES = 4


def wrap_lines(words: Sequence[CueWord], costs: Sequence[float], label: int, max_chars: int | None) -> WordLines:
    """Wrap words into lines of at most `max_chars` characters. A longer word gets its own line.

    Args:
        words: of one cue.
        costs: the cost of a break after each word.
        label: number of characters before the first word.
        max_chars: None is no limit.
    """
    if max_chars is None or _width(words, label) <= max_chars:
        return (tuple(words),)
    filled = _fill_lines(words, label, max_chars)
    if len(filled) > _MAX_BALANCED_LINES:
        return filled
    return _balance_lines(words, costs, label, max_chars, len(filled))


def _width(words: Sequence[CueWord], label: int = 0) -> int:
    return label + sum(len(word.text) for word in words) - words[0].text.startswith(" ")


def _fill_lines(words: Sequence[CueWord], label: int, max_chars: int) -> WordLines:
    lines: list[list[CueWord]] = [[]]
    room = max_chars - label
    for word in words:
        length = len(word.text) if lines[-1] else len(word.text.lstrip(" "))
        if lines[-1] and length > room:
            lines.append([])
            room, length = max_chars, len(word.text.lstrip(" "))
        lines[-1].append(word)
        room -= length
    return tuple(map(tuple, lines))


def _balance_lines(words: Sequence[CueWord], costs: Sequence[float], label: int, max_chars: int, count: int) -> WordLines:
    """The cheapest of all ways to wrap into `count` lines that do not exceed the limit more than `_fill_lines` does."""

    @cache
    def best(begin: int, lines: int, above: int) -> tuple[float, tuple[int, ...]]:
        """Cost and positions of the breaks from word `begin` on; `above` is the width of the previous line."""
        width = label if begin == 0 else 0
        if lines == 1:
            width += _width(words[begin:])
            return _overflow_cost(width, words[begin:], max_chars) + _imbalance_cost(above, width, max_chars), ()
        candidates: list[tuple[float, tuple[int, ...]]] = []
        for end in range(begin + 1, len(words) - lines + 2):
            width += len(words[end - 1].text) - (end - 1 == begin and words[begin].text.startswith(" "))
            if width > max_chars and end > begin + 1:
                break
            rest, breaks = best(end, lines - 1, width)
            cost = (
                _overflow_cost(width, words[begin:end], max_chars)
                + costs[end - 1]
                + _imbalance_cost(above, width, max_chars)
                + rest
            )
            candidates.append((cost, (end, *breaks)))
        return min(candidates)

    _, breaks = best(0, count, 0)
    borders = [0, *breaks, len(words)]
    return tuple(tuple(words[begin:end]) for begin, end in pairwise(borders))


def _overflow_cost(width: int, words: Sequence[CueWord], max_chars: int) -> float:
    """So high that no line is too long if another way fits. A line of one long word costs nothing."""
    return 0.0 if width <= max_chars or len(words) == 1 else 1000.0 + width


def _imbalance_cost(above: int, width: int, max_chars: int) -> float:
    if not above:
        return 0.0
    difference = (above - width) / max_chars
    return _UNEQUAL_COST * difference**2 + (_TOP_HEAVY_COST * difference if difference > 0 else 0.0)
