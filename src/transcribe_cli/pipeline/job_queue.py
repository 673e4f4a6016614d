"""Which job is prepared next, and how far preparation may run ahead of the recognizer."""

from __future__ import annotations

import threading
from bisect import insort
from collections.abc import Iterable, Sequence

from transcribe_cli.plan import Job
from transcribe_cli.sources import Recording

# Audio that a thread may have ready for the recognizer before it starts another recording, in seconds: 115 MB of scratch.
AHEAD_SECONDS = 3600.0


class JobQueue:
    """The jobs of a run, for several threads: even ones take them in the given order, odd ones from the smallest on.

    So neither a six-hour lecture nor fifty voice notes wait for the other.

    Args:
        threads: number of threads, numbered from 0.
        has_later_jobs: whether `feed` will add jobs; otherwise the end of `jobs` is the end.

    Attributes:
        changed: the lock; notified when a thread may continue.
        is_stopped: whether no further jobs are started.
    """

    def __init__(self, jobs: Sequence[Job], threads: int, *, has_later_jobs: bool) -> None:
        self.changed = threading.Condition()
        self.is_stopped = False
        self._in_order = list(enumerate(jobs))[::-1]
        self._by_size = sorted(self._in_order, key=_smallest_last)
        self._count = len(jobs)
        self._has_later_jobs = has_later_jobs
        self._taken: set[int] = set()
        self._ahead = [0.0] * threads
        self._thread_of: dict[int, int] = {}

    def take(self, thread: int) -> tuple[int, Job] | None:
        """Wait until a thread is not too far ahead, and take its next job with its number; None if there is none."""
        queue = self._queue_of(thread)
        with self.changed:
            while True:
                self.changed.wait_for(lambda: self.is_stopped or self._ahead[thread] < AHEAD_SECONDS)
                while queue and not self.is_stopped:
                    number, job = queue.pop()
                    if number not in self._taken:
                        self._taken.add(number)
                        self._thread_of[number] = thread
                        return number, job
                if self.is_stopped or not self._has_later_jobs:
                    return None
                self.changed.wait()

    def peek(self, thread: int) -> Recording | None:
        """The recording that a thread will probably take next."""
        queue = self._queue_of(thread)
        with self.changed:
            return next((job.recording for number, job in reversed(queue) if number not in self._taken), None)

    def feed(self, later_jobs: Iterable[Job]) -> None:
        """Add jobs as they arrive, until the iterator ends."""
        for job in later_jobs:
            with self.changed:
                item = (self._count, job)
                self._count += 1
                self._in_order.insert(0, item)
                insort(self._by_size, item, key=_smallest_last)
                self.changed.notify_all()
        with self.changed:
            self._has_later_jobs = False
            self.changed.notify_all()

    def reserve(self, thread: int, seconds: float) -> None:
        """Count audio that is ready for the recognizer."""
        with self.changed:
            self._ahead[thread] += seconds

    def release(self, number: int, seconds: float) -> None:
        """Count finished audio of a recording."""
        with self.changed:
            self._ahead[self._thread_of[number]] -= seconds
            self.changed.notify_all()

    def stop(self) -> None:
        """Start no further jobs."""
        with self.changed:
            self.is_stopped = True
            self.changed.notify_all()

    def _queue_of(self, thread: int) -> list[tuple[int, Job]]:
        return self._by_size if thread % 2 else self._in_order


def _smallest_last(item: tuple[int, Job]) -> tuple[int, int]:
    number, job = item
    return -job.recording.size, -number
