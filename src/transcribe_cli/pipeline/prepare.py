"""From jobs to clips: fetch, decode, find speech. Runs ahead of the recognizer in the background, limited in seconds of audio.

Clips are delivered while the rest of their recording is still being decoded. Each thread works on a different recording; see `job_queue`
for the order.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self

from transcribe_cli.audio import Decoder, Waveform, choose_track
from transcribe_cli.errors import DecoderFailed, RecordingChanged, RecordingError, work_of_one_recording
from transcribe_cli.events import AttemptFailed, Emit, RecordingPrepared, RecordingStarted
from transcribe_cli.pipeline.job_queue import JobQueue
from transcribe_cli.pipeline.messages import (
    ClipsFound,
    PreparationEnded,
    PreparationFailed,
    PreparationMessage,
    Prepared,
    Restarted,
    Started,
)
from transcribe_cli.pipeline.speech_clips import ChannelSplit, ClipFinder, PackerFactory, default_packer, split_channels
from transcribe_cli.pipeline.time_shares import Stage, TimeShares
from transcribe_cli.plan import Decision, Job
from transcribe_cli.recognition.engines import Clip
from transcribe_cli.sources.content import DigestThread
from transcribe_cli.sources.fetch import Fetcher
from transcribe_cli.vad import load_detector, speech_seconds


class Preparation:
    """Prepares jobs in background threads, one for each decoder; use as a context manager, which stops them at its end.

    Args:
        should_run: called just before a job's turn; a job for which it returns false is skipped.
        deliver: receives messages, from any thread; `PreparationEnded` is the last.
        fetcher: downloads remote recordings. Default: one with the default limit.
        later_jobs: jobs that arrive later, iterated in a separate thread. Default: the end of `jobs` is the end.
        make_packer: determines how long clips may be.
        shares: counts the time of each recording. Default: nobody reads it.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        decoders: Sequence[Decoder],
        should_run: Callable[[Job], bool],
        deliver: Callable[[PreparationMessage], None],
        emit: Emit,
        fetcher: Fetcher | None = None,
        later_jobs: Iterable[Job] | None = None,
        backend: str = "local",
        make_packer: PackerFactory = default_packer,
        shares: TimeShares | None = None,
    ) -> None:
        self._shares = shares or TimeShares()
        self._fetcher = fetcher or Fetcher()
        self._make_packer = make_packer
        self._should_run = should_run
        self._deliver = deliver
        self._emit = emit
        self._backend = backend
        self._later_jobs = later_jobs
        self._jobs = JobQueue(jobs, len(decoders), has_later_jobs=later_jobs is not None)
        self._decoders = decoders[: max(1, len(jobs))] if later_jobs is None else decoders
        self._working = len(self._decoders)
        self._threads = [
            threading.Thread(target=self._work, args=(thread,), name="prepare", daemon=True) for thread in range(self._working)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        if self._later_jobs is not None:
            threading.Thread(target=self._jobs.feed, args=(self._later_jobs,), name="feed", daemon=True).start()
        try:
            load_detector()  # while the decoders start
        except BaseException:  # Ctrl-C: __exit__ will not be called
            self._close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def _close(self) -> None:
        self._jobs.stop()
        self._fetcher.close()
        for thread, decoder in zip(self._threads, self._decoders, strict=True):
            while thread.is_alive():
                decoder.cancel()  # repeated, because a call between two recordings cancels nothing
                thread.join(timeout=0.1)

    def release(self, number: int, seconds: float) -> None:
        """Make room: this many seconds of the recording's audio need no more work."""
        self._jobs.release(number, seconds)

    def _work(self, thread: int) -> None:
        """Run a thread. Never raises: errors are delivered with `PreparationEnded`."""
        error: BaseException | None = None
        try:
            while (item := self._jobs.take(thread)) is not None:
                self._fetcher.prefetch(item[1].recording)  # downloads while `should_run` decides
                if self._should_run(item[1]):
                    self._shares.start(item[0])
                    with self._shares.working(Stage.PREPARE, (item[0],)):
                        self._prepare(thread, *item)
                else:
                    self._fetcher.cancel(item[1].recording)
        except BaseException as caught:
            error = caught
            self._jobs.stop()
        with self._jobs.changed:
            self._working -= 1
            is_last = not self._working
        if is_last or error is not None:
            self._deliver(PreparationEnded(error))

    def _prepare(self, thread: int, number: int, job: Job) -> None:
        try:
            try:
                with work_of_one_recording():
                    self._decode(thread, number, job)
            except RecordingChanged as error:
                # The program that was writing it may have finished by now.
                self._emit(AttemptFailed(job.recording.label, error.code, error.message))
                self._deliver(Restarted(number))
                with work_of_one_recording():
                    self._decode(thread, number, job)
        except RecordingError as error:
            if not self._jobs.is_stopped:  # otherwise the result is not needed, and stopping may be the reason
                self._deliver(PreparationFailed(number, job, error))

    def _decode(self, thread: int, number: int, job: Job) -> None:
        """Fetch and decode a recording, and deliver its clips.

        Raises:
            RecordingError, NotReady: it cannot be prepared.
        """
        began = time.perf_counter()
        split = job.spec.channels == "split"
        finder: ClipFinder | None = None

        def on_progress(waveform: Waveform) -> None:
            nonlocal finder
            self._check_stopped()
            if finder is None:
                self._deliver(Started(number, job, recording, waveform))
                finder = ClipFinder(Clip(number, 0, waveform, (), job.spec), self._make_packer)
            if not split:  # channels can only be compared once they are complete
                self._deliver_clips(thread, number, finder.next_clips(is_complete=False))

        self._decoders[thread].start()
        with self._fetcher.fetch(job.recording) as (path, recording):
            fetch_seconds = time.perf_counter() - began
            if (upcoming := self._jobs.peek(thread)) is not None:
                self._fetcher.prefetch(upcoming)
            self._check_stopped()
            recognizes = job.decision is not Decision.DIARIZE
            self._emit(RecordingStarted(recording.label, recording.size, recognizes, job.spec.diarize, self._backend))
            decoder, name = self._decoders[thread], recording.path.name
            tree = recording.tree
            track = choose_track(decoder, path, job.spec.audio_track, job.spec.language, speech_seconds, name, tree)
            with DigestThread(path, name, tree) as digest:
                waveform = decoder.decode(path, track=track, split=split, on_progress=on_progress, name=name, tree=tree)
                content = digest.result(lambda: self._jobs.is_stopped)
            tracks = decoder.probe(path, tree=tree).audio_tracks if waveform.decoder == "pyav" else 1
        on_progress(waveform)
        assert finder is not None  # noqa: S101 - for the type checker: `on_progress` was called
        pattern = Clip(number, 0, waveform, (), job.spec)
        channels = split_channels(waveform, pattern, self._make_packer) if split else ChannelSplit([finder])
        for each in channels.finders:
            while not each.is_done:
                self._check_stopped()
                self._deliver_clips(thread, number, each.next_clips(is_complete=True))
        speech = {each.channel: each.spans for each in channels.finders}
        self._emit(RecordingPrepared(recording.label, waveform.seconds, sum(each.speech_seconds for each in channels.finders)))
        vad_seconds = channels.seconds
        decode_seconds = time.perf_counter() - began - fetch_seconds - vad_seconds
        quiet = tuple(sorted(span for each in channels.finders for span in each.quiet))
        times = (decode_seconds, vad_seconds, fetch_seconds)
        self._deliver(Prepared(number, speech, *times, channels.are_speakers, channels.has_copies, quiet, tracks, content))

    def _deliver_clips(self, thread: int, number: int, clips: Sequence[Clip]) -> None:
        if clips:
            self._jobs.reserve(thread, sum(clip.seconds for clip in clips))
            self._deliver(ClipsFound(number, clips))

    def _check_stopped(self) -> None:
        """Raise if the run was stopped: preparing six hours takes a minute, too long to wait for after Ctrl-C."""
        if self._jobs.is_stopped:
            raise DecoderFailed("The run was stopped.")
