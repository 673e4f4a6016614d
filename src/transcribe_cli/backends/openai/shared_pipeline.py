"""One pipeline for all jobs of a run, which arrive one by one: the thread that adds a job waits for its outcome.

So recordings are decoded ahead, their clips share one queue, and speakers are identified as in the local backend, while each job is taken
only when there is capacity for it, as the contract of backends requires.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import closing
from types import TracebackType
from typing import Self

from transcribe_cli.backends.thread_pool import StopFlag
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.pipeline.run import Pipeline
from transcribe_cli.plan import Job

# Interval at which a waiting thread checks whether the run was stopped, in seconds.
_POLL_SECONDS = 0.2


class SharedPipeline:
    """A pipeline in a thread of its own. A context manager, whose end stops the pipeline."""

    def __init__(self, stop: StopFlag) -> None:
        self._stop = stop
        self._jobs: list[Job] = []
        self._results: dict[int, queue.SimpleQueue[Outcome | BaseException]] = {}  # by the id() of the job
        self._end: BaseException | None = None
        self._arriving: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, pipeline: Pipeline) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._work, args=(pipeline,), name="pipeline", daemon=True)
        self._thread.start()

    def job(self, number: int) -> Job:
        """The job with this number in the pipeline."""
        with self._lock:
            return self._jobs[number]

    def run_job(self, job: Job, stop: StopFlag) -> tuple[int, Outcome]:
        """Run a job, and return its number in the pipeline and its outcome.

        Raises:
            NotReady: the pipeline cannot go on.
            Stopped: the run was stopped.
        """
        results: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
        with self._lock:
            if self._end is not None:
                raise self._end
            number = len(self._jobs)
            self._jobs.append(job)
            self._results[id(job)] = results
            self._arriving.put(job)
        while True:
            stop.check()
            try:
                result = results.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if isinstance(result, BaseException):
                raise result
            return number, result

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._arriving.put(None)
        if self._thread is not None:
            self._thread.join()

    def _work(self, pipeline: Pipeline) -> None:
        end: BaseException = RuntimeError("the pipeline has ended")
        try:
            with closing(pipeline.run((), should_stop=lambda: self._stop.is_set, later_jobs=self._arrivals())) as outcomes:
                for outcome in outcomes:
                    with self._lock:
                        results = self._results.pop(id(outcome.job))
                    results.put(outcome)
        except BaseException as error:
            end = error
        with self._lock:
            self._end = end
            for results in self._results.values():
                results.put(end)

    def _arrivals(self) -> Iterator[Job]:
        while (job := self._arriving.get()) is not None:
            yield job
