"""The queue that all device threads share: tasks that wait, recordings that were discarded, and the lock for both."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from weakref import WeakSet

from transcribe_cli.audio import Waveform
from transcribe_cli.recognition.batching import ClipQueue
from transcribe_cli.recognition.device_threads import BATCH_WAIT, DeviceThread, batch_wait
from transcribe_cli.recognition.engines import Task


class TaskQueue:
    """Tasks waiting for a device; thread-safe.

    Attributes:
        changed: the lock, also held while a device is removed or a batch changes hands; notified when tasks arrive or the queue closes.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._waiting = ClipQueue()
        self._discarded: WeakSet[Waveform] = WeakSet()
        self._is_closed = self._is_finished = False

    def put(self, tasks: Sequence[Task], *, isolate: bool = False) -> None:
        """Add tasks, except those of discarded recordings; with `isolate`, each batch of them holds a single recording."""
        with self.changed:
            self._waiting.add((task for task in tasks if task.clip.waveform not in self._discarded), isolate=isolate)
            self.changed.notify_all()

    def take(self, thread: DeviceThread, threads: Sequence[DeviceThread]) -> list[Task]:
        """Wait for the next batch of a device thread, and assign it; [] when the queue is closed or the device is removed."""
        with self.changed:
            while not (self._is_closed or thread.device.is_removed):
                now = time.monotonic()
                wait = 0.0 if self._is_finished else batch_wait(thread, threads, now)
                if batch := self._waiting.take(thread.device.batch_size, batch_wait=wait):
                    thread.batch, thread.began = batch, now
                    return batch
                self.changed.wait(BATCH_WAIT if self._waiting else None)
        return []

    def discard(self, recording: Waveform) -> None:
        """Drop the tasks of a recording, now and later."""
        with self.changed:
            self._discarded.add(recording)
            self._waiting.discard(recording)

    def is_discarded(self, recording: Waveform) -> bool:
        """Whether the tasks of a recording are dropped."""
        return recording in self._discarded

    def finish(self) -> None:
        """No more recordings will arrive, so partial batches go at once."""
        with self.changed:
            self._is_finished = True
            self.changed.notify_all()

    def close(self) -> None:
        """Stop all threads that wait for a batch."""
        with self.changed:
            self._is_closed = True
            self.changed.notify_all()
