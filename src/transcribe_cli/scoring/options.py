"""How to score, as one frozen value that is checked in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass

from transcribe_cli.errors import UsageError
from transcribe_cli.text.languages import language_code

METRICS = ("wer", "cer", "der", "cpwer")
# NIST's, in the Rich Transcription evaluations: seconds on each side of a border.
COLLAR = 0.25


@dataclass(frozen=True)
class Options:
    """What to measure and what counts as the same.

    Attributes:
        language: whose conventions normalise all texts; None takes each JSON's own, and Portuguese where none is said.
        normalize: whether case, punctuation, numbers and abbreviations are made the same first.
        collar: seconds on each side of a turn's borders in the reference that are not scored.
        metrics: of `METRICS`; () measures what both sides have.
        differences: how many places with most errors to show of each recording.
    """

    language: str | None = None
    normalize: bool = True
    collar: float = COLLAR
    metrics: tuple[str, ...] = ()
    differences: int = 0

    @classmethod
    def parse(cls, language: str, collar: float, metrics: str, *, normalize: bool, differences: int) -> Options:
        """From what the user typed: a language's code or name, a comma list of metrics; "" where nothing was.

        Raises:
            UsageError: a value that cannot be meant.
        """
        try:
            code = language_code(language)
        except ValueError as error:
            raise UsageError(f"--language: {error}.") from error
        if not (math.isfinite(collar) and 0 <= collar <= 10):
            raise UsageError(f"--collar is seconds from 0 to 10, not {collar}.")
        names = tuple(dict.fromkeys(name.strip().lower() for name in metrics.split(",") if name.strip()))
        if unknown := [name for name in names if name not in METRICS]:
            raise UsageError(f"No metric is called {unknown[0]!r}.", f"There are: {', '.join(METRICS)}.")
        return cls(code, normalize, collar, names, differences)
