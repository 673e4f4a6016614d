"""Each recording's share of a run's wall time, so that the shares of all recordings add up to it.

At each instant some threads work: on a recording that is prepared or diarized, or on the clips of a batch. They share the instant
equally, and each passes its part on to its recordings, by clip. An instant at which no thread works, such as while the model loads,
belongs to the recordings in progress, equally; without any, to those that follow.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum, auto


class Stage(StrEnum):
    """What a thread does for a recording. Its value is the name of its field in `TimeShare`."""

    PREPARE = auto()
    RECOGNIZE = auto()
    DIARIZE = auto()
    WAIT = auto()


@dataclass
class TimeShare:
    """A recording's share of the wall time of a run by stage, in seconds; `wait` is loading, and waiting for other threads."""

    prepare: float = 0.0
    recognize: float = 0.0
    diarize: float = 0.0
    wait: float = 0.0

    @property
    def total(self) -> float:
        """All of it."""
        return self.prepare + self.recognize + self.diarize + self.wait

    def add(self, stage: Stage, seconds: float) -> None:
        """Add time of a stage."""
        setattr(self, stage.value, getattr(self, stage.value) + seconds)


class TimeShares:
    """Shares the wall time from now on. Thread-safe.

    Args:
        keeps_idle: whether time without a recording in progress is kept for the next one. Otherwise it belongs to none, as that of
            a worker that waits for jobs.
        clock: seconds.
    """

    def __init__(self, *, keeps_idle: bool = True, clock: Callable[[], float] = time.perf_counter) -> None:
        self._keeps_idle = keeps_idle
        self._clock = clock
        self._lock = threading.Lock()
        self._counted_until = clock()
        self._idle = 0.0
        self._shares: dict[int, TimeShare] = {}
        self._working: dict[object, tuple[Stage, Sequence[int]]] = {}

    def start(self, number: int) -> None:
        """A recording is in progress from now on; nothing changes if it already is."""
        with self._lock:
            self._count()
            self._shares.setdefault(number, TimeShare())

    def end(self, number: int) -> TimeShare:
        """The share of a recording, which is no longer in progress. Work on it that goes on belongs to no other recording."""
        with self._lock:
            self._count()
            return self._shares.pop(number, TimeShare())

    @contextmanager
    def working(self, stage: Stage, numbers: Sequence[int]) -> Iterator[None]:
        """While a thread works on these recordings; a recording with several clips in a batch is named once for each."""
        thread = object()
        with self._lock:
            self._count()
            self._working[thread] = stage, numbers
        try:
            yield
        finally:
            with self._lock:
                self._count()
                del self._working[thread]

    def _count(self) -> None:
        """Share the time since the last call."""
        now = self._clock()
        seconds, self._counted_until = now - self._counted_until + self._idle, now
        self._idle = 0.0
        working = list(self._working.values())
        if not working:
            if not self._shares:
                self._idle = seconds if self._keeps_idle else 0.0
                return
            working = [(Stage.WAIT, tuple(self._shares))]
        for stage, numbers in working:
            for number in numbers:
                if (share := self._shares.get(number)) is not None:
                    share.add(stage, seconds / len(working) / len(numbers))
