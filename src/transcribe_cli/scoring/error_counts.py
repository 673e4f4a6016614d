"""Error counts that can be added up, so that the rate of many files is that of their sum and not a mean of their rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class EditCounts:
    """Words or characters that are wrong.

    Attributes:
        length: words or characters of the reference.
    """

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    length: int = 0

    def __add__(self, other: EditCounts) -> EditCounts:
        return EditCounts(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.length + other.length,
        )

    @property
    def errors(self) -> int:
        """All three kinds."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """Errors for each word of the reference; it may pass 1. None when there is no word there and one here."""
        return _rate(self.errors, self.length)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "rate": _rounded(self.rate, 6),
            "errors": self.errors,
            "substitutions": self.substitutions,
            "deletions": self.deletions,
            "insertions": self.insertions,
            "length": self.length,
        }


@dataclass(frozen=True)
class SpeakerErrors:
    """Seconds in which somebody else speaks than is said; where two speak at once, both count.

    Attributes:
        missed: somebody speaks and nobody is named.
        false_alarm: somebody is named and nobody speaks.
        confusion: somebody else is named.
        length: what is spoken in the reference, without the collars.
    """

    missed: float = 0.0
    false_alarm: float = 0.0
    confusion: float = 0.0
    length: float = 0.0

    def __add__(self, other: SpeakerErrors) -> SpeakerErrors:
        return SpeakerErrors(
            self.missed + other.missed,
            self.false_alarm + other.false_alarm,
            self.confusion + other.confusion,
            self.length + other.length,
        )

    @property
    def errors(self) -> float:
        """All three kinds."""
        return self.missed + self.false_alarm + self.confusion

    @property
    def rate(self) -> float | None:
        """Wrong seconds for each second spoken; it may pass 1. None when nobody speaks there and somebody here."""
        return _rate(self.errors, self.length)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "rate": _rounded(self.rate, 6),
            "errors": _rounded(self.errors, 3),
            "missed": _rounded(self.missed, 3),
            "false_alarm": _rounded(self.false_alarm, 3),
            "confusion": _rounded(self.confusion, 3),
            "length": _rounded(self.length, 3),
        }


def _rate(errors: float, length: float) -> float | None:
    if length > 0:
        return errors / length
    return None if errors > 0 else 0.0


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
