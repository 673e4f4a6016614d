"""Many jobs at once in a place that takes one at a time: a thread for each, most of which only wait."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable

from transcribe_cli.backends import ShouldRun, ShouldStop
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Job

# How often somebody looks for jobs that came later, in seconds.
_LOOK_SECONDS = 0.5


class Stopped(Exception):
    """The run was stopped: whoever waits ends."""


class StopFlag:
    """Told to all threads of a run at once."""

    def __init__(self) -> None:
        self._event = threading.Event()

    @property
    def is_set(self) -> bool:
        """Whether the run was stopped."""
        return self._event.is_set()

    def set(self) -> None:
        """Stop the run."""
        self._event.set()

    def wait(self, seconds: float) -> None:
        """Wait.

        Raises:
            Stopped: at once when the run is stopped.
        """
        if self._event.wait(seconds):
            raise Stopped

    def check(self) -> None:
        """Go on, or not.

        Raises:
            Stopped: the run was stopped.
        """
        self.wait(0.0)


def run_in_threads(
    jobs: Iterable[Job],
    should_run: ShouldRun,
    should_stop: ShouldStop,
    do: Callable[[Job, StopFlag], Outcome],
    width: int,
    stop: StopFlag,
) -> Generator[Outcome]:
    """Do jobs in up to `width` threads, and yield their outcomes as they finish.

    Closing the generator sets `stop`, which all threads check, and waits for them. The iterating thread takes the jobs and calls
    `should_run`. What `do` raises is raised here, after the other threads were stopped.
    """
    finished: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
    threads: set[threading.Thread] = set()

    def work(job: Job) -> None:
        try:
            finished.put(do(job, stop))
        except BaseException as error:
            finished.put(error)

    row = iter(jobs)
    running = 0
    try:
        while True:
            while running < width and (job := next(row, None)) is not None:
                if should_run(job):
                    thread = threading.Thread(target=work, args=(job,), name="elsewhere", daemon=True)
                    threads = {other for other in threads if other.is_alive()} | {thread}
                    thread.start()
                    running += 1
            if not running or should_stop():
                return
            try:
                came = finished.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue  # the iterator may have jobs again that it had not
            running -= 1
            if isinstance(came, BaseException):
                raise came
            yield came
    finally:
        stop.set()
        for thread in threads:
            thread.join()
