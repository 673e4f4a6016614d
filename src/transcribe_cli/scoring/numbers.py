"""Spells out numbers in words: integers, decimals, ordinals, money and times of day.

The meaning of a number depends on the language: 1.500 is one thousand five hundred in Portuguese, and one and a half in English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property, lru_cache

from transcribe_cli.scoring.conventions import Conventions
from transcribe_cli.scoring.libraries import library

_NUMBER = r"[0-9]+(?:[.,][0-9]+)*"
_NO_LETTER = r"(?![^\W\d_])"
# Longer numbers are telephone numbers and keys, which are read digit by digit.
_MAX_DIGITS = 15
_MAX_FRACTION_DIGITS = 3


class Speller:
    """Spells numbers in one language. The text must be lower case and NFKC, except for º and ª."""

    def __init__(self, conventions: Conventions) -> None:
        self._rules = conventions

    def spell(self, text: str) -> str:
        """The text with all digits 0 to 9 replaced by words."""
        text = self._ordinals.sub(self._ordinal, text)
        if self._rules.hours:
            text = self._times.sub(self._time, text)
        text = self._money.sub(self._amount, text)
        return re.sub(_NUMBER, lambda match: f" {self._number(match[0])} ", text)

    @cached_property
    def _ordinals(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![\d.,])([0-9]{{1,6}})\.?({_any_of(self._rules.ordinals)}){_NO_LETTER}")

    @cached_property
    def _times(self) -> re.Pattern[str]:
        return re.compile(r"(?<![\w.,])([0-9]{1,2})\s?h(?:s|([0-9]{2})(?:min)?)?(?!\w)")

    @cached_property
    def _money(self) -> re.Pattern[str]:
        return re.compile(rf"(?<!\w)({_any_of(self._rules.money)})\s*({_NUMBER})(?:\s+({_any_of(self._rules.scales)})\b)?")

    def _ordinal(self, match: re.Match[str]) -> str:
        number = int(match[1])
        if not 0 < number <= self._rules.largest_ordinal:
            return f" {self._integer(match[1])} "
        words = _words(number, self._rules.name, "ordinal")
        if self._rules.ordinals[match[2]]:
            words = re.sub(r"o\b", "a", words)
        return f" {words} "

    def _time(self, match: re.Match[str]) -> str:
        one, many = self._rules.hours or ("", "")
        hours = int(match[1])
        minutes = f" {self._rules.with_parts} {self._integer(match[2])}" if match[2] and int(match[2]) else ""
        # "Hour" is feminine. The folds remove the gender of the other numbers.
        return f" uma {one}{minutes} " if hours == 1 else f" {_words(hours, self._rules.name)} {many}{minutes} "

    def _amount(self, match: re.Match[str]) -> str:
        one, many, cent, cents = self._rules.money[match[1]]
        if match[3]:
            of = self._rules.of if self._rules.scales[match[3]] else ""
            return f" {self._number(match[2])} {match[3]} {of} {many} "
        whole, fraction, _ = self._parts(match[2])
        if whole is None or len(fraction) not in (0, 2):
            return f" {self._number(match[2])} {many} "
        units, parts = int(whole[-_MAX_DIGITS:]), int(fraction or 0)
        of = self._rules.of if units and units % 1_000_000 == 0 else ""
        amounts = [f"{self._integer(whole)} {of} {one if units == 1 else many}"] if units or not parts else []
        amounts += [f"{self._integer(str(parts))} {cent if parts == 1 else cents}"] if parts else []
        return f" {f' {self._rules.with_parts} '.join(amounts)} "

    def _number(self, text: str) -> str:
        whole, fraction, separator = self._parts(text)
        if whole is None:  # 12.03.2024, 1.2.3
            return " ".join(self._integer(part) for part in re.split("[.,]", text))
        if not fraction:
            return self._integer(whole, year=len(text) == 4)
        digit_by_digit = not self._rules.fraction_as_number or len(fraction) > _MAX_FRACTION_DIGITS
        spelled = self._digits(fraction) if digit_by_digit else self._integer(fraction)
        return f"{self._integer(whole)} {self._rules.separators[separator]} {spelled}"

    def _parts(self, text: str) -> tuple[str | None, str, str]:
        """Digits before and after the decimal separator, and the separator. None first if several separators do not group thousands."""
        separators = re.findall("[.,]", text)
        if self._rules.grouped.fullmatch(text):
            group = separators[0]
            whole, _, fraction = text.partition("," if group == "." else ".")
            return whole.replace(group, ""), fraction, "," if group == "." else "."
        if len(separators) > 1:
            return None, "", ""
        whole, _, fraction = text.replace(",", ".").partition(".")
        return whole, fraction, "".join(separators)

    def _integer(self, digits: str, *, year: bool = False) -> str:
        """Leading zeros digit by digit, as in 007, then the number."""
        rest = digits.lstrip("0")
        zeros = [_words(0, self._rules.name)] * (len(digits) - len(rest))
        if not rest:
            return " ".join(zeros)
        if len(rest) > _MAX_DIGITS:
            return self._digits(digits)
        number = int(rest)
        # 1999 is nineteen ninety-nine, and 1500 people are fifteen hundred.
        english_year = year and self._rules.name == "en" and (1100 <= number < 2000 or 2010 <= number < 2100)
        return " ".join([*zeros, _words(number, self._rules.name, "year" if english_year else "cardinal")])

    def _digits(self, digits: str) -> str:
        return " ".join(_words(int(digit), self._rules.name) for digit in digits)


def _any_of(words: Iterable[str]) -> str:
    """A pattern for any of the words, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


@lru_cache(maxsize=100_000)
def _words(number: int, language: str, kind: str = "cardinal") -> str:
    spelled: str = library("num2words").num2words(number, lang=language, to=kind)
    return spelled.replace(",", "")
