"""Diarization in a separate thread, while other recordings are recognized."""

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
from transcribe_cli.pipeline.time_shares import Stage, TimeShares
from transcribe_cli.plan import Job
from transcribe_cli.speakers.diarizers import Diarization, Diarizer

# How long the end of a run waits for a recording whose result is no longer needed. Recognition is waited for, too, and both waits must fit
# into the grace period of `cli.signals`.
CLOSE_SECONDS = 1.0
# The name of the thread; `cli.signals` looks it up here, because the program does not wait for a thread inside a library at its end.
THREAD_NAME = "diarize"
# The time between two events about the same recording.
PROGRESS_SECONDS = 0.5


@dataclass(frozen=True, eq=False)
class Diarized:
    """The diarization of a recording, or why it failed."""

    number: int
    waveform: Waveform
    diarization: Diarization | None
    error: DiarizationFailed | None


class _Discarded(Exception):
    """The recording failed, or the run was stopped."""


class DiarizerThread:
    """Diarizes recordings one after the other; use as a context manager.

    Args:
        load: loads the diarizer of a job; called for the first recording, and again when a job needs another one.
        deliver: receives `Diarized`, from another thread.
        shares: counts the time of each recording, without that of loading.
    """

    def __init__(
        self, load: Callable[[Job], Diarizer], deliver: Callable[[Diarized], None], emit: Emit, shares: TimeShares
    ) -> None:
        self._load = load
        self._deliver = deliver
        self._emit = emit
        self._shares = shares
        self._queue: queue.SimpleQueue[tuple[int, Job, Waveform] | None] = queue.SimpleQueue()
        self._discarded: WeakSet[Waveform] = WeakSet()
        self._is_closed = False
        self._loaded: tuple[str, Diarizer | TranscribeError] | None = None
        self._thread = threading.Thread(target=self._serve, name=THREAD_NAME, daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._is_closed = True
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)
            if self._thread.is_alive():
                atexit.register(self._thread.join)

    def add(self, number: int, job: Job, waveform: Waveform) -> None:
        """Queue a recording that is completely decoded."""
        self._queue.put((number, job, waveform))
        if self._thread.ident is None:
            self._thread.start()

    def discard(self, waveform: Waveform) -> None:
        """Stop diarizing a recording; its result is no longer needed."""
        self._discarded.add(waveform)

    def _serve(self) -> None:
        while (item := self._queue.get()) is not None and not self._is_closed:
            number, job, waveform = item
            diarization, error = None, None
            try:
                diarizer = self._diarizer_of(job)
                with self._shares.working(Stage.DIARIZE, (number,)):
                    diarization = diarizer.diarize(waveform, job.spec, self._progress(job, waveform))
            except _Discarded:
                continue
            except TranscribeError as failure:
                error = DiarizationFailed(failure.message, failure.hint)
            except Exception as failure:
                error = DiarizationFailed(f"The diarizer failed ({type(failure).__name__}: {failure}).")
                error.__cause__ = failure
            self._deliver(Diarized(number, waveform, diarization, error))

    def _diarizer_of(self, job: Job) -> Diarizer:
        """The diarizer of a job, loaded once. If loading failed, the error is raised again for each recording without another try.

        Raises:
            TranscribeError: it does not load.
        """
        if job.spec.turns_are_given:
            return self._load(job)  # specific to the recording
        model = job.spec.diarize_model
        if self._loaded is None or self._loaded[0] != model:
            self._loaded = None  # free its memory before the next one is loaded
            self._loaded = model, self._load_or_error(job)
        diarizer = self._loaded[1]
        if isinstance(diarizer, TranscribeError):
            raise diarizer
        return diarizer

    def _load_or_error(self, job: Job) -> Diarizer | TranscribeError:
        began = time.perf_counter()
        try:
            diarizer = self._load(job)
        except TranscribeError as error:
            return error
        self._emit(DiarizerLoaded(diarizer.name, diarizer.device, round(time.perf_counter() - began, 3)))
        return diarizer

    def _progress(self, job: Job, waveform: Waveform) -> Callable[[float], None]:
        last_reported = 0.0

        def on_progress(share: float) -> None:
            nonlocal last_reported
            if self._is_closed or waveform in self._discarded:
                raise _Discarded
            if time.monotonic() - last_reported >= PROGRESS_SECONDS:
                last_reported = time.monotonic()
                self._emit(SpeakersProgress(job.recording.label, min(1.0, share)))

        return on_progress
