"""Devices, the threads that feed them, and how long a partial batch waits for more clips."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from transcribe_cli.recognition.engines import Engine, Task

# A partial batch waits this long for clips of other recordings, in seconds.
BATCH_WAIT = 0.2
# The next batch is put together this long before a device runs out of work, full or not, in seconds: computing its features takes
# about that.
HEAD_START = 0.3

EngineLoader = Callable[[], Engine]


@dataclass(eq=False)
class Device:
    """A device: how to load the model onto it, and how it performs.

    Attributes:
        is_removed: whether it failed and is no longer used.
        pace: seconds for each clip of its last batch; 0 before the first.
        finished: when its last batch finished, on the monotonic clock.
    """

    load: EngineLoader
    engine: Engine
    batch_size: int
    consecutive_failures: int = 0
    is_removed: bool = False
    pace: float = 0.0
    finished: float = 0.0

    def record_batch(self, thread: DeviceThread, now: float) -> None:
        """Update the pace after a batch that finished now. The time that it was queued behind another batch does not count."""
        self.pace = (now - max(thread.began, self.finished)) / len(thread.batch)
        self.finished = now


@dataclass(eq=False)
class DeviceThread:
    """A thread that feeds a device, and the batch that it has been working on since `began`."""

    device: Device
    batch: list[Task] = field(default_factory=list)
    began: float = 0.0
    thread: threading.Thread | None = None


def batch_wait(thread: DeviceThread, threads: Sequence[DeviceThread], now: float) -> float:
    """Seconds that a partial batch waits for more clips before this thread takes it; all times on the monotonic clock.

    While the device is busy, the batch would only be queued. It waits until the device is about to run out of work: clips that join
    meanwhile cost next to nothing, because every call has a fixed cost, whatever the number of clips.
    """
    device = thread.device
    busy = [other for other in threads if other.device is device and other.batch]
    if len(busy) < device.engine.replicas:
        return BATCH_WAIT
    if not device.pace:
        return math.inf
    next_end = min(max(other.began, device.finished) + device.pace * len(other.batch) for other in busy)
    return BATCH_WAIT if now >= next_end - HEAD_START else math.inf
