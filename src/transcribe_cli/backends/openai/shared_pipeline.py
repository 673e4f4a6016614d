"""One pipeline for all jobs of a run that come one after the other: whoever brings a job waits for its outcome.

So recordings are decoded ahead, their clips share one queue, and speakers are found out, as on this machine, while each job is taken only
when there is room for it, as backends must.
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

# How often somebody who waits looks whether the run was stopped, in seconds.
_LOOK_SECONDS = 0.2


class Feed:
    """A pipeline in a thread of its own; use inside `with`, whose end stops it."""

    def __init__(self, stop: StopFlag) -> None:
        self._stop = stop
        self._jobs: list[Job] = []
        self._waiting: dict[int, queue.SimpleQueue[Outcome | BaseException]] = {}  # by the job's identity as an object
        self._ended: BaseException | None = None
        self._arriving: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, pipeline: Pipeline) -> None:
        """Begin to work."""
        self._thread = threading.Thread(target=self._work, args=(pipeline,), name="pipeline", daemon=True)
        self._thread.start()

    def job(self, number: int) -> Job:
        """The job that the pipeline calls by this number."""
        with self._lock:
            return self._jobs[number]

    def carry_out(self, job: Job, stop: StopFlag) -> tuple[int, Outcome]:
        """The pipeline's number for a job, and its outcome.

        Raises:
            NotReady: nothing more can be done.
            Stopped: the run was stopped.
        """
        came: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
        with self._lock:
            if self._ended is not None:
                raise self._ended
            number = len(self._jobs)
            self._jobs.append(job)
            self._waiting[id(job)] = came
            self._arriving.put(job)
        while True:
            stop.check()
            try:
                outcome = came.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue
            if isinstance(outcome, BaseException):
                raise outcome
            return number, outcome

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._arriving.put(None)
        if self._thread is not None:
            self._thread.join()

    def _work(self, pipeline: Pipeline) -> None:
        ended: BaseException = RuntimeError("the pipeline has ended")
        try:
            with closing(pipeline.run((), should_stop=lambda: self._stop.is_set, later_jobs=self._arrivals())) as outcomes:
                for outcome in outcomes:
                    with self._lock:
                        came = self._waiting.pop(id(outcome.job))
                    came.put(outcome)
        except BaseException as error:
            ended = error
        with self._lock:
            self._ended = ended
            for came in self._waiting.values():
                came.put(ended)

    def _arrivals(self) -> Iterator[Job]:
        while (job := self._arriving.get()) is not None:
            yield job
