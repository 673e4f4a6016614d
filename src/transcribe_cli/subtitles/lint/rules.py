"""What is wrong with cues: each rule of a standard that one breaks, with the number that it has and the one that it may have.

Characters are those that are seen, spaces between words counted, markup and line breaks not; words are what stands between spaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from transcribe_cli.subtitles.standards import Rules

RULES = ("line-length", "lines", "words", "speed", "too-short", "too-long", "gap", "overlap", "order", "empty")
# A gap that is a little more than the least one is a rounded frame, no gap that should have been closed.
_ROUNDED = 1.5


@dataclass(frozen=True)
class DisplayedCue:
    """A cue as it is seen: from 1 on, whole milliseconds, lines without markup."""

    number: int
    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Violation:
    """A rule that a cue breaks.

    Attributes:
        rule: of `RULES`.
        found: what it has: characters, lines, words, milliseconds, or characters or words in the rule's time.
        allowed: what it may have, in the same unit; None where the rule has no number.
        text: the same for people.
    """

    cue: DisplayedCue
    rule: str
    text: str
    found: float | None = None
    allowed: float | None = None


def find_violations(cues: Sequence[DisplayedCue], rules: Rules) -> list[Violation]:
    """What breaks the rules, in the order of the cues."""
    alone = (found for cue in cues for found in _alone(cue, rules))
    between = (found for before, after in pairwise(cues) for found in _between(before, after, rules))
    return sorted([*alone, *between], key=lambda found: (found.cue.number, RULES.index(found.rule)))


def _alone(cue: DisplayedCue, rules: Rules) -> Iterator[Violation]:
    duration = cue.end_ms - cue.start_ms
    if not any(cue.lines):
        yield Violation(cue, "empty", "nothing is shown")
    if duration <= 0:
        yield Violation(cue, "order", "it ends before it begins" if duration else "it ends when it begins")
    yield from _text(cue, rules)
    if duration <= 0:
        return
    if duration < rules.min_ms:
        yield Violation(cue, "too-short", f"{_seconds(duration)}, at least {_seconds(rules.min_ms)}", duration, rules.min_ms)
    if rules.max_ms is not None and duration > rules.max_ms:
        yield Violation(cue, "too-long", f"{_seconds(duration)}, at most {_seconds(rules.max_ms)}", duration, rules.max_ms)
    yield from _speed(cue, duration, rules)


def _text(cue: DisplayedCue, rules: Rules) -> Iterator[Violation]:
    for number, line in enumerate(cue.lines, start=1):
        if rules.max_chars is not None and len(line) > rules.max_chars:
            where = f" in line {number}" if len(cue.lines) > 1 else ""
            text = f"{len(line)} characters{where}, at most {rules.max_chars}"
            yield Violation(cue, "line-length", text, len(line), rules.max_chars)
    if rules.max_lines is not None and len(cue.lines) > rules.max_lines:
        yield Violation(cue, "lines", f"{len(cue.lines)} lines, at most {rules.max_lines}", len(cue.lines), rules.max_lines)
    words = _words(cue)
    if rules.max_words is not None and words > rules.max_words:
        yield Violation(cue, "words", f"{words} words, at most {rules.max_words}", words, rules.max_words)


def _speed(cue: DisplayedCue, duration: int, rules: Rules) -> Iterator[Violation]:
    """Too fast in characters a second, in words a minute, or in both: then it is told once, in characters."""
    speeds: Iterable[tuple[float, float | None, str]] = (
        (sum(map(len, cue.lines)) * 1000 / duration, rules.chars_per_second, "characters a second"),
        (_words(cue) * 60_000 / duration, rules.words_per_minute, "words a minute"),
    )
    for speed, limit, unit in speeds:
        if limit is not None and speed > limit:
            yield Violation(cue, "speed", f"{speed:.1f} {unit}, at most {limit:g}", round(speed, 3), limit)
            return


def _between(before: DisplayedCue, after: DisplayedCue, rules: Rules) -> Iterator[Violation]:
    gap = after.start_ms - before.end_ms
    if after.start_ms < before.start_ms:
        yield Violation(after, "order", "it begins before the one before it")
    elif gap < 0:
        yield Violation(after, "overlap", f"it begins {_seconds(-gap)} before the one before it ends", gap, 0)
    elif gap < rules.gap_ms:
        yield Violation(
            after, "gap", f"{_seconds(gap)} after the one before it, at least {_seconds(rules.gap_ms)}", gap, rules.gap_ms
        )
    elif 0 < gap < rules.close_ms and gap >= rules.gap_ms * _ROUNDED:
        least = (
            f"{_seconds(rules.close_ms)}, or {_seconds(rules.gap_ms)}" if rules.gap_ms else f"{_seconds(rules.close_ms)}, or none"
        )
        yield Violation(after, "gap", f"{_seconds(gap)} after the one before it, at least {least}", gap, rules.close_ms)


def _words(cue: DisplayedCue) -> int:
    return sum(len(line.split()) for line in cue.lines)


def _seconds(time_ms: int) -> str:
    return f"{time_ms / 1000:.3f} s"
