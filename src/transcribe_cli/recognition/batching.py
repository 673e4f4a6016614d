"""Which clips form the next batch: those that share spec, language and temperature, from as many recordings as possible.

A batch takes one clip from each recording in turn, so that fifty voice notes do not wait for a six-hour lecture, and the lecture does
not wait for them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from transcribe_cli.audio import Waveform
from transcribe_cli.recognition.engines import Task
from transcribe_cli.spec import JobSpec

# A group too small for a full batch runs after this many batches of other groups, so no recording waits until the end of the run.
MAX_PASSED_BATCHES = 4

# Spec, language ("" requests detection), window in seconds, number of attempts so far, and the recording when its tasks must not be
# batched with those of others.
_Key = tuple[JobSpec, str, int, int, Waveform | None]


@dataclass(eq=False)
class _Group:
    """Tasks that may share a batch, by recording. `since` is when the oldest arrived; `passed` counts the batches taken before it."""

    since: float
    passed: int = 0
    recordings: dict[Waveform, deque[Task]] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(len(tasks) for tasks in self.recordings.values())

    def take(self, size: int) -> list[Task]:
        """Up to `size` tasks, one from each recording in turn; a recording that supplied one moves to the end."""
        taken: list[Task] = []
        while self.recordings and len(taken) < size:
            recording = next(iter(self.recordings))
            tasks = self.recordings.pop(recording)
            taken.append(tasks.popleft())
            if tasks:
                self.recordings[recording] = tasks
        return taken


class ClipQueue:
    """Tasks waiting for a device. Not thread-safe; see `task_queue`."""

    def __init__(self) -> None:
        self._groups: dict[_Key, _Group] = {}

    def __bool__(self) -> bool:
        return bool(self._groups)

    def add(self, tasks: Iterable[Task], *, isolate: bool = False) -> None:
        """Add tasks; with `isolate`, each batch of them holds a single recording."""
        for task in tasks:
            clip = task.clip
            key = (clip.spec, clip.language, clip.window_seconds, len(task.attempts), clip.waveform if isolate else None)
            group = self._groups.setdefault(key, _Group(time.monotonic()))
            group.recordings.setdefault(clip.waveform, deque()).append(task)

    def take(self, size: int, *, batch_wait: float = 0.0) -> list[Task]:
        """Take the next batch of up to `size` tasks; [] while more should be waited for.

        Full batches go first, unless a group was passed over too often. A batch that is not full goes once its oldest task has waited
        `batch_wait` seconds.
        """
        key = self._next_key(size, time.monotonic() - batch_wait)
        if key is None:
            return []
        group = self._groups.pop(key)
        batch = group.take(_max_batch_size(key, size))
        for other in self._groups.values():
            other.passed += 1
        if len(group):
            self._groups[key] = _Group(time.monotonic(), recordings=group.recordings)
        return batch

    def discard(self, recording: Waveform) -> None:
        """Drop all tasks of a recording."""
        for key, group in list(self._groups.items()):
            group.recordings.pop(recording, None)
            if not len(group):
                del self._groups[key]

    def _next_key(self, size: int, ready_since: float) -> _Key | None:
        for key, group in self._groups.items():
            if group.passed >= MAX_PASSED_BATCHES:
                return key
        full = [key for key, group in self._groups.items() if len(group) >= _max_batch_size(key, size)]
        ready = full or [key for key, group in self._groups.items() if group.since <= ready_since]
        return min(ready, key=lambda key: self._groups[key].since, default=None)


def _max_batch_size(key: _Key, size: int) -> int:
    """The tasks that a batch may hold: one where a recording is read sequentially, because batching gains nothing there."""
    return 1 if key[0].sequential and key[1] else size
