"""The lower bound on a machine: only encoding, generation and alignment, with precomputed features, for the clips of our pipeline.

It is our unmodified engine with the same number of threads. Reads the work from standard input: `python -m benchmarks.floor`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.work import Answer, Work
from transcribe_cli import api
from transcribe_cli.recognition.engines import Attempt, Clip, ClipResult, Task
from transcribe_cli.recognition.engines.faster_whisper import FasterWhisper
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec

_NOTHING = Attempt((), "", 0.0, 0.0, 0.0, 0.0)


class _Collector:
    """An engine that only computes and stores the features."""

    model, device, concurrency, replicas, batch_size = "collector", "cpu", 1, 1, 16

    def __init__(self, real: FasterWhisper) -> None:
        self._real = real
        self.features: dict[Clip, NDArray[np.float32]] = {}

    def check(self, spec: JobSpec) -> None:
        """Accept every spec."""

    def recognize(self, tasks: Sequence[Task]) -> list[ClipResult]:
        """Store the features, and return empty results."""
        clips = [task.clip for task in tasks]
        self.features |= zip(clips, self._real._features(clips), strict=True)
        return [ClipResult(clip, _NOTHING) for clip in clips]


def _serve(engine: FasterWhisper, tasks: list[Task], lock: threading.Lock) -> None:
    """Recognize until no task is left. Tasks for the next temperature go to the end of the queue."""
    while True:
        with lock:
            same = [task for task in tasks if len(task.attempts) == len(tasks[0].attempts)][: engine.batch_size]
            for task in same:
                tasks.remove(task)
        if not same:
            return
        answer = engine.recognize(same)
        with lock:
            tasks += [item for item in answer if isinstance(item, Task)]


def main() -> None:
    """Compute the features for the work on standard input, then time the rest."""
    work = Work.received()
    spec = JobSpec(**work.spec | {"rescue": False})
    engine = FasterWhisper.load(work.folder, Settings(device=work.device, compute_type=work.compute_type))[0]()
    collector = _Collector(engine)
    api.engine_loaders = lambda spec, settings: [lambda: collector]
    outcomes = list(api.transcribe(work.files, spec, Settings(device=work.device)))
    assert not any(outcome.error for outcome in outcomes)
    engine._features = lambda clips: np.stack([collector.features[clip] for clip in clips]) if clips else np.zeros((0, 1, 1))
    tasks, lock = [Task(clip) for clip in collector.features], threading.Lock()
    threads = [threading.Thread(target=_serve, args=(engine, tasks, lock)) for _ in range(engine.concurrency)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    Answer(time.perf_counter() - began, clips=len(collector.features)).give()


if __name__ == "__main__":
    main()
