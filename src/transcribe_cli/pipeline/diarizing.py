"""Who spoke when, found out in a thread of its own while other recordings are recognized."""

from __future__ import annotations

import atexit
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from weakref import WeakSet

from transcribe_cli.audio import Waveform
from transcribe_cli.errors import DiarizationFailed, TranscribeError
from transcribe_cli.events import DiarizerLoaded, Emit, SpeakersProgress
from transcribe_cli.plan import Job
from transcribe_cli.speakers.diarizers import Diarization, Diarizer

# How long the end of a run waits for a recording that nobody needs any more. Recognition is waited for, too, and both have to end within
# what `cli.signals` grants.
CLOSE_SECONDS = 1.0
# The name of its thread: the program's end does not wait for one that is inside a library.
THREAD_NAME = "diarize"
# Between two events about the same recording.
PROGRESS_SECONDS = 0.5


@dataclass(frozen=True, eq=False)
class Diarized:
    """Who spoke when in a recording, or why nobody knows. `seconds` is wall time."""

    number: int
    waveform: Waveform
    diarization: Diarization | None
    error: DiarizationFailed | None
    seconds: float


class _NotWanted(Exception):
    """The recording failed, or the run was stopped."""


class Diarizing:
    """Recordings that wait for a diarizer, one after the other; use inside `with`.

    Args:
        load: makes the diarizer of a job ready; called when the first one waits, and again when another is asked for.
        deliver: takes `Diarized`, from another thread.
    """

    def __init__(self, load: Callable[[Job], Diarizer], deliver: Callable[[Diarized], None], emit: Emit) -> None:
        self._load = load
        self._deliver = deliver
        self._emit = emit
        self._waiting: queue.SimpleQueue[tuple[int, Job, Waveform] | None] = queue.SimpleQueue()
        self._forgotten: WeakSet[Waveform] = WeakSet()
        self._closed = False
        self._loaded: tuple[str, Diarizer | TranscribeError] | None = None
        self._thread = threading.Thread(target=self._serve, name=THREAD_NAME, daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closed = True
        self._waiting.put(None)
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)
            if self._thread.is_alive():
                atexit.register(self._thread.join)

    def add(self, number: int, job: Job, waveform: Waveform) -> None:
        """A recording all of which is decoded."""
        self._waiting.put((number, job, waveform))
        if self._thread.ident is None:
            self._thread.start()

    def forget(self, waveform: Waveform) -> None:
        """Nobody wants to know any more."""
        self._forgotten.add(waveform)

    def _serve(self) -> None:
        while (item := self._waiting.get()) is not None and not self._closed:
            number, job, waveform = item
            began = time.perf_counter()
            found, error = None, None
            try:
                diarizer = self._diarizer(job)
                began = time.perf_counter()  # loading is no recording's
                found = diarizer.diarize(waveform, job.spec, self._progress(job, waveform))
            except _NotWanted:
                continue
            except TranscribeError as failure:
                error = DiarizationFailed(failure.message, failure.hint)
            except Exception as failure:
                error = DiarizationFailed(f"The diarizer failed ({type(failure).__name__}: {failure}).")
                error.__cause__ = failure
            self._deliver(Diarized(number, waveform, found, error, time.perf_counter() - began))

    def _diarizer(self, job: Job) -> Diarizer:
        """The job's, loaded once; one that did not load is not tried again for each recording.

        Raises:
            TranscribeError: why it does not load.
        """
        if job.spec.turns_are_given:
            return self._load(job)  # each recording has its own
        model = job.spec.diarize_model
        if self._loaded is None or self._loaded[0] != model:
            self._loaded = None  # its memory goes before the next one's comes
            self._loaded = model, self._made_ready(job)
        diarizer = self._loaded[1]
        if isinstance(diarizer, TranscribeError):
            raise diarizer
        return diarizer

    def _made_ready(self, job: Job) -> Diarizer | TranscribeError:
        began = time.perf_counter()
        try:
            diarizer = self._load(job)
        except TranscribeError as error:
            return error
        self._emit(DiarizerLoaded(diarizer.name, diarizer.device, round(time.perf_counter() - began, 3)))
        return diarizer

    def _progress(self, job: Job, waveform: Waveform) -> Callable[[float], None]:
        told = 0.0

        def tell(share: float) -> None:
            nonlocal told
            if self._closed or waveform in self._forgotten:
                raise _NotWanted
            if time.monotonic() - told >= PROGRESS_SECONDS:
                told = time.monotonic()
                self._emit(SpeakersProgress(job.recording.label, min(1.0, share)))

        return tell
