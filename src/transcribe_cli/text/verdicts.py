"""The verdict on a transcript as displays need it: can the text be trusted, and if not, why and where.

The verdict is `quality` in the JSON. Anybody may have written that file, so the texts here are not safe to print: whoever shows
them escapes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

Level = Literal["check", "bad"]
Verdict = Literal["good", "check", "bad"]
VERDICTS: tuple[Verdict, ...] = ("good", "check", "bad")

Span = tuple[float, float]

# Of a document, so many are kept: the checks of this program give a dozen. Others may have written a million, which would go into
# every event, list and ledger.
MAX_REASONS = 100
MAX_SPANS = 1000
MAX_CHARACTERS = 1000


class _Reason(Protocol):
    """A reason in a document."""

    @property
    def code(self) -> str: ...
    @property
    def level(self) -> Level: ...
    @property
    def detail(self) -> str: ...
    @property
    def spans(self) -> Sequence[Span]: ...


@dataclass(frozen=True)
class Doubt:
    """A reason not to trust a transcript.

    Attributes:
        code: a stable name for programs.
        level: bad if the text is probably wrong, check if a person should look.
        detail: a sentence for people.
        spans: where, as start and end in seconds; () for the whole recording.
    """

    code: str
    level: Level
    detail: str
    spans: tuple[Span, ...] = ()

    @property
    def start(self) -> float:
        """The first place to look at, in seconds."""
        return min((start for start, _ in self.spans), default=0.0)


def _doubt(reason: _Reason) -> Doubt:
    return Doubt(reason.code[:MAX_CHARACTERS], reason.level, reason.detail[:MAX_CHARACTERS], tuple(reason.spans[:MAX_SPANS]))


@dataclass(frozen=True)
class Assessment:
    """A verdict with its reasons, the worst first. The verdict is None if the document has none, as in earlier versions."""

    verdict: Verdict | None = None
    reasons: tuple[Doubt, ...] = ()

    @classmethod
    def of(cls, verdict: Verdict | None, reasons: Iterable[_Reason]) -> Assessment:
        """The assessment in a document. What exceeds the limits above is left out, the least important first."""
        worst = sorted(reasons, key=lambda reason: reason.level != "bad")[:MAX_REASONS]
        return cls(verdict, tuple(_doubt(reason) for reason in worst))

    @property
    def is_doubtful(self) -> bool:
        """Whether a person should look."""
        return self.verdict in ("check", "bad")

    def reaches(self, level: Level | None) -> bool:
        """Whether the verdict is this one or a worse one; never without a level or a verdict."""
        return level is not None and self.is_doubtful and (level == "check" or self.verdict == "bad")

    @property
    def severity(self) -> tuple[bool, int, int, float, int]:
        """Greater for worse ones: the verdict, then the reasons that are bad, those about all of it, their seconds, their number."""
        return (
            self.verdict == "bad",
            sum(doubt.level == "bad" for doubt in self.reasons),
            sum(not doubt.spans for doubt in self.reasons),
            sum(max(0.0, end - start) for doubt in self.reasons for start, end in doubt.spans),
            len(self.reasons),
        )


@dataclass(frozen=True)
class DoubtfulRecording:
    """A recording that a person should look at. `recording` is its label, as in events."""

    recording: str
    verdict: Verdict | None
    reasons: tuple[Doubt, ...]


T = TypeVar("T")


def worst_first(assessed: Iterable[tuple[T, Assessment]]) -> list[tuple[T, Assessment]]:
    """Those that are doubtful, the worst first; equal ones keep their order."""
    doubtful = [(item, assessment) for item, assessment in assessed if assessment.is_doubtful]
    return sorted(doubtful, key=lambda entry: entry[1].severity, reverse=True)
