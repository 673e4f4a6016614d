"""The audio's path as code: jobs in, outcomes out, one for each job, in the order in which they finish.

    sources -> plan -> fetch -> audio -> vad -> engines -> segments -> transcript -> formats -> sinks
                       `---- prepare ----'  `recognition'  `--- assembly ---'      `-- batch --'

Preparation, recognition and diarization run in their own threads and report to one queue. All decisions are made in one thread, the one
that iterates over the outcomes. The pipeline is the same on every backend, and writes no outputs.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, suppress
from functools import partial

from transcribe_cli.audio import Decoder
from transcribe_cli.errors import DiarizationFailed
from transcribe_cli.events import Emit, Event, ignore_event
from transcribe_cli.pipeline.checkpoint import Checkpoints
from transcribe_cli.pipeline.diarizing import DiarizerThread
from transcribe_cli.pipeline.message_handler import Message, MessageHandler
from transcribe_cli.pipeline.messages import Cancelled, Started
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.pipeline.prepare import Preparation
from transcribe_cli.pipeline.speech_clips import PackerFactory, default_packer
from transcribe_cli.pipeline.time_shares import Stage, TimeShares
from transcribe_cli.plan import Job
from transcribe_cli.recognition.device_threads import EngineLoader
from transcribe_cli.recognition.scheduler import Scheduler, default_timeout
from transcribe_cli.sources.fetch import Fetcher
from transcribe_cli.speakers.diarizers import Diarizer

# How often devices are checked for timeouts while no message arrives, in seconds.
CHECK_SECONDS = 1.0


class Pipeline:
    """Decoders and devices for a run.

    Args:
        loaders: returns a loader for each device; called when the first speech is found, so that a run of broken files loads nothing.
        decoders: one for each recording that is prepared in parallel.
        emit: receives every event, from several threads but never from two at once.
        checkpoints: where finished clips are saved until their transcript is written. Default: nowhere.
        load_diarizer: loads the diarizer of a job and is given `emit`; called when the first recording to be diarized is decoded.
        make_fetcher: makes what downloads remote recordings, once for each `run`.
        make_packer: determines how long clips may be.
        batch_timeout: the timeout of a batch with this many seconds of audio, in seconds.
    """

    def __init__(
        self,
        loaders: Callable[[], Sequence[EngineLoader]],
        decoders: Sequence[Decoder],
        emit: Emit = ignore_event,
        checkpoints: Checkpoints | None = None,
        backend: str = "local",
        load_diarizer: Callable[[Job, Emit], Diarizer] | None = None,
        make_fetcher: Callable[[], Fetcher] = Fetcher,
        make_packer: PackerFactory = default_packer,
        batch_timeout: Callable[[float], float] = default_timeout,
    ) -> None:
        self._loaders = loaders
        self._decoders = decoders
        self._unsafe_emit = emit
        self._emit_lock = threading.Lock()
        self._checkpoints = checkpoints
        self._backend = backend
        self._load_diarizer = load_diarizer
        self._make_fetcher = make_fetcher
        self._make_packer = make_packer
        self._batch_timeout = batch_timeout
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def run(
        self,
        jobs: Sequence[Job],
        should_run: Callable[[Job], bool] = lambda job: True,
        should_stop: Callable[[], bool] = lambda: False,
        later_jobs: Iterable[Job] | None = None,
    ) -> Generator[Outcome]:
        """Transcribe; closing the iterator stops the work cleanly.

        Args:
            jobs: what to transcribe, each once.
            should_run: called just before a job's turn, in another thread; a job for which it returns false has no outcome.
            should_stop: polled while there is work; once it returns true, the run ends, and unfinished jobs have no outcome.
            later_jobs: jobs that arrive later, iterated in another thread; the run continues until the iterator ends.

        Raises:
            NotReady: the model does not load, or the machine cannot continue, for example because scratch space is missing. Outcomes
                that were yielded remain valid.
        """
        inbox = self._inbox = queue.SimpleQueue()
        shares = TimeShares(keeps_idle=later_jobs is None)
        with ExitStack() as stack:
            preparation = Preparation(
                jobs,
                self._decoders,
                should_run,
                inbox.put,
                self._emit,
                self._make_fetcher(),
                later_jobs,
                backend=self._backend,
                make_packer=self._make_packer,
                shares=shares,
            )
            diarizer = stack.enter_context(DiarizerThread(self._diarizer_of, inbox.put, self._emit, shares))
            load_scheduler = partial(self._load_scheduler, inbox, stack, shares)
            recordings = MessageHandler(
                preparation, load_scheduler, diarizer, self._checkpoints, self._emit, self._backend, shares
            )
            stack.callback(recordings.close)
            stack.callback(_close_unread, inbox)
            stack.enter_context(preparation)
            while not recordings.is_done and not should_stop():
                with suppress(queue.Empty):
                    yield from recordings.handle(inbox.get(timeout=CHECK_SECONDS))
                recordings.check_devices()

    def cancel(self, job: Job) -> None:
        """Cancel a job of the current run; it has no outcome. A batch in progress is completed. Thread-safe."""
        self._inbox.put(Cancelled(job))

    def _load_scheduler(self, inbox: queue.SimpleQueue[Message], stack: ExitStack, shares: TimeShares) -> Scheduler:
        """The devices, loaded, reporting to `inbox` until `stack` is closed."""
        working = partial(shares.working, Stage.RECOGNIZE)
        return stack.enter_context(Scheduler(self._loaders(), inbox.put, self._emit, self._batch_timeout, working))

    def _diarizer_of(self, job: Job) -> Diarizer:
        if self._load_diarizer is None:
            raise DiarizationFailed("This backend has no diarizer.")
        return self._load_diarizer(job, self._emit)

    def _emit(self, event: Event) -> None:
        with self._emit_lock:
            self._unsafe_emit(event)


def _close_unread(inbox: queue.SimpleQueue[Message]) -> None:
    """Close the waveforms of recordings whose start was not processed."""
    with suppress(queue.Empty):
        while True:
            if isinstance(message := inbox.get_nowait(), Started):
                message.waveform.close()
