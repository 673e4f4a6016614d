"""From a job to clips: fetch, decode, find speech. Runs ahead of the recognizer in the background, bounded in seconds of audio."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio import SAMPLE_RATE, Decoder, Waveform
from transcribe_cli.engines import Clip
from transcribe_cli.errors import DecoderFailed, NotReady, RecordingChanged, RecordingError
from transcribe_cli.events import Emit, RecordingPrepared, RecordingStarted
from transcribe_cli.fetch import fetched
from transcribe_cli.plan import Job
from transcribe_cli.sources import Recording
from transcribe_cli.vad import BLOCK_SAMPLES, SpeechDetector, pack, speech_regions

# Audio that may wait for the recognizer, in seconds: 230 MB of scratch, and minutes of work even for a fast GPU.
AHEAD_SECONDS = 2 * 3600.0


@dataclass(frozen=True, eq=False)
class Prepared:
    """A recording whose clips can be recognized. `number` counts the run's jobs; `speech` is in seconds."""

    number: int
    job: Job
    recording: Recording
    waveform: Waveform
    speech: tuple[tuple[float, float], ...]
    clips: tuple[Clip, ...]
    decode_seconds: float
    vad_seconds: float
    began: float


@dataclass(frozen=True, eq=False)
class Failed:
    """A recording that could not be prepared."""

    number: int
    job: Job
    error: RecordingError


class Preparation:
    """Prepares jobs in a background thread, in their order; iterate over it once, inside `with`.

    It waits when more than `AHEAD_SECONDS` of audio are ready. Errors of a recording become `Failed`; a machine that is not ready
    (no scratch space) ends the iteration with that error. Leaving the `with` block stops the decoder and removes what is not used.
    """

    def __init__(self, jobs: Iterable[Job], decoder: Decoder, emit: Emit) -> None:
        self._jobs = jobs
        self._decoder = decoder
        self._detector = SpeechDetector()
        self._emit = emit
        self._ready: deque[Prepared | Failed | BaseException | None] = deque()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name="prepare", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        while self._thread.is_alive():
            self._decoder.cancel()  # again and again: between two recordings there is nothing to cancel, and then there is
            self._thread.join(timeout=0.1)
        for item in self._ready:
            if isinstance(item, Prepared):
                item.waveform.close()

    def __iter__(self) -> Iterator[Prepared | Failed]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ready)
                item = self._ready.popleft()
                self._changed.notify_all()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def _work(self) -> None:
        """The thread: never raises, because nobody would hear it."""
        try:
            for number, job in enumerate(self._jobs):
                if not self._put(self._prepare(number, job)):
                    return
            self._put(None)
        except BaseException as error:
            self._put(error)

    def _put(self, item: Prepared | Failed | BaseException | None) -> bool:
        """Hand over; False when nobody wants more."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._waiting_seconds() < AHEAD_SECONDS)
            if self._stopped and isinstance(item, Prepared):
                item.waveform.close()
            else:
                self._ready.append(item)
            self._changed.notify_all()
            return not self._stopped

    def _waiting_seconds(self) -> float:
        return sum(item.waveform.seconds for item in self._ready if isinstance(item, Prepared))

    def _prepare(self, number: int, job: Job) -> Prepared | Failed:
        try:
            try:
                return self._decoded(number, job)
            except RecordingChanged:
                # Whoever wrote it may be done by now.
                return self._decoded(number, job)
        except RecordingError as error:
            return Failed(number, job, error)
        except NotReady:
            raise
        except Exception as error:
            unexpected = RecordingError(
                f"Unexpected {type(error).__name__} ({error}).", "Please report it; TRANSCRIBE_DEBUG=1 says more."
            )
            unexpected.__cause__ = error
            return Failed(number, job, unexpected)

    def _while_wanted(self, blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """Finding the speech of six hours takes half a minute: nobody who pressed Ctrl-C waits for it."""
        for block in blocks:
            self._still_wanted()
            yield block

    def _still_wanted(self, seconds: float = 0.0) -> None:
        if self._stopped:
            raise DecoderFailed("The run was stopped.")

    def _decoded(self, number: int, job: Job) -> Prepared:
        began = time.perf_counter()
        waveform = None
        try:
            with fetched(job.recording) as (path, recording):
                self._emit(RecordingStarted(recording.label, recording.size))
                waveform = self._decoder.decode(path, track=job.spec.audio_track, on_progress=self._still_wanted)
            decoded = time.perf_counter()
            probabilities = self._detector.probabilities(self._while_wanted(waveform.blocks(BLOCK_SAMPLES)))
            regions = speech_regions(probabilities, waveform.samples, job.spec)
            groups = pack(regions, probabilities)
        except BaseException:
            if waveform is not None:
                waveform.close()
            raise
        clips = tuple(Clip(number, index, waveform, group, job.spec) for index, group in enumerate(groups))
        speech = tuple((region.start / SAMPLE_RATE, region.end / SAMPLE_RATE) for region in regions)
        self._emit(RecordingPrepared(recording.label, waveform.seconds, sum(end - start for start, end in speech)))
        return Prepared(number, job, recording, waveform, speech, clips, decoded - began, time.perf_counter() - decoded, began)
