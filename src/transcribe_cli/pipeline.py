"""The path of the audio as code: jobs in, outcomes out, one for each job, in the order they finish.

    sources -> plan -> fetch -> audio -> vad -> engines -> segments -> transcript -> formats -> sinks
                       `------- prepare --------'          `--- assembly ---'         `-- batch --'

Preparation runs in the background while the recognizer works; clips of different recordings share its batches. It runs unchanged
wherever a job runs, and writes no outputs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain

from transcribe_cli.assembly import assemble
from transcribe_cli.audio import Decoder
from transcribe_cli.checkpoint import Checkpoint, Checkpoints
from transcribe_cli.engines import Clip, ClipResult, Engine
from transcribe_cli.errors import RecordingError, TranscribeError, UsageError
from transcribe_cli.events import Emit, RecordingProgress, RecordingResumed, silence
from transcribe_cli.plan import Job
from transcribe_cli.prepare import Failed, Preparation, Prepared
from transcribe_cli.transcript import Transcript
from transcribe_cli.vote import Language, language_of


@dataclass(frozen=True)
class Outcome:
    """What became of a job: a transcript, or why there is none. Whoever writes the transcript then removes the checkpoint."""

    job: Job
    transcript: Transcript | None = None
    error: TranscribeError | None = None
    checkpoint: Checkpoint | None = None


@dataclass(eq=False)
class _UnderWay:
    """A recording some of whose clips are with the recognizer."""

    prepared: Prepared
    clips: Sequence[Clip]
    language: Language
    checkpoint: Checkpoint | None
    results: list[ClipResult] = field(default_factory=list)

    def complete(self) -> bool:
        return len(self.results) == len(self.clips)

    def waiting(self) -> list[Clip]:
        done = {result.clip.index for result in self.results}
        return [clip for clip in self.clips if clip.index not in done]

    def close(self) -> None:
        self.prepared.waveform.close()
        if self.checkpoint is not None:
            self.checkpoint.close()


class Pipeline:
    """One decoder and one engine, for as many runs as wanted, one at a time.

    Args:
        load: makes the engine ready; called once, when the first recording is decoded, so that the two go on at the same time and a
            run whose files are all broken loads nothing.
        checkpoints: where finished clips are kept until their transcript is written; None keeps none.
    """

    def __init__(
        self,
        load: Callable[[], Engine],
        decoder: Decoder,
        emit: Emit = silence,
        checkpoints: Checkpoints | None = None,
        backend: str = "local",
    ) -> None:
        self._engine = cache(load)
        self._decoder = decoder
        self._emit = emit
        self._checkpoints = checkpoints
        self._backend = backend

    def run(self, jobs: Iterable[Job]) -> Generator[Outcome]:
        """Transcribe; closing the iterator stops the work cleanly.

        Raises:
            NotReady: the model does not load, or the machine cannot go on, for want of scratch space for example. Outcomes already
                given stand.
        """
        under_way: dict[int, _UnderWay] = {}
        finished: deque[Outcome] = deque()
        try:
            with Preparation(jobs, self._decoder, self._emit) as prepared:
                items = iter(prepared)
                for item in items:
                    if isinstance(item, Failed):
                        yield Outcome(item.job, error=item.error)
                        continue
                    for result in self._recognized(chain([item], items), under_way, finished):
                        self._take(result, under_way, finished)
                        while finished:
                            yield finished.popleft()
                    yield from finished
        finally:
            for recording in under_way.values():
                recording.close()

    def _recognized(
        self, prepared: Iterable[Prepared | Failed], under_way: dict[int, _UnderWay], finished: deque[Outcome]
    ) -> Iterator[ClipResult]:
        return self._engine().transcribe(self._clips(prepared, under_way, finished))

    def _clips(
        self, prepared: Iterable[Prepared | Failed], under_way: dict[int, _UnderWay], finished: deque[Outcome]
    ) -> Iterator[Clip]:
        """The clips of recording after recording, their language found."""
        engine = self._engine()
        for item in prepared:
            if isinstance(item, Failed):
                finished.append(Outcome(item.job, error=item.error))
                continue
            try:
                engine.check(item.job.spec)
                language = language_of(item.clips, engine)
            except UsageError as error:
                item.waveform.close()
                finished.append(Outcome(item.job, error=RecordingError(error.message, error.hint)))
                continue
            recording = under_way[item.number] = self._begun(item, language)
            if recording.complete():  # nobody speaks in it, or it was killed just before its transcript was written
                finished.append(self._finish(under_way.pop(item.number)))
            yield from recording.waiting()

    def _begun(self, item: Prepared, language: Language) -> _UnderWay:
        """A recording with what an earlier run that was killed already knew of it."""
        clips = [replace(clip, language=language.code) for clip in item.clips]
        checkpoint = self._checkpoints.of(item.job, item.recording, clips) if self._checkpoints else None
        recording = _UnderWay(item, clips, language, checkpoint)
        if checkpoint is not None and checkpoint.results:
            recording.results += checkpoint.results
            self._emit(RecordingResumed(item.recording.label, _seconds_done(recording), item.waveform.seconds))
        return recording

    def _take(self, result: ClipResult, under_way: dict[int, _UnderWay], finished: deque[Outcome]) -> None:
        recording = under_way.get(result.clip.recording)
        if recording is None:  # another clip of it failed already
            return
        prepared = recording.prepared
        if result.error is not None:
            under_way.pop(prepared.number).close()
            finished.append(Outcome(prepared.job, error=result.error))
            return
        recording.results.append(result)
        if recording.checkpoint is not None:
            recording.checkpoint.add(result)
        self._emit(RecordingProgress(prepared.recording.label, _seconds_done(recording), prepared.waveform.seconds))
        if recording.complete():
            finished.append(self._finish(under_way.pop(prepared.number)))

    def _finish(self, recording: _UnderWay) -> Outcome:
        prepared = recording.prepared
        with prepared.waveform:
            transcript = assemble(prepared, recording.results, recording.language, self._engine().device, self._backend)
        if recording.checkpoint is not None:
            recording.checkpoint.close()
        return Outcome(prepared.job, transcript, checkpoint=recording.checkpoint)


def _seconds_done(recording: _UnderWay) -> float:
    """Seconds of the recording that need no more work: silence counts as done in the measure that speech is."""
    speech = sum(clip.end - clip.start for clip in recording.clips)
    done = sum(result.clip.end - result.clip.start for result in recording.results)
    return recording.prepared.waveform.seconds * (done / speech if speech else 1.0)
