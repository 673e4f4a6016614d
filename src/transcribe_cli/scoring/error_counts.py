"""Error counts that can be summed, so that the rate over many files is that of the sums, not a mean of rates."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Self


@dataclass(frozen=True)
class _ErrorCounts:
    """Errors by kind, and the `length` of the reference in the same unit; subclasses declare the fields."""

    def __add__(self, other: Self) -> Self:
        sums = {name: count + getattr(other, name) for name, count in asdict(self).items()}
        return replace(self, **sums)

    @property
    def errors(self) -> float:
        """Sum of all kinds."""
        counts: dict[str, float] = asdict(self)
        return sum(count for name, count in counts.items() if name != "length")

    @property
    def rate(self) -> float | None:
        """Errors divided by the length of the reference; may exceed 1. None if only the hypothesis has content."""
        length: float = asdict(self)["length"]
        if length > 0:
            return self.errors / length
        return None if self.errors > 0 else 0.0

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the rate, and the counts rounded to thousandths."""
        rate = None if self.rate is None else round(self.rate, 6)
        return {"rate": rate} | {name: round(count, 3) for name, count in ({"errors": self.errors} | asdict(self)).items()}


@dataclass(frozen=True)
class EditCounts(_ErrorCounts):
    """Wrong words or characters.

    Attributes:
        length: number of words or characters in the reference.
    """

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    length: int = 0


@dataclass(frozen=True)
class SpeakerErrors(_ErrorCounts):
    """Seconds with wrong speakers; where two speak at once, both count.

    Attributes:
        missed: seconds in which somebody speaks and the hypothesis has nobody.
        false_alarm: seconds in which nobody speaks and the hypothesis has somebody.
        confusion: seconds in which the hypothesis has somebody else.
        length: seconds of speech in the reference, without the collars.
    """

    missed: float = 0.0
    false_alarm: float = 0.0
    confusion: float = 0.0
    length: float = 0.0
