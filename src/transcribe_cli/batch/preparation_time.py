"""The time of a run before its backend works: checks, models that are looked for, recovery. Its recordings share it equally."""

from __future__ import annotations

import time
from collections.abc import Callable


class PreparationTime:
    """Counts the time in which the backend does not work, from the start of the run. Used by one thread.

    Attributes:
        per_recording: seconds for each recording that the backend works on now.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._from = clock()
        self.per_recording = 0.0

    def work_begins(self, recordings: int) -> None:
        """The backend works on this many recordings from now on."""
        self.per_recording = (self._clock() - self._from) / recordings

    def work_ends(self) -> None:
        """The backend has finished or was stopped."""
        self._from = self._clock()

    def exclude(self, seconds: float) -> None:
        """This time was spent on a recording that needs no backend, and counts for that one."""
        self._from += seconds
