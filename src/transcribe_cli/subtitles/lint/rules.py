"""Finds violations: each rule of a standard that a cue breaks, with the measured value and the limit.

Character counts include spaces between words, but not markup or line breaks. Words are separated by spaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from transcribe_cli.subtitles.standards import Rules

RULES = ("line-length", "lines", "words", "speed", "too-short", "too-long", "gap", "overlap", "order", "empty")
# A gap slightly longer than min_gap comes from rounding to frames. It is not reported as a gap to close.
_ROUNDING_TOLERANCE = 1.5


@dataclass(frozen=True)
class DisplayedCue:
    """A cue as displayed: number from 1, times in whole milliseconds, lines without markup."""

    number: int
    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Violation:
    """A rule that a cue breaks.

    Attributes:
        rule: of `RULES`.
        found: measured value: characters, lines, words, milliseconds, characters per second or words per minute.
        allowed: limit in the same unit; None if the rule has no number.
        text: description for people.
    """

    cue: DisplayedCue
    rule: str
    text: str
    found: float | None = None
    allowed: float | None = None


def find_violations(cues: Sequence[DisplayedCue], rules: Rules) -> list[Violation]:
    """All violations, in the order of the cues."""
    single = (violation for cue in cues for violation in _check_cue(cue, rules))
    pairs = (violation for previous, cue in pairwise(cues) for violation in _check_gap(previous, cue, rules))
    return sorted([*single, *pairs], key=lambda violation: (violation.cue.number, RULES.index(violation.rule)))


def _check_cue(cue: DisplayedCue, rules: Rules) -> Iterator[Violation]:
    duration = cue.end_ms - cue.start_ms
    if not any(cue.lines):
        yield Violation(cue, "empty", "no visible text")
    if duration <= 0:
        yield Violation(cue, "order", "ends before it starts" if duration else "ends when it starts")
    yield from _check_text(cue, rules)
    if duration <= 0:
        return
    if duration < rules.min_ms:
        yield Violation(cue, "too-short", f"{_seconds(duration)}, at least {_seconds(rules.min_ms)}", duration, rules.min_ms)
    if rules.max_ms is not None and duration > rules.max_ms:
        yield Violation(cue, "too-long", f"{_seconds(duration)}, at most {_seconds(rules.max_ms)}", duration, rules.max_ms)
    yield from _check_speed(cue, duration, rules)


def _check_text(cue: DisplayedCue, rules: Rules) -> Iterator[Violation]:
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


def _check_speed(cue: DisplayedCue, duration: int, rules: Rules) -> Iterator[Violation]:
    """Check characters per second and words per minute. If both are too fast, only characters are reported."""
    speeds: Iterable[tuple[float, float | None, str]] = (
        (sum(map(len, cue.lines)) * 1000 / duration, rules.chars_per_second, "characters per second"),
        (_words(cue) * 60_000 / duration, rules.words_per_minute, "words per minute"),
    )
    for speed, limit, unit in speeds:
        if limit is not None and speed > limit:
            yield Violation(cue, "speed", f"{speed:.1f} {unit}, at most {limit:g}", round(speed, 3), limit)
            return


def _check_gap(previous: DisplayedCue, cue: DisplayedCue, rules: Rules) -> Iterator[Violation]:
    gap = cue.start_ms - previous.end_ms
    if cue.start_ms < previous.start_ms:
        yield Violation(cue, "order", "starts before the previous cue")
    elif gap < 0:
        yield Violation(cue, "overlap", f"starts {_seconds(-gap)} before the previous cue ends", gap, 0)
    elif gap < rules.gap_ms:
        text = f"{_seconds(gap)} after the previous cue, at least {_seconds(rules.gap_ms)}"
        yield Violation(cue, "gap", text, gap, rules.gap_ms)
    elif 0 < gap < rules.close_ms and gap >= rules.gap_ms * _ROUNDING_TOLERANCE:
        alternative = f"exactly {_seconds(rules.gap_ms)}" if rules.gap_ms else "no gap"
        text = f"{_seconds(gap)} after the previous cue, at least {_seconds(rules.close_ms)} or {alternative}"
        yield Violation(cue, "gap", text, gap, rules.close_ms)


def _words(cue: DisplayedCue) -> int:
    return sum(len(line.split()) for line in cue.lines)


def _seconds(time_ms: int) -> str:
    return f"{time_ms / 1000:.3f} s"
