"""Runs jobs in parallel for a backend that handles one at a time: one thread per job, most of which only wait."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable

from transcribe_cli.backends import ShouldRun, ShouldStop
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Job

# Interval at which the iterator of jobs and `should_stop` are polled, in seconds.
_POLL_SECONDS = 0.5


class Stopped(Exception):
    """The run was stopped; waiting threads end with this."""


class StopFlag:
    """Stops all threads of a run at once."""

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
        """Sleep.

        Raises:
            Stopped: as soon as the run is stopped.
        """
        if self._event.wait(seconds):
            raise Stopped

    def check(self) -> None:
        """Return while the run continues.

        Raises:
            Stopped: the run was stopped.
        """
        self.wait(0.0)


def run_in_threads(
    jobs: Iterable[Job],
    should_run: ShouldRun,
    should_stop: ShouldStop,
    run_job: Callable[[Job, StopFlag], Outcome],
    max_threads: int,
    stop: StopFlag,
) -> Generator[Outcome]:
    """Run jobs in up to `max_threads` threads, and yield their outcomes as they finish.

    Closing the generator sets `stop`, which all threads check, and waits for them. The iterating thread takes the jobs and calls
    `should_run`. What `run_job` raises is raised here, after the other threads were stopped.
    """
    results: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
    threads: set[threading.Thread] = set()

    def work(job: Job) -> None:
        try:
            results.put(run_job(job, stop))
        except BaseException as error:
            results.put(error)

    pending = iter(jobs)
    running = 0
    try:
        while True:
            while running < max_threads and (job := next(pending, None)) is not None:
                if should_run(job):
                    thread = threading.Thread(target=work, args=(job,), name="remote-job", daemon=True)
                    threads = {other for other in threads if other.is_alive()} | {thread}
                    thread.start()
                    running += 1
            if not running or should_stop():
                return
            try:
                result = results.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue  # the iterator may have new jobs, such as retries
            running -= 1
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        stop.set()
        for thread in threads:
            thread.join()
