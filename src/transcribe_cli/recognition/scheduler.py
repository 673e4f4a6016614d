"""Clips in, results out: one queue, and for each device as many threads as it has lanes.

A batch that fails costs at most one recording: it is tried once more in batches of one recording each, and what fails again is that
recording's failure. A device that fails again and again is left out, and so is one that does not answer; its batch goes to another, or
to the same device with the model loaded anew.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from weakref import WeakSet

from transcribe_cli.audio import Waveform
from transcribe_cli.errors import DeviceUnavailable, NotReady, RecognitionFailed, TranscribeError
from transcribe_cli.events import Emit, ModelLoaded, Notice
from transcribe_cli.recognition.batching import Waiting
from transcribe_cli.recognition.device_threads import LINGER, Device, DeviceThread, Loader, linger
from transcribe_cli.recognition.engines import Clip, ClipResult, DeviceFull, Engine, Task

# Batches of a device that may fail one after the other before it is left out.
STRIKES = 5
# A batch may take this long, and so many seconds more for each second of its audio: far beyond the slowest processor.
GRACE_SECONDS = 600.0
SLOWEST = 30.0
# How long the end of a run waits for batches that nobody needs any more; after that, only the end of the program does.
CLOSE_SECONDS = 3.0
# The name of the threads that recognize.
THREAD_NAME = "recognize"


def default_timeout(seconds: float) -> float:
    """Seconds that a batch with so many seconds of audio may take on a machine that one has for oneself."""
    return GRACE_SECONDS + SLOWEST * seconds


@dataclass(frozen=True)
class Heard:
    """The result of a clip."""

    clip: Clip
    result: ClipResult


@dataclass(frozen=True)
class Detected:
    """The probability of each language in a clip whose own was not known."""

    clip: Clip
    probabilities: Mapping[str, float]


@dataclass(frozen=True)
class Lost:
    """A clip that cannot be recognized, and its recording with it."""

    clip: Clip
    error: TranscribeError


@dataclass(frozen=True)
class Broken:
    """No device is left, or a lane ended by a mistake of ours: nothing more will come."""

    error: Exception


class Recognition:
    """The devices of a run and what waits for them; use inside `with`.

    Args:
        loaders: one for each device.
        deliver: takes `Heard`, `Detected`, `Lost` and `Broken`, from any thread.
        batch_timeout: seconds that a batch with so many seconds of audio may take.

    Raises:
        NotReady: on entering, when the model loads on none of the devices.
    """

    def __init__(
        self,
        loaders: Sequence[Loader],
        deliver: Callable[[Heard | Detected | Lost | Broken], None],
        emit: Emit,
        batch_timeout: Callable[[float], float] = default_timeout,
    ) -> None:
        self._loaders = loaders
        self._deliver = deliver
        self._emit = emit
        self._batch_timeout = batch_timeout
        self._waiting = Waiting()
        self._forgotten: WeakSet[Waveform] = WeakSet()
        self._changed = threading.Condition()
        self._closed = self._ending = False
        self._devices: list[Device] = []
        self._lanes: list[DeviceThread] = []

    def __enter__(self) -> Self:
        began = time.perf_counter()
        self._devices = self._loaded()
        engines = [device.engine for device in self._devices]
        self._emit(ModelLoaded(engines[0].model, self.device, engines[0].batch_size, round(time.perf_counter() - began, 3)))
        for device in self._devices:
            self._open_lanes(device)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        until = time.monotonic() + CLOSE_SECONDS
        for lane in self._lanes:
            if lane.thread is not None and not lane.device.out:
                lane.thread.join(max(0.0, until - time.monotonic()))
                if lane.thread.is_alive():
                    atexit.register(lane.thread.join)

    @property
    def device(self) -> str:
        """Where clips are recognized, such as `cpu/int8`."""
        return ", ".join(dict.fromkeys(device.engine.device for device in self._devices))

    @property
    def engine(self) -> Engine:
        """One of the engines; all hold the same model."""
        return self._devices[0].engine

    def add(self, clips: Iterable[Clip]) -> None:
        """Clips to recognize; those without a language are asked for it only."""
        self._put([Task(clip) for clip in clips])

    def forget(self, recording: Waveform) -> None:
        """Nobody wants the results of this recording any more."""
        with self._changed:
            self._forgotten.add(recording)
            self._waiting.forget(recording)

    def end(self) -> None:
        """No more recordings will come: what waits need not wait for company."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def watch(self) -> None:
        """Give up devices that have not answered for too long; to be called now and then."""
        now = time.monotonic()
        for lane in self._lanes:
            limit = self._batch_timeout(sum(task.clip.seconds for task in lane.batch))
            if lane.batch and not lane.device.out and now - lane.began > limit:
                self._give_up(lane.device, f"The recognizer did not answer for {limit:.0f} s")

    def _loaded(self) -> list[Device]:
        """The model on every device that takes it, loaded side by side."""
        found: list[Device | TranscribeError | None] = [None] * len(self._loaders)

        def load(position: int) -> None:
            try:
                engine = self._loaders[position]()
                found[position] = Device(self._loaders[position], engine, engine.batch_size)
            except TranscribeError as error:
                found[position] = error
            except Exception as error:
                found[position] = DeviceUnavailable(f"The model could not be loaded ({_first_line(error)}).")

        threads = [threading.Thread(target=load, args=(position,), daemon=True) for position in range(len(found))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        devices = [item for item in found if isinstance(item, Device)]
        errors = [item for item in found if isinstance(item, TranscribeError)]
        if not devices:
            raise errors[0] if errors else DeviceUnavailable("The model could not be loaded.")
        for error in errors:
            self._emit(Notice(f"A device is left out: {error}", "warning"))
        return devices

    def _open_lanes(self, device: Device) -> None:
        for _ in range(device.engine.concurrency):
            lane = DeviceThread(device)
            lane.thread = threading.Thread(target=self._serve, args=(lane,), name=THREAD_NAME, daemon=True)
            self._lanes.append(lane)
            lane.thread.start()

    def _put(self, tasks: Sequence[Task], *, alone: bool = False) -> None:
        with self._changed:
            self._waiting.add((task for task in tasks if task.clip.waveform not in self._forgotten), alone=alone)
            self._changed.notify_all()

    def _serve(self, lane: DeviceThread) -> None:
        """The thread of a lane; whoever waits for its answers hears of its end."""
        try:
            self._work(lane)
        except Exception as error:
            self._deliver(Broken(error))

    def _work(self, lane: DeviceThread) -> None:
        while batch := self._next(lane):
            answer: list[ClipResult | Task | Detected] = []
            failure: Exception | None = None
            try:
                answer = self._ask(lane.device.engine, batch)
            except Exception as error:
                failure = error
            with self._changed:
                if lane.device.out:  # somebody else has the batch by now
                    return
                lane.device.done(lane, time.monotonic())
                lane.batch = []  # nobody else takes it from here on
            if failure is not None:
                self._failed(lane.device, batch, failure)
            else:
                lane.device.strikes = 0
                self._answered(answer)

    def _next(self, lane: DeviceThread) -> list[Task]:
        with self._changed:
            while not (self._closed or lane.device.out):
                now = time.monotonic()
                patience = 0.0 if self._ending else linger(lane, self._lanes, now)
                if batch := self._waiting.take(lane.device.batch_size, linger=patience):
                    lane.batch, lane.began = batch, now
                    return batch
                self._changed.wait(LINGER if self._waiting else None)
        return []

    @staticmethod
    def _ask(engine: Engine, batch: Sequence[Task]) -> list[ClipResult | Task | Detected]:
        if batch[0].clip.language:
            found: list[ClipResult | Task | Detected] = [*engine.recognize(batch)]
            if len(found) != len(batch):
                raise RuntimeError(f"{len(found)} answers to {len(batch)} clips")
            return found
        clips = [task.clip for task in batch]
        return [Detected(clip, found) for clip, found in zip(clips, engine.detect_languages(clips), strict=True)]

    def _answered(self, answer: Sequence[ClipResult | Task | Detected]) -> None:
        self._put([item for item in answer if isinstance(item, Task)])
        for item in answer:
            if isinstance(item, ClipResult):
                self._deliver(Heard(item.clip, item))
            elif isinstance(item, Detected):
                self._deliver(item)

    def _failed(self, device: Device, batch: Sequence[Task], error: Exception) -> None:
        """Smaller batches for a device that is full; otherwise the recordings of the batch one by one, and then none."""
        if isinstance(error, DeviceFull) and len(batch) > 1:
            half = len(batch) // 2
            if half < device.batch_size:
                device.batch_size = half
                self._emit(Notice(f"The memory of {device.engine.device} is full: going on with batches of {half}.", "warning"))
            self._put(batch)
            return
        if any(task.clip.waveform in self._forgotten for task in batch):  # its waveform may be gone: nobody's fault
            self._put(batch)
            return
        if len({task.clip.waveform for task in batch}) > 1:
            self._put(batch, alone=True)
            return
        if isinstance(error, NotReady):
            self._deliver(Broken(error))
            return
        if isinstance(error, TranscribeError):  # the engine knows whose failure it is
            self._blame(batch, error)
            return
        device.strikes += 1
        reason = f"The recognizer failed ({_first_line(error)})"
        if device.strikes >= STRIKES:
            self._give_up(device, reason, batch)
        else:
            failure = RecognitionFailed(f"{reason}.")
            failure.__cause__ = error
            self._blame(batch, failure)

    def _blame(self, batch: Sequence[Task], error: TranscribeError) -> None:
        """The recording of a batch is lost, and what else waits of it is not tried; of several, each is tried alone."""
        if len({task.clip.waveform for task in batch}) > 1:
            self._put(batch, alone=True)
            return
        with self._changed:
            known = batch[0].clip.waveform in self._forgotten
            self.forget(batch[0].clip.waveform)
        if not known:
            self._deliver(Lost(batch[0].clip, error))

    def _give_up(self, device: Device, reason: str, batch: Sequence[Task] = ()) -> None:
        """Leave a device out; what it was at goes to the others, or to itself with the model loaded anew."""
        with self._changed:
            batches = [] if device.out else [lane.batch for lane in self._lanes if lane.device is device and lane.batch]
            device.out = True
            others = any(not other.out for other in self._devices)
        if batch:
            batches.append(list(batch))
        name = device.engine.device
        if others:
            self._emit(Notice(f"{reason}: going on without {name}.", "warning"))
            for left in batches:
                self._put(left, alone=True)
        elif device.strikes >= STRIKES:
            self._deliver(Broken(DeviceUnavailable(f"{reason}, {STRIKES} times in a row.", "What is finished is written.")))
        else:
            for left in batches:
                self._blame(left, RecognitionFailed(f"{reason}."))
            self._emit(Notice(f"{reason}: loading the model anew.", "warning"))
            threading.Thread(target=self._revive, args=(device,), daemon=True).start()

    def _revive(self, device: Device) -> None:
        try:
            engine = device.load()
        except TranscribeError as error:
            self._deliver(Broken(DeviceUnavailable(error.message, error.hint)))
            return
        except Exception as error:
            self._deliver(Broken(DeviceUnavailable(f"The model could not be loaded anew ({_first_line(error)}).")))
            return
        fresh = Device(device.load, engine, device.batch_size, device.strikes + 1)
        self._devices.append(fresh)
        self._open_lanes(fresh)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
