"""An independent check of subtitles, written from the text of the standards with the `srt` package and whole frames.

Netflix: "42 characters per line", "2 lines maximum", "Minimum duration: 5/6 (five-sixths) of a second per subtitle event", "Maximum
duration: 7 seconds per subtitle event", "2 frame gap minimum", gaps of 3 to 11 frames are closed to 2, "up to 17 characters per second",
20 in English; at 24 frames a second. TED: "1-7 seconds", "21 characters / s", "2" lines, "42 characters".
BBC: 37 characters, two lines, "160-180 words-per-minute", "around 0.3 seconds per word", a gap is at least a second.
"""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import srt

FRAMES = 24
SECOND = timedelta(seconds=1)


def independent_violations(text: str, standard: str, language: str) -> set[tuple[int, str]]:
    """The number of each cue of a SubRip file without markup that breaks a rule, and the rule."""
    found: set[tuple[int, str]] = set()
    subtitles = list(srt.parse(text))
    for number, subtitle in enumerate(subtitles, start=1):
        found |= {(number, rule) for rule in _of_one(subtitle, standard, language)}
        if number > 1:
            found |= {(number, rule) for rule in _of_two(subtitles[number - 2], subtitle, standard)}
    return found


def _of_one(subtitle: srt.Subtitle, standard: str, language: str) -> set[str]:
    lines = subtitle.content.splitlines()
    time = subtitle.end - subtitle.start
    found = set()
    if any(len(line) > {"netflix": 42, "ted": 42, "bbc": 37}[standard] for line in lines):
        found.add("line-length")
    if len(lines) > 2:
        found.add("lines")
    shortest = {"netflix": _floor(Fraction(5, 6)), "ted": SECOND, "bbc": 0.3 * SECOND}[standard]
    if time < shortest:
        found.add("too-short")
    if time > 7 * SECOND:
        found.add("too-long")
    seconds = Fraction(time // timedelta(milliseconds=1), 1000)
    if standard == "bbc":
        too_fast = Fraction(len(subtitle.content.split()) * 60) > 180 * seconds
    else:
        speed = 21 if standard == "ted" else 20 if language == "en" else 17
        too_fast = Fraction(sum(map(len, lines))) > speed * seconds
    return found | ({"speed"} if too_fast else set())


def _of_two(before: srt.Subtitle, after: srt.Subtitle, standard: str) -> set[str]:
    gap = after.start - before.end
    if after.start < before.start:
        return {"order"}
    if gap < timedelta(0):
        return {"overlap"}
    if standard == "netflix":
        frames = Fraction(gap // timedelta(milliseconds=1), 1000) * FRAMES
        return {"gap"} if gap < _floor(Fraction(2, FRAMES)) or 3 <= frames < 12 else set()
    return {"gap"} if standard == "bbc" and timedelta(0) < gap < SECOND else set()


def _floor(seconds: Fraction) -> timedelta:
    """Rounded down to milliseconds, the precision of a file."""
    return timedelta(milliseconds=int(seconds * 1000))
