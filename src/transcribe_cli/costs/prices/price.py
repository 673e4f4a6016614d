"""A price: for an hour of a machine, or for an hour of audio, with the day from which it is known and where it was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

CURRENCY = "USD"


@dataclass(frozen=True)
class Price:
    """What an hour costs in USD.

    Attributes:
        source: where it was read: an address, a file, an option.
        as_of: the day from which it is known; None where nobody said.
        per_hour: of a machine, while it is billed; None where audio is what is paid for.
        per_audio_hour: of audio, however long it takes; None where time is what is paid for.
    """

    source: str
    as_of: date | None = None
    per_hour: float | None = None
    per_audio_hour: float | None = None

    def __str__(self) -> str:
        """`$1.12/h`, `$0.36/h of audio`."""
        hour, of_what = (self.per_hour, "") if self.per_audio_hour is None else (self.per_audio_hour, " of audio")
        amount = f"{hour or 0.0:.4f}".rstrip("0")
        return f"${amount}{'0' * (2 - len(amount.partition('.')[2]))}/h{of_what}"

    def amount(self, *, seconds: float, audio_seconds: float) -> float:
        """USD for a machine used for so many seconds, or for so much audio."""
        if self.per_audio_hour is not None:
            return self.per_audio_hour * audio_seconds / 3600
        return (self.per_hour or 0.0) * seconds / 3600
