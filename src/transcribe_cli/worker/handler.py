"""Jobs of a queue into one pipeline, and its outcomes back to whoever waits for them.

All jobs that the worker holds share the models, which are loaded once, and the batches of the device: it is the pipeline of `run`, which
lives as long as the worker.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from transcribe_cli.backends.protocol import Failure, Packed, RemoteJob, RemoteResult, Voices
from transcribe_cli.errors import BackendFailed, NotReady, RecordingError, TranscribeError, UsageError
from transcribe_cli.events import Event, RecordingProgress, SpeakersProgress
from transcribe_cli.pipeline.loading import check_engine, engine_loaders, load_diarizer, open_decoders
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.pipeline.run import Pipeline
from transcribe_cli.plan import Decision, Job
from transcribe_cli.recognition.engines import Engine
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import Output, json_path
from transcribe_cli.sources import Recording, refresh
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.spec import JobSpec
from transcribe_cli.worker.audio import as_ours, client, put_on_disk, put_result

_LOG = logging.getLogger(__name__)
# How often a client is told of progress, in seconds: each time costs the SDK a thread and a connection.
PROGRESS_SECONDS = 3.0

Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class WorkerLimits:
    """What a worker takes. `max_bytes` is of a recording; its length is limited by `Settings.max_duration`."""

    max_bytes: int = 5_000_000_000
    allow_private: bool = False


@dataclass(eq=False)
class _Task:
    """A job that somebody waits for."""

    folder: Path
    tell: Tell
    done: asyncio.Future[Outcome]
    loop: asyncio.AbstractEventLoop
    job: Job | None = None
    cancelled: bool = False
    told: float = field(default_factory=time.monotonic)


class Worker:
    """Takes jobs as RunPod's SDK gives them, and answers as it wants it.

    Args:
        spec: whose model is loaded; jobs that want another are refused.
        settings: device, batch size, the longest recording.
        terms: what is refused.
    """

    def __init__(self, spec: JobSpec, settings: Settings, terms: WorkerLimits) -> None:
        self._model = spec.model
        self._spec = spec
        self._settings = settings
        self._terms = terms
        self._http = client(allow_private=terms.allow_private)
        self._arriving: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._tasks: dict[str, _Task] = {}
        self._changing = threading.Lock()
        self._broken: TranscribeError | None = None
        self._pipeline: Pipeline | None = None
        self._thread: threading.Thread | None = None
        self._scratch = Path(tempfile.mkdtemp(prefix="transcribe-worker-"))

    def start(self) -> None:
        """Load the recognizer, then be ready for jobs.

        Raises:
            UsageError, NotReady: model or device are not there.
        """
        check_engine(self._spec, self._settings)
        engines = [load() for load in engine_loaders(self._spec, self._settings)]
        self._thread = threading.Thread(target=self._work, args=(engines,), name="pipeline", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more jobs; those under way are finished before."""
        self._arriving.put(None)
        if self._thread is not None:
            self._thread.join()
        self._http.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    async def handle(self, request: dict[str, Any], tell: Callable[[dict[str, Any], dict[str, Any]], None]) -> dict[str, Any]:
        """Do one job of the queue; never raises but when it is cancelled.

        Args:
            request: with `id` and `input`, a `RemoteJob`.
            tell: is given the request and a dictionary of progress.
        """
        try:
            job = RemoteJob.parsed(request.get("input"))
            self._check(job.spec)
            result = await self._result(job, partial(tell, request))
            if job.result_url is not None:
                await asyncio.to_thread(put_result, self._http, job.result_url, result.zipped())
                result = RemoteResult(stored=True, failure=result.failure)
        except Exception as error:
            _LOG.debug("a job failed", exc_info=error)
            result = RemoteResult(failure=_failure(as_ours(error)))
        answer = result.document()
        if result.failure is not None and result.transcript is None and not result.stored:
            # The queue calls it failed, and keeps this text; what else is in an answer is not sure to be kept then.
            answer["error"] = result.failure.model_dump_json()
        if self._broken is not None:
            answer["refresh_worker"] = True
        return answer

    def _check(self, spec: JobSpec) -> None:
        if spec.model != self._model:
            raise NotReady(f"This endpoint has the model {self._model}, not {spec.model}.", f"Use --model {self._model}.")
        if self._broken is not None:
            raise BackendFailed(f"The worker cannot go on: {self._broken}.")

    async def _result(self, remote: RemoteJob, tell: Tell) -> RemoteResult:
        folder = Path(tempfile.mkdtemp(dir=self._scratch))
        loop = asyncio.get_running_loop()
        task = _Task(folder, tell, loop.create_future(), loop)
        try:
            await asyncio.to_thread(self._begin, remote, task)
            outcome = await task.done
            return await asyncio.to_thread(_as_result, outcome)
        except asyncio.CancelledError:
            task.cancelled = True
            if self._pipeline is not None and task.job is not None:
                self._pipeline.cancel(task.job)
            raise
        finally:
            with self._changing:
                self._tasks.pop(folder.name, None)
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _begin(self, remote: RemoteJob, task: _Task) -> None:
        """Get the audio, and give the job to the pipeline."""
        path = task.folder / _file_name(remote.name)
        put_on_disk(remote, path, self._http, self._terms.max_bytes, lambda: task.cancelled)
        out = task.folder / "out"
        out.mkdir()
        output = Output(out, "recording")
        if remote.text is not None:
            (out / json_path(output).name).write_text(_unpacked(remote.text), "utf-8")
        if remote.turns is not None:
            path.with_name(f"{path.name}.rttm").write_text(_unpacked(remote.turns), "utf-8")
        decision = Decision.TRANSCRIBE if remote.text is None else Decision.DIARIZE
        recording = refresh(Recording(path, self._scratch))
        job = Job(recording, remote.spec, output, decision, "remote")
        with self._changing:
            if task.cancelled:
                return
            task.job = job
            self._tasks[task.folder.name] = task
        self._arriving.put(job)

    def _work(self, engines: list[Engine]) -> None:
        """The thread of the pipeline, for as long as the worker lives."""
        try:
            with ExitStack() as stack:
                loaders = [partial(_same, engine) for engine in engines]
                readers = open_decoders(self._settings, stack)
                diarizer = partial(load_diarizer, self._settings)
                self._pipeline = Pipeline(lambda: loaders, readers, self._hear, backend="runpod", load_diarizer=diarizer)
                for outcome in self._pipeline.run((), later_jobs=self._arrivals()):
                    self._settle(outcome.job, outcome)
        except BaseException as error:
            self._broken = as_ours(error)
            with self._changing:
                waiting = [task.job for task in self._tasks.values() if task.job is not None]
            for job in waiting:
                self._settle(job, Outcome(job, error=BackendFailed(f"The worker cannot go on: {self._broken}.")))

    def _arrivals(self) -> Iterator[Job]:
        while (job := self._arriving.get()) is not None:
            yield job

    def _settle(self, job: Job, outcome: Outcome) -> None:
        if (task := self._task(job.recording.label)) is not None:
            task.loop.call_soon_threadsafe(_resolve, task.done, outcome)

    def _hear(self, event: Event) -> None:
        """Pass on how far a recording is."""
        if not isinstance(event, RecordingProgress | SpeakersProgress):
            return
        task = self._task(event.recording)
        if task is None or time.monotonic() - task.told < PROGRESS_SECONDS:
            return
        task.told = time.monotonic()
        if isinstance(event, RecordingProgress):
            task.tell({"seconds": round(event.seconds, 3), "duration": round(event.duration, 3)})
        else:
            task.tell({"speakers": round(event.share, 3)})

    def _task(self, label: str) -> _Task | None:
        with self._changing:
            return self._tasks.get(PurePosixPath(label).parts[0])


def _as_result(outcome: Outcome) -> RemoteResult:
    transcript = outcome.transcript
    return RemoteResult(
        transcript=None if transcript is None else Packed.of(transcript.model_dump_json(exclude_none=True)),
        failure=None if outcome.error is None else _failure(outcome.error),
        voices=None if outcome.diarization is None else _voices(outcome.diarization),
        seconds=outcome.seconds,
    )


def _voices(found: Diarization) -> Voices:
    vectors = {label: [float(number) for number in vector] for label, vector in found.embeddings.items()}
    return Voices(turns=found.turns, embeddings=vectors, embedded_by=found.embedded_by)


def _failure(error: TranscribeError) -> Failure:
    """Whose failure it is: what cannot be done here for anybody is the setup's."""
    of: Literal["recording", "place", "setup"] = "place"
    if isinstance(error, RecordingError):
        of = "recording"
    elif isinstance(error, NotReady | UsageError):
        of = "setup"
    return Failure.because(error, of)


def _unpacked(packed: Packed) -> str:
    try:
        return packed.unpacked()
    except ValueError as error:
        raise UsageError("A text of the job is damaged.") from error


def _file_name(name: str) -> str:
    """The name of the recording, as messages have it and as some formats are known by; another when it is no plain one."""
    plain = (
        PurePosixPath(name).name == name and name.isprintable() and len(name.encode()) < 200 and name not in ("out", "..", ".")
    )
    return name if plain else "recording"


def _same(engine: Engine) -> Engine:
    return engine


def _resolve(done: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not done.done():
        done.set_result(outcome)
