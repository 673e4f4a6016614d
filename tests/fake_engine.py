"""A fake engine and clips for it: for tests about scheduling, not about text."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from transcribe_cli.audio import SAMPLE_RATE, Waveform
from transcribe_cli.events import Event, Notice, ignore_event
from transcribe_cli.recognition.device_threads import EngineLoader
from transcribe_cli.recognition.engines import Attempt, Clip, ClipResult, DeviceOutOfMemory, SpokenWord, Task
from transcribe_cli.recognition.messages import AllDevicesFailed, ClipFailed, LanguageDetected, Recognized
from transcribe_cli.recognition.rescue import LETTER_SECONDS
from transcribe_cli.recognition.scheduler import Scheduler
from transcribe_cli.spec import JobSpec
from transcribe_cli.vad import Region

# Seconds. Long enough for any machine; only a failing test waits this long.
PATIENCE = 20.0
PORTUGUESE = JobSpec(model="demo", language="pt")

Answer = Recognized | LanguageDetected | ClipFailed | AllDevicesFailed
OnBatch = Callable[[Sequence[Clip]], None]


class FakeEngine:
    """An engine that recognizes one word in every clip, as long as the clip, and remembers its batches.

    Args:
        replicas: 0 for as many as `concurrency`.
        on_batch: called with each batch before its results are returned, also for language detection; may wait or raise.
        passes_from: the lowest temperature at which a text passes the gates.
    """

    model = "demo"
    revision = None

    def __init__(
        self,
        batch_size: int = 4,
        concurrency: int = 1,
        replicas: int = 0,
        on_batch: OnBatch = lambda clips: None,
        passes_from: float = 0.0,
        device: str = "cpu/int8",
    ) -> None:
        self.batch_size = batch_size
        self.concurrency = concurrency
        self.replicas = replicas or concurrency
        self.device = device
        self.batches: list[list[Task]] = []
        self.language_batches: list[list[Clip]] = []
        self._on_batch = on_batch
        self._passes_from = passes_from

    def check(self, spec: JobSpec) -> None:
        """It supports every spec."""

    def shortened(self, spec: JobSpec) -> str:
        """Every prompt fits."""
        return ""

    def detect_languages(self, clips: Sequence[Clip]) -> list[Mapping[str, float]]:
        """Probably Portuguese, for every clip."""
        self.language_batches.append(list(clips))
        self._on_batch(clips)
        return [{"pt": 0.75, "es": 0.25} for _ in clips]

    def recognize(self, tasks: Sequence[Task]) -> list[ClipResult | Task]:
        """A word for each clip."""
        self.batches.append(list(tasks))
        self._on_batch([task.clip for task in tasks])
        return [
            clip_result(task.clip) if task.temperature >= self._passes_from else task.with_attempt(attempt(task.temperature))
            for task in tasks
        ]

    @property
    def clips(self) -> list[Clip]:
        """All clips to recognize, in order."""
        return [task.clip for batch in self.batches for task in batch]

    def batched_recordings(self) -> list[set[int]]:
        """The recordings of each batch."""
        return [{task.clip.recording for task in batch} for batch in self.batches]


def attempt(temperature: float = 0.0) -> Attempt:
    """A decoding that passes all checks."""
    return Attempt(tokens=(1,), text="olá", temperature=temperature, avg_logprob=-0.1, compression_ratio=1.0, no_speech_prob=0.0)


def clip_result(clip: Clip, *spans: tuple[float, float]) -> ClipResult:
    """A result with a word in each of these spans, in seconds of the recording; by default one word as long as the clip."""
    words = (SpokenWord(_word(end - start), start, end, 0.9, (1,)) for start, end in spans or [(clip.start, clip.end)])
    return ClipResult(clip, attempt(), tuple(words))


def _word(seconds: float) -> str:
    """A word that takes so long to say, so that no speech seems to be missing below it."""
    return " ol" + "á" * math.ceil(seconds / LETTER_SECONDS)


def clip(
    waveform: Waveform,
    recording: int = 0,
    index: int = 0,
    *regions: tuple[float, float],
    language: str = "pt",
    spec: JobSpec = PORTUGUESE,
) -> Clip:
    """A clip with speech in these regions, in seconds; by default its `index`-th second."""
    speech = regions or ((float(index), index + 1.0),)
    found = tuple(Region(round(start * SAMPLE_RATE), round(end * SAMPLE_RATE)) for start, end in speech)
    return Clip(recording, index, waveform, found, spec, language)


def wait_for(event: threading.Event) -> None:
    """Wait until the event is set; fails after `PATIENCE`."""
    assert event.wait(PATIENCE)


def out_of_memory_above(size: int) -> OnBatch:
    """A device whose memory is full with more than `size` clips."""

    def check(clips: Sequence[Clip]) -> None:
        if len(clips) > size:
            raise DeviceOutOfMemory("CUDA failed with error out of memory")

    return check


def failing(*guilty: int, error: type[Exception] = RuntimeError) -> OnBatch:
    """A device that fails on batches with clips of these recordings."""

    def check(clips: Sequence[Clip]) -> None:
        if any(made.recording in guilty for made in clips):
            raise error("cuDNN failed\nsecond line")

    return check


class RecognitionHarness:
    """Runs `Scheduler` with fake engines and collects its answers and events. A context manager.

    Args:
        loaders: an engine, or a function that loads one, for each device.
        batch_timeout: as for `Scheduler`; short where a test is about devices that do not answer.
        on_event: called with each event.
        on_answer: called with each answer, in the thread that produced it, before it is queued.
    """

    def __init__(
        self,
        *loaders: FakeEngine | EngineLoader,
        batch_timeout: Callable[[float], float] = lambda seconds: PATIENCE,
        on_event: Callable[[Event], None] = ignore_event,
        on_answer: Callable[[Answer], None] = lambda answer: None,
    ) -> None:
        self.events: list[Event] = []
        self._on_event, self._on_answer = on_event, on_answer
        self._inbox: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        found = [(lambda loader=loader: loader) if isinstance(loader, FakeEngine) else loader for loader in loaders]  # type: ignore[misc]
        self.recognition = Scheduler(found, self._take, self._tell, batch_timeout)

    def __enter__(self) -> Self:
        self.recognition.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.recognition.__exit__(kind, error, trace)

    def add(self, *clips: Clip) -> None:
        """Add clips to recognize."""
        self.recognition.add(clips)

    def answers(self, count: int) -> list[Answer]:
        """Wait for answers; as the pipeline does, check device timeouts and discard failed recordings meanwhile."""
        found: list[Answer] = []
        until = time.monotonic() + PATIENCE
        while len(found) < count:
            assert time.monotonic() < until, found
            with suppress(queue.Empty):
                found.append(self._inbox.get(timeout=0.02))
                if isinstance(found[-1], ClipFailed):
                    self.recognition.discard(found[-1].clip.waveform)
            self.recognition.check_timeouts()
        return found

    def pending_answers(self) -> list[Answer]:
        """Answers that are ready, without waiting."""
        found = []
        with suppress(queue.Empty):
            while True:
                found.append(self._inbox.get_nowait())
        return found

    def warnings(self) -> list[str]:
        """Messages of all warnings."""
        return [event.message for event in self.events if isinstance(event, Notice) and event.level == "warning"]

    def _take(self, answer: Answer) -> None:
        self._on_answer(answer)
        self._inbox.put(answer)

    def _tell(self, event: Event) -> None:
        self.events.append(event)
        self._on_event(event)


def clip_ids(answers: Sequence[Answer], kind: type[Answer]) -> list[tuple[int, int]]:
    """Recording and clip index of all answers of this kind, sorted."""
    return sorted((answer.clip.recording, answer.clip.index) for answer in answers if isinstance(answer, kind))
