"""Devices, the threads that feed them, and how long a batch that is not full waits for company."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from transcribe_cli.recognition.engines import Engine, Task

# A batch that is not full waits so long for clips of other recordings, in seconds.
LINGER = 0.2
# So long before a device runs out of work the next batch is put together, full or not, in seconds: its features take about that.
HEAD_START = 0.3

Loader = Callable[[], Engine]


@dataclass(eq=False)
class Device:
    """A device: how to load the model onto it, and how it has been doing.

    Attributes:
        pace: seconds for each clip of its last batch; 0 before the first.
        finished: when its last batch was done, on the monotonic clock.
    """

    load: Loader
    engine: Engine
    batch_size: int
    strikes: int = 0
    out: bool = False
    pace: float = 0.0
    finished: float = 0.0

    def done(self, lane: DeviceThread, now: float) -> None:
        """Learn from a batch that is done now: while it stood in line, the device was at another."""
        self.pace = (now - max(lane.began, self.finished)) / len(lane.batch)
        self.finished = now


@dataclass(eq=False)
class DeviceThread:
    """A thread that feeds a device, and the batch it is at since `began`."""

    device: Device
    batch: list[Task] = field(default_factory=list)
    began: float = 0.0
    thread: threading.Thread | None = None


def linger(lane: DeviceThread, lanes: Sequence[DeviceThread], now: float) -> float:
    """Seconds that a batch that is not full waits for company before this lane takes it; all times on the monotonic clock.

    While the device is busy, the batch would only stand in line. It waits until the device is about to run out of work, because what
    joins it costs next to nothing: a call has a price of its own, whatever the number of clips.
    """
    device = lane.device
    ahead = [other for other in lanes if other.device is device and other.batch]
    if len(ahead) < device.engine.replicas:
        return LINGER
    if not device.pace:
        return math.inf
    ends = min(max(other.began, device.finished) + device.pace * len(other.batch) for other in ahead)
    return LINGER if now >= ends - HEAD_START else math.inf
