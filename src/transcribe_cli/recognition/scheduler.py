"""Clips in, results out: one queue, and for each device as many threads as its engine's concurrency.

`task_queue` holds what waits, `device_loading` loads the model, `failures` decides what happens when a batch or a device fails.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Self

from transcribe_cli.audio import Waveform
from transcribe_cli.events import Emit, ModelLoaded
from transcribe_cli.recognition.device_loading import load_devices
from transcribe_cli.recognition.device_threads import Device, DeviceThread, EngineLoader
from transcribe_cli.recognition.engines import Clip, ClipResult, Engine, Task
from transcribe_cli.recognition.failures import FailureHandler
from transcribe_cli.recognition.messages import AllDevicesFailed, LanguageDetected, RecognitionMessage, Recognized
from transcribe_cli.recognition.task_queue import TaskQueue

# The timeout of a batch, and what each second of its audio adds, in seconds: far beyond the slowest processor.
BASE_TIMEOUT_SECONDS = 600.0
TIMEOUT_PER_SECOND = 30.0
# How long the end of a run waits for batches whose results are no longer needed; after that, only the end of the program waits.
CLOSE_SECONDS = 3.0
# The name of the threads that recognize; `cli.signals` looks it up here.
THREAD_NAME = "recognize"


def default_timeout(seconds: float) -> float:
    """The timeout of a batch with this many seconds of audio, on a machine that is not shared."""
    return BASE_TIMEOUT_SECONDS + TIMEOUT_PER_SECOND * seconds


class Scheduler:
    """The devices of a run and the clips that wait for them; use as a context manager.

    Args:
        loaders: one for each device.
        deliver: receives messages, from any thread.
        batch_timeout: the timeout of a batch with this many seconds of audio, in seconds.
        working: entered while a thread works on a batch, with the recording of each clip.

    Raises:
        NotReady: on entering, when the model loads on none of the devices.
    """

    def __init__(
        self,
        loaders: Sequence[EngineLoader],
        deliver: Callable[[RecognitionMessage], None],
        emit: Emit,
        batch_timeout: Callable[[float], float] = default_timeout,
        working: Callable[[Sequence[int]], AbstractContextManager[None]] = lambda recordings: nullcontext(),
    ) -> None:
        self._loaders = loaders
        self._deliver = deliver
        self._emit = emit
        self._batch_timeout = batch_timeout
        self._working = working
        self._queue = TaskQueue()
        self._devices: list[Device] = []
        self._threads: list[DeviceThread] = []

    def __enter__(self) -> Self:
        began = time.perf_counter()
        self._devices += load_devices(self._loaders, self._emit)
        engines = [device.engine for device in self._devices]
        self._emit(ModelLoaded(engines[0].model, self.device, engines[0].batch_size, round(time.perf_counter() - began, 3)))
        for device in self._devices:
            self._start_threads(device)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._queue.close()
        until = time.monotonic() + CLOSE_SECONDS
        for running in self._threads:
            if running.thread is not None and not running.device.is_removed:
                running.thread.join(max(0.0, until - time.monotonic()))
                if running.thread.is_alive():
                    atexit.register(running.thread.join)

    @property
    def device(self) -> str:
        """The devices in use, such as `cpu/int8`."""
        return ", ".join(dict.fromkeys(device.engine.device for device in self._devices))

    @property
    def engine(self) -> Engine:
        """One of the engines; all hold the same model."""
        return self._devices[0].engine

    def add(self, clips: Iterable[Clip]) -> None:
        """Recognize clips. For those without a language, only the language is detected."""
        self._queue.put([Task(clip) for clip in clips])

    def discard(self, recording: Waveform) -> None:
        """Drop the clips of a recording; its results are no longer needed."""
        self._queue.discard(recording)

    def finish(self) -> None:
        """No more recordings will arrive, so partial batches go at once."""
        self._queue.finish()

    def check_timeouts(self) -> None:
        """Remove devices whose batch has timed out; call regularly."""
        now = time.monotonic()
        for running in self._threads:
            timeout = self._batch_timeout(sum(task.clip.seconds for task in running.batch))
            if running.batch and not running.device.is_removed and now - running.began > timeout:
                self._failures.remove_device(running.device, f"The recognizer did not respond for {timeout:.0f} s")

    @property
    def _failures(self) -> FailureHandler:
        """A handler for one failure. Stored, it would form a reference cycle that keeps the models in memory after the run."""
        return FailureHandler(self._queue, self._devices, self._threads, self._add_device, self._deliver, self._emit)

    def _add_device(self, device: Device) -> None:
        self._devices.append(device)
        self._start_threads(device)

    def _start_threads(self, device: Device) -> None:
        for _ in range(device.engine.concurrency):
            starting = DeviceThread(device)
            starting.thread = threading.Thread(target=self._serve, args=(starting,), name=THREAD_NAME, daemon=True)
            self._threads.append(starting)
            starting.thread.start()

    def _serve(self, running: DeviceThread) -> None:
        """Run a device thread, and report its end if it raises: otherwise the run would wait for its answers forever."""
        try:
            self._process_batches(running)
        except Exception as error:
            self._deliver(AllDevicesFailed(error))

    def _process_batches(self, running: DeviceThread) -> None:
        device = running.device
        while batch := self._queue.take(running, self._threads):
            answers: list[ClipResult | Task | LanguageDetected] = []
            failure: Exception | None = None
            try:
                with self._working([task.clip.recording for task in batch]):
                    answers = _process(device.engine, batch)
            except Exception as error:
                failure = error
            with self._queue.changed:
                if device.is_removed:  # the batch was given to another device
                    return
                device.record_batch(running, time.monotonic())
                running.batch = []  # from here on no other device takes over the batch
            if failure is not None:
                self._failures.batch_failed(device, batch, failure)
            else:
                device.consecutive_failures = 0
                self._hand_over(answers)

    def _hand_over(self, answers: Sequence[ClipResult | Task | LanguageDetected]) -> None:
        self._queue.put([answer for answer in answers if isinstance(answer, Task)])
        for answer in answers:
            if isinstance(answer, ClipResult):
                self._deliver(Recognized(answer.clip, answer))
            elif isinstance(answer, LanguageDetected):
                self._deliver(answer)


def _process(engine: Engine, batch: Sequence[Task]) -> list[ClipResult | Task | LanguageDetected]:
    """Recognize a batch, or detect its languages where its clips have none."""
    if batch[0].clip.language:
        answers: list[ClipResult | Task | LanguageDetected] = [*engine.recognize(batch)]
        if len(answers) != len(batch):
            raise RuntimeError(f"{len(answers)} answers to {len(batch)} clips")
        return answers
    clips = [task.clip for task in batch]
    return [LanguageDetected(clip, found) for clip, found in zip(clips, engine.detect_languages(clips), strict=True)]
