"""The path of the audio as code: jobs in, outcomes out, one for each job, in the order they finish.

    sources -> plan -> fetch -> audio -> vad -> engines -> segments -> transcript -> formats -> sinks
                       `---- prepare ----'  `recognition'  `--- assembly ---'      `-- batch --'

Preparation and recognition run in threads of their own and report to one queue; what is decided here is decided in one thread, that of
whoever iterates. It runs unchanged wherever a job runs, and writes no outputs.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial

from transcribe_cli.audio import Decoder
from transcribe_cli.errors import DiarizationFailed, RecordingError, TranscribeError, UsageError
from transcribe_cli.events import Emit, Event, RecordingProgress, RecordingResumed, ignore_event
from transcribe_cli.pipeline.assembly import assemble, spent
from transcribe_cli.pipeline.checkpoint import Checkpoints
from transcribe_cli.pipeline.diarizing import Diarized, Diarizing
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.pipeline.prepare import Again, Begun, Ended, Failed, Found, Preparation, Prepared
from transcribe_cli.pipeline.recording_state import UnderWay
from transcribe_cli.pipeline.speech_clips import PackerFactory, default_packer
from transcribe_cli.plan import Decision, Job
from transcribe_cli.recognition.device_threads import Loader
from transcribe_cli.recognition.engines import Clip
from transcribe_cli.recognition.scheduler import Broken, Detected, Heard, Lost, Recognition, default_timeout
from transcribe_cli.sinks import json_path, read_transcript
from transcribe_cli.sources.fetch import Fetcher
from transcribe_cli.speakers.diarizers import Diarizer

# How often devices are looked after while nothing happens, in seconds.
WATCH_SECONDS = 1.0


@dataclass(frozen=True, eq=False)
class Cancelled:
    """Nobody wants to know of this job any more."""

    job: Job


_Message = Begun | Found | Prepared | Again | Failed | Ended | Heard | Detected | Diarized | Lost | Broken | Cancelled


class Pipeline:
    """Decoders and devices for a run.

    Args:
        loaders: finds the devices; called when the first speech is found, so that a run whose files are all broken loads nothing. Each
            loader puts the model onto one of them.
        decoders: as many recordings are prepared side by side.
        emit: hears of everything, from several threads but never from two at once.
        checkpoints: where finished clips are kept until their transcript is written; None keeps none.
        load_diarizer: makes the diarizer of a job ready, and is given who hears of events; called when the first recording is decoded whose
            spec wants speakers.
        make_fetcher: makes what brings recordings that are elsewhere, for each `run` anew.
        make_packer: how long clips may be.
        batch_timeout: seconds that a batch with so many seconds of audio may take.
    """

    def __init__(
        self,
        loaders: Callable[[], Sequence[Loader]],
        decoders: Sequence[Decoder],
        emit: Emit = ignore_event,
        checkpoints: Checkpoints | None = None,
        backend: str = "local",
        load_diarizer: Callable[[Job, Emit], Diarizer] | None = None,
        make_fetcher: Callable[[], Fetcher] = Fetcher,
        make_packer: PackerFactory = default_packer,
        batch_timeout: Callable[[float], float] = default_timeout,
    ) -> None:
        self._make_packer = make_packer
        self._batch_timeout = batch_timeout
        self._loaders = loaders
        self._make_fetcher = make_fetcher
        self._decoders = decoders
        self._load_diarizer = load_diarizer
        self._listener = emit
        self._telling = threading.Lock()
        self._checkpoints = checkpoints
        self._backend = backend
        self._inbox: queue.SimpleQueue[_Message] = queue.SimpleQueue()

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
            should_run: asked just before a job's turn, in another thread; a job that it refuses has no outcome.
            should_stop: asked all the time, while there is work; once it says so the work ends, and what is not done has no outcome.
            later_jobs: jobs that come later: the run goes on until this iterator ends, which is waited for in another thread.

        Raises:
            NotReady: the model does not load, or the machine cannot go on, for want of scratch space for example. Outcomes already
                given stand.
        """
        inbox = self._inbox = queue.SimpleQueue()
        with ExitStack() as stack:
            preparation = Preparation(
                jobs,
                self._decoders,
                should_run,
                inbox.put,
                self._tell,
                self._make_fetcher(),
                later_jobs,
                backend=self._backend,
                make_packer=self._make_packer,
            )
            diarizing = stack.enter_context(Diarizing(self._loaded_diarizer, inbox.put, self._tell))
            recognition = partial(self._recognition, inbox, stack)
            run = _Run(preparation, recognition, diarizing, self._checkpoints, self._tell, self._backend)
            stack.callback(run.close)
            stack.callback(_forget, inbox)
            stack.enter_context(preparation)
            while not run.over and not should_stop():
                with suppress(queue.Empty):
                    yield from run.outcomes(inbox.get(timeout=WATCH_SECONDS))
                run.watch()

    def cancel(self, job: Job) -> None:
        """Forget a job of the run under way, between two batches: it has no outcome any more. From any thread."""
        self._inbox.put(Cancelled(job))

    def _recognition(self, inbox: queue.SimpleQueue[_Message], stack: ExitStack) -> Recognition:
        """The devices, loaded, reporting to `inbox` until `stack` is closed."""
        return stack.enter_context(Recognition(self._loaders(), inbox.put, self._tell, self._batch_timeout))

    def _loaded_diarizer(self, job: Job) -> Diarizer:
        if self._load_diarizer is None:
            raise DiarizationFailed("There is no diarizer here.")
        return self._load_diarizer(job, self._tell)

    def _tell(self, event: Event) -> None:
        with self._telling:
            self._listener(event)


def _forget(inbox: queue.SimpleQueue[_Message]) -> None:
    """Give back what recordings hold that nobody came to hear of."""
    with suppress(queue.Empty):
        while True:
            if isinstance(message := inbox.get_nowait(), Begun):
                message.waveform.close()


class _Run:
    """What is under way in a run, and what each message means for it."""

    def __init__(
        self,
        preparation: Preparation,
        recognition: Callable[[], Recognition],
        diarizing: Diarizing,
        checkpoints: Checkpoints | None,
        emit: Emit,
        backend: str,
    ) -> None:
        self._preparation = preparation
        self._load = recognition
        self._diarizing = diarizing
        self._recognition: Recognition | None = None
        self._checkpoints = checkpoints
        self._emit = emit
        self._backend = backend
        self._under_way: dict[int, UnderWay] = {}
        self._lost: set[int] = set()
        self._cancelled: list[Job] = []  # that had not begun
        self._ended = False

    @property
    def over(self) -> bool:
        """Whether every job has had its outcome."""
        return self._ended and not self._under_way

    def watch(self) -> None:
        """Look after the devices."""
        if self._recognition is not None:
            self._recognition.watch()
            if self._ended:
                self._recognition.end()

    def close(self) -> None:
        """Give back what recordings hold that did not come to their end."""
        for recording in self._under_way.values():
            recording.close()

    def outcomes(self, message: _Message) -> Iterator[Outcome]:
        """What a message brings to its end."""
        match message:
            case Ended(error=error) | Broken(error=error):
                if error is not None:
                    raise error
                self._ended = True
            case Begun(number=number) if number in self._lost:  # it had its outcome, and then changed
                message.waveform.close()
            case Begun(number=number, job=job) if self._was_cancelled(job):
                self._lost.add(number)
                message.waveform.close()
            case Begun(number=number):
                yield from self._begin(message)
            case Cancelled(job=job):
                self._cancel(job)
            case Again(number=number):
                self._drop(number)
            case Failed(number=number):
                self._drop(number)
                if number not in self._lost:
                    yield Outcome(message.job, error=message.error)
            case Found(number=number) | Prepared(number=number):
                yield from self._prepared(number, message)
            case Diarized(number=number):
                if (found := self._under_way.get(number)) is not None and found.begun.waveform is message.waveform:
                    found.diarized = message
                    yield from self._go_on(found, [])
            case Detected(clip=clip) | Heard(clip=clip) | Lost(clip=clip):
                # Otherwise its recording failed meanwhile, or began anew.
                recording = self._under_way.get(clip.recording)
                if recording is not None and recording.begun.waveform is clip.waveform:
                    yield from self._recognized(recording, message)

    def _cancel(self, job: Job) -> None:
        for number, recording in self._under_way.items():
            if recording.begun.job is job:
                self._lost.add(number)
                self._drop(number)
                return
        self._cancelled.append(job)

    def _was_cancelled(self, job: Job) -> bool:
        """Whether it was before it began; asked once."""
        before = len(self._cancelled)
        self._cancelled = [other for other in self._cancelled if other is not job]
        return len(self._cancelled) < before

    def _begin(self, begun: Begun) -> Iterator[Outcome]:
        """A recording, with what is known of it already: clips of a run that was killed, or all of its text."""
        text = None
        if begun.job.decision is Decision.DIARIZE:
            path = json_path(begun.job.output)
            try:
                text = read_transcript(path)
            except TranscribeError as error:
                self._lost.add(begun.number)
                yield Outcome(begun.job, error=RecordingError(error.message, error.hint))
                return
        checkpoint = self._checkpoints.of(begun.job, begun.recording) if self._checkpoints and text is None else None
        self._under_way[begun.number] = UnderWay(begun, checkpoint, text)

    def _prepared(self, number: int, message: Found | Prepared) -> Iterator[Outcome]:
        recording = self._under_way.get(number)
        if isinstance(message, Found):
            if recording is None:
                self._preparation.settled(number, sum(clip.seconds for clip in message.clips))
            else:
                yield from self._go_on(recording, recording.found(message.clips))
        elif recording is not None:
            waiting = recording.decoded(message)
            if recording.needs_speakers:
                self._diarizing.add(number, recording.begun.job, recording.begun.waveform)
            yield from self._go_on(recording, waiting)

    def _recognized(self, recording: UnderWay, message: Detected | Heard | Lost) -> Iterator[Outcome]:
        match message:
            case Detected():
                yield from self._go_on(recording, recording.detected(message.clip, message.probabilities))
            case Heard():
                yield from self._go_on(recording, recording.heard(message.result))
            case Lost():
                yield self._fail(recording, message.error)

    def _go_on(self, recording: UnderWay, clips: Sequence[Clip]) -> Iterator[Outcome]:
        """Recognize these clips, and finish the recording when they were the last."""
        if recording.looked_up and recording.recalled and not recording.resumed:
            recording.resumed = True
            label, seconds = recording.begun.recording.label, recording.begun.waveform.seconds
            self._emit(RecordingResumed(label, seconds * recording.recalled / recording.spoken_seconds, seconds))
        if clips:
            recognition = self._recognition = self._recognition or self._load()
            try:
                recognition.engine.check(recording.begun.job.spec)
            except UsageError as error:
                yield self._fail(recording, RecordingError(error.message, error.hint))
                return
            recognition.add(clips)
        self._tell_progress(recording)
        self._settle(recording)
        if recording.complete:
            del self._under_way[recording.begun.number]
            yield self._finished(recording)

    def _tell_progress(self, recording: UnderWay) -> None:
        """How much of it is recognized; a share is known once all of its clips are."""
        seconds, whole = recording.recognized_seconds, recording.begun.waveform.seconds
        if recording.prepared is not None and seconds > recording.told:
            recording.told = seconds
            self._emit(RecordingProgress(recording.begun.recording.label, whole * seconds / recording.spoken_seconds, whole))

    def _settle(self, recording: UnderWay) -> None:
        """So much of the recording needs no more work: others may be prepared."""
        if (more := recording.settled_seconds - recording.released) > 0:
            recording.released += more
            self._preparation.settled(recording.begun.number, more)

    def _finished(self, recording: UnderWay) -> Outcome:
        begun = recording.begun
        try:
            device = self._recognition.device if self._recognition else ""
            transcript = assemble(recording, device, self._backend)
        finally:
            recording.close()
        error, found = (recording.diarized.error, recording.diarized.diarization) if recording.diarized else (None, None)
        if error is not None and recording.text is not None and recording.text.speakers:
            return Outcome(begun.job, error=error)  # what another diarizer found stays as it is
        return Outcome(begun.job, transcript, error, recording.checkpoint, spent(recording), found)

    def _fail(self, recording: UnderWay, error: TranscribeError) -> Outcome:
        self._lost.add(recording.begun.number)
        self._drop(recording.begun.number)
        return Outcome(recording.begun.job, error=error)

    def _drop(self, number: int) -> None:
        """Forget a recording, if it had begun."""
        if (recording := self._under_way.pop(number, None)) is None:
            return
        if self._recognition is not None:
            self._recognition.forget(recording.begun.waveform)
        self._diarizing.forget(recording.begun.waveform)
        self._preparation.settled(number, recording.spoken_seconds - recording.released)
        recording.close()
