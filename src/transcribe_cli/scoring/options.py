"""The options of scoring: one frozen value that is validated in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass

from transcribe_cli.errors import UsageError
from transcribe_cli.text.languages import language_code

METRICS = ("wer", "cer", "der", "cpwer")
# Seconds on each side of a border, as in NIST's Rich Transcription evaluations.
COLLAR = 0.25


@dataclass(frozen=True)
class Options:
    """What to measure, and how texts are compared.

    Attributes:
        language: whose conventions normalize all texts. Default: that of each JSON, or Portuguese.
        normalize: whether to normalize case, punctuation, numbers and abbreviations first.
        collar: seconds on each side of the borders of reference turns that are not scored.
        metrics: from `METRICS`; () measures what both sides allow.
        differences: number of places with most errors to list for each recording.
    """

    language: str | None = None
    normalize: bool = True
    collar: float = COLLAR
    metrics: tuple[str, ...] = ()
    differences: int = 0

    @classmethod
    def parse(cls, language: str, collar: float, metrics: str, *, normalize: bool, differences: int) -> Options:
        """Parse what the user typed: the code or name of a language, and a comma-separated list of metrics; "" is the default.

        Raises:
            UsageError: a value is invalid.
        """
        try:
            code = language_code(language)
        except ValueError as error:
            raise UsageError(f"--language: {error}.") from error
        if not (math.isfinite(collar) and 0 <= collar <= 10):
            raise UsageError(f"--collar must be from 0 to 10 seconds, not {collar}.")
        names = tuple(dict.fromkeys(name.strip().lower() for name in metrics.split(",") if name.strip()))
        if unknown := [name for name in names if name not in METRICS]:
            raise UsageError(f"Unknown metric {unknown[0]!r}.", f"Choose from: {', '.join(METRICS)}.")
        return cls(code, normalize, collar, names, differences)
