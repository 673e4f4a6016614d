"""From jobs to clips: fetch, decode, find speech. Runs ahead of the recognizer in the background, bounded in seconds of audio.

Clips are handed over while the rest of their recording is still being decoded. Two threads work on different recordings: one in the
order given, one from the smallest on, so that neither a lecture of six hours nor fifty voice notes wait for the other.
"""

from __future__ import annotations

import threading
import time
from bisect import insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

from transcribe_cli.audio import Decoder, Waveform
from transcribe_cli.errors import DecoderFailed, NotReady, RecordingChanged, RecordingError
from transcribe_cli.events import AttemptFailed, Emit, RecordingPrepared, RecordingStarted
from transcribe_cli.pipeline.speech_clips import ChannelSplit, ClipFinder, PackerFactory, default_packer, split_channels
from transcribe_cli.plan import Decision, Job
from transcribe_cli.recognition.engines import Clip
from transcribe_cli.sources import Recording
from transcribe_cli.sources.fetch import Fetcher
from transcribe_cli.vad import load_detector

# Audio that a thread may have ready for the recognizer before it begins another recording, in seconds: 115 MB of scratch.
AHEAD_SECONDS = 3600.0


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
    """All of a recording is decoded, and its clips are handed over.

    Attributes:
        speech: for each channel that was listened to, where there is speech, in seconds; for None where all are mixed.
        speakers: whether each of these channels is a speaker.
        alike: whether channels were left out that are copies of others.
    """

    number: int
    speech: Mapping[int | None, Sequence[tuple[float, float]]]
    decode_seconds: float
    vad_seconds: float
    fetch_seconds: float = 0.0
    speakers: bool = False
    alike: bool = False


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
        should_run: asked just before a job's turn; what it refuses is passed over.
        deliver: takes messages, from any thread; `Ended` is the last.
        fetcher: brings recordings that are elsewhere; None is one with the default limit.
        later_jobs: jobs that come later, waited for in a thread of its own; where there are none, the end of `jobs` is the end.
        make_packer: how long clips may be.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        decoders: Sequence[Decoder],
        should_run: Callable[[Job], bool],
        deliver: Callable[[Message], None],
        emit: Emit,
        fetcher: Fetcher | None = None,
        later_jobs: Iterable[Job] | None = None,
        backend: str = "local",
        make_packer: PackerFactory = default_packer,
    ) -> None:
        self._fetcher = fetcher or Fetcher()
        self._make_packer = make_packer
        self._should_run = should_run
        self._deliver = deliver
        self._emit = emit
        self._backend = backend
        self._in_order = list(enumerate(jobs))[::-1]
        self._by_size = sorted(self._in_order, key=_smallest_last)
        self._count = len(jobs)
        self._later_jobs = later_jobs
        self._taken: set[int] = set()
        self._ahead = [0.0] * len(decoders)
        self._holder: dict[int, int] = {}
        self._changed = threading.Condition()
        self._stopped = False
        self._decoders = decoders[: max(1, len(jobs))] if later_jobs is None else decoders
        self._working = len(self._decoders)
        self._threads = [
            threading.Thread(target=self._work, args=(place,), name="prepare", daemon=True) for place in range(self._working)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        if self._later_jobs is not None:
            threading.Thread(target=self._feed, args=(self._later_jobs,), name="feed", daemon=True).start()
        try:
            load_detector()  # while the decoders start
        except BaseException:  # Ctrl-C: nobody else ends the threads
            self._close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def _close(self) -> None:
        self._stop()
        self._fetcher.close()
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
                self._fetcher.prefetch(item[1].recording)  # comes while it is found out whether it is wanted
                if self._should_run(item[1]):
                    self._prepare(place, *item)
                else:
                    self._fetcher.cancel(item[1].recording)
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
            while True:
                self._changed.wait_for(lambda: self._stopped or self._ahead[place] < AHEAD_SECONDS)
                while row and not self._stopped:
                    number, job = row.pop()
                    if number not in self._taken:
                        self._taken.add(number)
                        self._holder[number] = place
                        return number, job
                if self._stopped or self._later_jobs is None:
                    return None
                self._changed.wait()

    def _feed(self, later_jobs: Iterable[Job]) -> None:
        """The thread that waits for jobs that come later."""
        for job in later_jobs:
            with self._changed:
                item = (self._count, job)
                self._count += 1
                self._in_order.insert(0, item)
                insort(self._by_size, item, key=_smallest_last)
                self._changed.notify_all()
        with self._changed:
            self._later_jobs = None
            self._changed.notify_all()

    def _coming(self, place: int) -> Recording | None:
        """What this thread will probably ask for next."""
        row = self._by_size if place % 2 else self._in_order
        with self._changed:
            return next((job.recording for number, job in reversed(row) if number not in self._taken), None)

    def _prepare(self, place: int, number: int, job: Job) -> None:
        try:
            try:
                self._decoded(place, number, job)
            except RecordingChanged as error:
                # Whoever wrote it may be done by now.
                self._emit(AttemptFailed(job.recording.label, error.code, error.message))
                self._deliver(Again(number))
                self._decoded(place, number, job)
        except RecordingError as error:
            if not self._stopped:  # otherwise nobody asks any more, and that may be the reason
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
        split = job.spec.channels == "split"
        listening: ClipFinder | None = None

        def hear(waveform: Waveform) -> None:
            nonlocal listening
            self._still_wanted()
            if listening is None:
                self._deliver(Begun(number, job, recording, waveform))
                listening = ClipFinder(Clip(number, 0, waveform, (), job.spec), self._make_packer)
            if not split:  # channels can only be compared once all of them is there
                self._hand_over(place, number, listening.next_clips(is_complete=False))

        self._decoders[place].start()
        with self._fetcher.fetch(job.recording) as (path, recording):
            fetch_seconds = time.perf_counter() - began
            if (coming := self._coming(place)) is not None:
                self._fetcher.prefetch(coming)
            self._still_wanted()
            text = job.decision is not Decision.DIARIZE
            self._emit(RecordingStarted(recording.label, recording.size, text, job.spec.diarize, self._backend))
            decode = partial(self._decoders[place].decode, track=job.spec.audio_track, split=split, name=recording.path.name)
            waveform = decode(path, on_progress=hear)
        hear(waveform)
        assert listening is not None  # noqa: S101 - for the type checker: `hear` was called
        heard = (
            split_channels(waveform, Clip(number, 0, waveform, (), job.spec), self._make_packer)
            if split
            else ChannelSplit([listening])
        )
        for row in heard.finders:
            while not row.is_done:
                self._still_wanted()
                self._hand_over(place, number, row.next_clips(is_complete=True))
        speech = {row.channel: row.spans for row in heard.finders}
        self._emit(RecordingPrepared(recording.label, waveform.seconds, sum(row.speech_seconds for row in heard.finders)))
        spent, found = time.perf_counter() - began - fetch_seconds, heard.seconds
        self._deliver(Prepared(number, speech, spent - found, found, fetch_seconds, heard.speakers, heard.alike))

    def _hand_over(self, place: int, number: int, clips: Sequence[Clip]) -> None:
        if clips:
            with self._changed:
                self._ahead[place] += sum(clip.seconds for clip in clips)
            self._deliver(Found(number, clips))

    def _still_wanted(self) -> None:
        """Decoding and searching six hours takes a minute: nobody who pressed Ctrl-C waits for it."""
        if self._stopped:
            raise DecoderFailed("The run was stopped.")


def _smallest_last(item: tuple[int, Job]) -> tuple[int, int]:
    number, job = item
    return -job.recording.size, -number
