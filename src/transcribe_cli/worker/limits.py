"""What a worker accepts from its clients, and what one transfer may take of its time."""

from __future__ import annotations

import time
from dataclasses import dataclass

# A transfer may be slow for this long, in seconds: retries, a server that starts slowly.
_GRACE_SECONDS = 120.0
# After that, its mean rate counts, in bytes per second. It is that of a very slow line, 128 kbit/s.
_MIN_BYTES_PER_SECOND = 16_000


@dataclass(frozen=True)
class WorkerLimits:
    """What a worker accepts; `Settings.max_duration` limits the length of a recording.

    Attributes:
        max_bytes: maximum size of a recording.
        max_transfer_seconds: maximum time of a download or an upload, with all retries and redirects.
        allow_private: also connect to private and local addresses.
    """

    max_bytes: int = 5_000_000_000
    max_transfer_seconds: float = 3600.0
    allow_private: bool = False


class Deadline:
    """The end of one transfer, which comes earlier if the transfer is slow on average.

    A timeout of each read alone limits nothing: a server that sends a byte before each timeout holds its job for as long as it likes.
    """

    def __init__(self, max_seconds: float) -> None:
        self._started = time.monotonic()
        self._max_seconds = max_seconds
        self._bytes = 0

    def count(self, transferred: int) -> None:
        """Note bytes that were received or sent."""
        self._bytes += transferred

    def seconds_left(self) -> float:
        """Seconds until the transfer has to end; 0 if it is over."""
        allowed = min(self._max_seconds, _GRACE_SECONDS + self._bytes / _MIN_BYTES_PER_SECOND)
        return max(0.0, self._started + allowed - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the transfer has to end now."""
        return self.seconds_left() <= 0
