"""A price: per hour of a machine or per hour of audio, with its date and source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

CURRENCY = "USD"


@dataclass(frozen=True)
class Price:
    """The price of an hour in USD.

    Attributes:
        source: an address, a file or an option.
        as_of: the date of the price; None if it is not known.
        per_hour: price per billed hour of a machine; None if audio is charged.
        per_audio_hour: price per hour of audio, independent of the processing time; None if time is charged.
    """

    source: str
    as_of: date | None = None
    per_hour: float | None = None
    per_audio_hour: float | None = None

    def __str__(self) -> str:
        """Such as `$1.12/h` or `$0.36/h of audio`."""
        hour, unit = (self.per_hour, "") if self.per_audio_hour is None else (self.per_audio_hour, " of audio")
        amount = f"{hour or 0.0:.4f}".rstrip("0")
        return f"${amount}{'0' * (2 - len(amount.partition('.')[2]))}/h{unit}"

    def amount(self, *, seconds: float, audio_seconds: float) -> float:
        """USD for `seconds` of a machine, or for `audio_seconds` of audio, whichever is charged."""
        if self.per_audio_hour is not None:
            return self.per_audio_hour * audio_seconds / 3600
        return (self.per_hour or 0.0) * seconds / 3600
