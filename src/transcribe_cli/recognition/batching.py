"""Which clips make the next batch: those that share spec, language and temperature, from as many recordings as there are.

A batch takes one clip of each recording in turn, so that fifty voice notes do not wait for a lecture of six hours, nor it for them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from transcribe_cli.audio import Waveform
from transcribe_cli.recognition.engines import Task
from transcribe_cli.spec import JobSpec

# A group that did not fill a batch is recognized after this many batches of others: no recording waits for the run's end.
PATIENCE_BATCHES = 4

# Spec, language ("" asks for it), seconds shown, rung of the ladder, and the recording where tasks of one must not meet others'.
_Key = tuple[JobSpec, str, int, int, Waveform | None]


@dataclass(eq=False)
class _Group:
    """Tasks that may share a batch, by recording. `since` is when the oldest came; `passed` how many batches went before it."""

    since: float
    passed: int = 0
    recordings: dict[Waveform, deque[Task]] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(len(tasks) for tasks in self.recordings.values())

    def take(self, size: int) -> list[Task]:
        """Up to `size` tasks, one of each recording in turn; whoever gave goes to the end of the row."""
        taken: list[Task] = []
        while self.recordings and len(taken) < size:
            recording = next(iter(self.recordings))
            tasks = self.recordings.pop(recording)
            taken.append(tasks.popleft())
            if tasks:
                self.recordings[recording] = tasks
        return taken


class Waiting:
    """Tasks that wait for a device; not for several threads at a time."""

    def __init__(self) -> None:
        self._groups: dict[_Key, _Group] = {}

    def __bool__(self) -> bool:
        return bool(self._groups)

    def add(self, tasks: Iterable[Task], *, alone: bool = False) -> None:
        """Tasks to be recognized; `alone`, in batches of one recording each."""
        for task in tasks:
            clip = task.clip
            key = (clip.spec, clip.language, clip.window, len(task.attempts), clip.waveform if alone else None)
            group = self._groups.setdefault(key, _Group(time.monotonic()))
            group.recordings.setdefault(clip.waveform, deque()).append(task)

    def take(self, size: int, *, linger: float = 0.0) -> list[Task]:
        """The next batch of up to `size` tasks; [] while it is worth waiting for more.

        A full batch goes first, unless a group was passed over too often; one that is not full goes once its oldest task has waited
        for `linger` seconds.
        """
        key = self._next(size, time.monotonic() - linger)
        if key is None:
            return []
        group = self._groups.pop(key)
        batch = group.take(_most(key, size))
        for other in self._groups.values():
            other.passed += 1
        if len(group):
            self._groups[key] = _Group(time.monotonic(), recordings=group.recordings)
        return batch

    def forget(self, recording: Waveform) -> None:
        """Drop what a recording still has here."""
        for key, group in list(self._groups.items()):
            group.recordings.pop(recording, None)
            if not len(group):
                del self._groups[key]

    def _next(self, size: int, before: float) -> _Key | None:
        for key, group in self._groups.items():
            if group.passed >= PATIENCE_BATCHES:
                return key
        full = [key for key, group in self._groups.items() if len(group) >= _most(key, size)]
        ripe = full or [key for key, group in self._groups.items() if group.since <= before]
        return min(ripe, key=lambda key: self._groups[key].since, default=None)


def _most(key: _Key, size: int) -> int:
    """How many tasks a batch may have: one where a recording is read sequentially, which nothing is gained by sharing."""
    return 1 if key[0].sequential and key[1] else size
