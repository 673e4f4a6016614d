"""From jobs to clips: fetch, decode, find speech. Runs ahead of the recognizer in the background, bounded in seconds of audio.

Clips are handed over while the rest of their recording is still being decoded. Two threads work on different recordings: one in the
order given, one from the smallest on, so that neither a lecture of six hours nor fifty voice notes wait for the other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from transcribe_cli.audio import SAMPLE_RATE, Decoder, Waveform
from transcribe_cli.engines import Clip
from transcribe_cli.errors import DecoderFailed, NotReady, RecordingChanged, RecordingError
from transcribe_cli.events import Emit, RecordingPrepared, RecordingStarted
from transcribe_cli.fetch import fetched
from transcribe_cli.plan import Decision, Job
from transcribe_cli.sources import Recording
from transcribe_cli.vad import WINDOW_SAMPLES, Packer, Region, Regions, SpeechDetector

# Audio that a thread may have ready for the recognizer before it begins another recording, in seconds: 115 MB of scratch.
AHEAD_SECONDS = 3600.0
# What the speech detector reads at once: 32 s, or what is left at a recording's end.
BLOCK_SAMPLES = 1000 * WINDOW_SAMPLES
# A sequential reader goes through stretches of this length, 5 minutes being 300 MB of features, with pauses up to 10 s.
SEQUENTIAL_SAMPLES = 300 * SAMPLE_RATE
SEQUENTIAL_GAP_SAMPLES = 10 * SAMPLE_RATE


@dataclass(frozen=True, eq=False)
class Begun:
    """Decoding of a recording began. `number` counts the run's jobs; `recording` is the file as it is now."""

    number: int
    job: Job
    recording: Recording
    waveform: Waveform


@dataclass(frozen=True, eq=False)
class Found:
    """The next clips of a recording, in the order of time."""

    number: int
    clips: Sequence[Clip]


@dataclass(frozen=True, eq=False)
class Prepared:
    """All of a recording is decoded, and its clips are handed over. `speech` is in seconds."""

    number: int
    speech: tuple[tuple[float, float], ...]
    decode_seconds: float
    vad_seconds: float


@dataclass(frozen=True, eq=False)
class Again:
    """A recording changed while it was read, and begins anew."""

    number: int


@dataclass(frozen=True, eq=False)
class Failed:
    """A recording that could not be prepared; it may have begun."""

    number: int
    job: Job
    error: RecordingError


@dataclass(frozen=True, eq=False)
class Ended:
    """Nothing more comes; with an error, because the machine is not ready."""

    error: BaseException | None = None


Message = Begun | Found | Prepared | Again | Failed | Ended


class Preparation:
    """Prepares jobs in background threads, one for each decoder; use inside `with`, whose end stops them.

    Args:
        wanted: asked just before a job's turn; what it refuses is passed over.
        deliver: takes messages, from any thread; `Ended` is the last.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        decoders: Sequence[Decoder],
        wanted: Callable[[Job], bool],
        deliver: Callable[[Message], None],
        emit: Emit,
    ) -> None:
        self._wanted = wanted
        self._deliver = deliver
        self._emit = emit
        self._in_order = list(enumerate(jobs))[::-1]
        self._by_size = sorted(self._in_order, key=lambda item: (-item[1].recording.size, -item[0]))
        self._taken: set[int] = set()
        self._ahead = [0.0] * len(decoders)
        self._holder: dict[int, int] = {}
        self._changed = threading.Condition()
        self._stopped = False
        self._decoders = decoders[: max(1, len(jobs))]
        self._working = len(self._decoders)
        self._threads = [
            threading.Thread(target=self._work, args=(place,), name="prepare", daemon=True) for place in range(self._working)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()
        for thread, decoder in zip(self._threads, self._decoders, strict=True):
            while thread.is_alive():
                decoder.cancel()  # again and again: between two recordings there is nothing to cancel, and then there is
                thread.join(timeout=0.1)

    def settled(self, number: int, seconds: float) -> None:
        """So many seconds of this recording's audio need no more work."""
        with self._changed:
            self._ahead[self._holder[number]] -= seconds
            self._changed.notify_all()

    def _stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _work(self, place: int) -> None:
        """The thread: never raises, because nobody would hear it."""
        error: BaseException | None = None
        try:
            while (item := self._next(place)) is not None:
                if self._wanted(item[1]):
                    self._prepare(place, *item)
        except BaseException as caught:
            error = caught
            self._stop()
        with self._changed:
            self._working -= 1
            last = not self._working
        if last or error is not None:
            self._deliver(Ended(error))

    def _next(self, place: int) -> tuple[int, Job] | None:
        """The next job of this thread, once it is not too far ahead; None when there is none."""
        row = self._by_size if place % 2 else self._in_order
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._ahead[place] < AHEAD_SECONDS)
            while row and not self._stopped:
                number, job = row.pop()
                if number not in self._taken:
                    self._taken.add(number)
                    self._holder[number] = place
                    return number, job
        return None

    def _prepare(self, place: int, number: int, job: Job) -> None:
        try:
            try:
                self._decoded(place, number, job)
            except RecordingChanged:
                # Whoever wrote it may be done by now.
                self._deliver(Again(number))
                self._decoded(place, number, job)
        except RecordingError as error:
            self._deliver(Failed(number, job, error))
        except NotReady:
            raise
        except Exception as error:
            unexpected = RecordingError(
                f"Unexpected {type(error).__name__} ({error}).", "Please report it; TRANSCRIBE_DEBUG=1 says more."
            )
            unexpected.__cause__ = error
            self._deliver(Failed(number, job, unexpected))

    def _decoded(self, place: int, number: int, job: Job) -> None:
        began = time.perf_counter()
        listening: _Listening | None = None

        def hear(waveform: Waveform) -> None:
            nonlocal listening
            self._still_wanted()
            if listening is None:
                self._deliver(Begun(number, job, recording, waveform))
                listening = _Listening(Clip(number, 0, waveform, (), job.spec))
            self._hand_over(place, number, listening.clips(whole=False))

        with fetched(job.recording) as (path, recording):
            text = job.decision is not Decision.DIARIZE
            self._emit(RecordingStarted(recording.label, recording.size, text, job.spec.diarize))
            waveform = self._decoders[place].decode(path, track=job.spec.audio_track, on_progress=hear)
        hear(waveform)
        assert listening is not None  # noqa: S101 - for the type checker: `hear` was called
        while not listening.done:
            self._still_wanted()
            self._hand_over(place, number, listening.clips(whole=True))
        speech = tuple((region.start / SAMPLE_RATE, region.end / SAMPLE_RATE) for region in listening.speech)
        self._emit(RecordingPrepared(recording.label, waveform.seconds, sum(end - start for start, end in speech)))
        spent = time.perf_counter() - began
        self._deliver(Prepared(number, speech, spent - listening.seconds, listening.seconds))

    def _hand_over(self, place: int, number: int, clips: Sequence[Clip]) -> None:
        if clips:
            with self._changed:
                self._ahead[place] += sum(clip.seconds for clip in clips)
            self._deliver(Found(number, clips))

    def _still_wanted(self) -> None:
        """Decoding and searching six hours takes a minute: nobody who pressed Ctrl-C waits for it."""
        if self._stopped:
            raise DecoderFailed("The run was stopped.")


class _Listening:
    """The speech detector at work on a waveform that grows.

    Attributes:
        speech: the regions found so far.
        seconds: wall time spent.
        done: whether all of it was heard.
    """

    def __init__(self, pattern: Clip) -> None:
        self.speech: list[Region] = []
        self.seconds = 0.0
        self.done = False
        self._pattern = pattern
        self._waveform = pattern.waveform
        self._detector = SpeechDetector()
        self._regions = Regions(pattern.spec)
        self._packer = Packer(SEQUENTIAL_SAMPLES, SEQUENTIAL_GAP_SAMPLES) if pattern.spec.sequential else Packer()
        self._heard = self._count = 0

    def clips(self, *, whole: bool) -> list[Clip]:
        """The clips of the next block, as far as they are certain; `whole` says that the waveform does not grow any more."""
        began = time.perf_counter()
        groups: list[tuple[Region, ...]] = []
        left = self._waveform.samples - self._heard
        if left >= BLOCK_SAMPLES or whole:
            block = self._waveform.read(self._heard, self._heard + min(left, BLOCK_SAMPLES))
            self._heard += len(block)
            groups += self._packer.feed(self._seen(list(self._regions.feed(self._detector.probabilities(block)))))
        if whole and self._heard == self._waveform.samples:
            groups += self._packer.feed(self._seen(list(self._regions.finish(self._waveform.samples))))
            groups += self._packer.finish()
            self.done = True
        clips = [replace(self._pattern, index=self._count + count, speech=group) for count, group in enumerate(groups)]
        self._count += len(clips)
        self.seconds += time.perf_counter() - began
        return clips

    def _seen(self, regions: list[Region]) -> list[Region]:
        self.speech += regions
        return regions
