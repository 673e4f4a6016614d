"""What happens when a batch or a device fails.

A failed batch costs at most one recording. It is retried in batches of one recording each, and a recording that fails again fails. A
device that fails several times in a row is removed, and so is one that stops responding. Its batches go to other devices, or to the
same device after the model is reloaded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from transcribe_cli.errors import DeviceUnavailable, NotReady, RecognitionFailed, TranscribeError
from transcribe_cli.events import Emit, Notice
from transcribe_cli.recognition.device_loading import first_line
from transcribe_cli.recognition.device_threads import Device, DeviceThread
from transcribe_cli.recognition.engines import DeviceOutOfMemory, Task
from transcribe_cli.recognition.messages import AllDevicesFailed, ClipFailed
from transcribe_cli.recognition.task_queue import TaskQueue

# Batches of a device that may fail in a row before it is removed.
MAX_CONSECUTIVE_FAILURES = 5


class FailureHandler:
    """Decides what is retried, which recording fails, and which device is removed.

    Args:
        devices: of the run; a reloaded device is added by `start`.
        threads: of all devices.
        start: starts the threads of a reloaded device.
        deliver: receives `ClipFailed` and `AllDevicesFailed`, from any thread.
    """

    def __init__(
        self,
        queue: TaskQueue,
        devices: Sequence[Device],
        threads: Sequence[DeviceThread],
        start: Callable[[Device], None],
        deliver: Callable[[ClipFailed | AllDevicesFailed], None],
        emit: Emit,
    ) -> None:
        self._queue = queue
        self._devices = devices
        self._threads = threads
        self._start = start
        self._deliver = deliver
        self._emit = emit

    def batch_failed(self, device: Device, batch: Sequence[Task], error: Exception) -> None:
        """Handle an error that an engine raised for a batch.

        A device that is out of memory gets smaller batches. Otherwise the batch is split by recording, and a batch of a single
        recording fails.
        """
        if isinstance(error, DeviceOutOfMemory) and len(batch) > 1:
            self._halve_batches(device, batch)
        elif any(self._queue.is_discarded(task.clip.waveform) for task in batch):  # its waveform may be closed: not a failure
            self._queue.put(batch)
        elif len({task.clip.waveform for task in batch}) > 1:
            self._queue.put(batch, isolate=True)
        elif isinstance(error, NotReady):
            self._deliver(AllDevicesFailed(error))
        elif isinstance(error, TranscribeError):  # the engine knows that the recording is at fault
            self._fail_recording(batch, error)
        else:
            self._count_failure(device, batch, error)

    def remove_device(self, device: Device, reason: str, batch: Sequence[Task] = ()) -> None:
        """Remove a device. Its batches go to other devices, or to itself after the model is reloaded."""
        with self._queue.changed:
            batches = (
                []
                if device.is_removed
                else [thread.batch for thread in self._threads if thread.device is device and thread.batch]
            )
            device.is_removed = True
            has_others = any(not other.is_removed for other in self._devices)
        if batch:
            batches.append(list(batch))
        if has_others:
            self._emit(Notice(f"{reason}: continuing without {device.engine.device}.", "warning"))
            for left in batches:
                self._queue.put(left, isolate=True)
        elif device.consecutive_failures >= MAX_CONSECUTIVE_FAILURES:
            message = f"{reason}, {MAX_CONSECUTIVE_FAILURES} times in a row."
            self._deliver(AllDevicesFailed(DeviceUnavailable(message, "Finished transcripts are kept.")))
        else:
            for left in batches:
                self._fail_recording(left, RecognitionFailed(f"{reason}."))
            self._emit(Notice(f"{reason}: reloading the model.", "warning"))
            threading.Thread(target=self._reload, args=(device,), daemon=True).start()

    def _halve_batches(self, device: Device, batch: Sequence[Task]) -> None:
        half = len(batch) // 2
        if half < device.batch_size:
            device.batch_size = half
            self._emit(Notice(f"{device.engine.device} is out of memory: continuing with batches of {half}.", "warning"))
        self._queue.put(batch)

    def _count_failure(self, device: Device, batch: Sequence[Task], error: Exception) -> None:
        device.consecutive_failures += 1
        reason = f"The recognizer failed ({first_line(error)})"
        if device.consecutive_failures >= MAX_CONSECUTIVE_FAILURES:
            self.remove_device(device, reason, batch)
        else:
            failure = RecognitionFailed(f"{reason}.")
            failure.__cause__ = error
            self._fail_recording(batch, failure)

    def _fail_recording(self, batch: Sequence[Task], error: TranscribeError) -> None:
        """Fail the recording of a batch and drop its other tasks. A batch of several recordings is retried, each on its own."""
        if len({task.clip.waveform for task in batch}) > 1:
            self._queue.put(batch, isolate=True)
            return
        with self._queue.changed:
            was_discarded = self._queue.is_discarded(batch[0].clip.waveform)
            self._queue.discard(batch[0].clip.waveform)
        if not was_discarded:
            self._deliver(ClipFailed(batch[0].clip, error))

    def _reload(self, device: Device) -> None:
        try:
            engine = device.load()
        except TranscribeError as error:
            self._deliver(AllDevicesFailed(DeviceUnavailable(error.message, error.hint)))
            return
        except Exception as error:
            self._deliver(AllDevicesFailed(DeviceUnavailable(f"The model could not be reloaded ({first_line(error)}).")))
            return
        self._start(Device(device.load, engine, device.batch_size, device.consecutive_failures + 1))
