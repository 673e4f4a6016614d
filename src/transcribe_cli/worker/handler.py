"""Runs the jobs of a queue in one pipeline, and returns each outcome to the caller that waits for it.

All jobs of the worker share the models, which are loaded once, and the batches of the device: it is the pipeline of `transcribe run`, kept
running for as long as the worker lives.
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
from typing import Any

from transcribe_cli.audio import scratch
from transcribe_cli.backends.protocol import PackedText, RemoteJob, RemoteResult
from transcribe_cli.errors import BackendFailed, TranscribeError, UsageError
from transcribe_cli.events import Event, Notice, RecordingProgress, SpeakersProgress
from transcribe_cli.pipeline.loading import check_engine, engine_loaders, load_diarizer, open_decoders
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.pipeline.run import Pipeline
from transcribe_cli.plan import Decision, Job
from transcribe_cli.recognition.engines import Engine
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import Output, json_path
from transcribe_cli.sources import Recording, refresh
from transcribe_cli.spec import JobSpec
from transcribe_cli.worker.accepted_spec import accepted
from transcribe_cli.worker.limits import WorkerLimits
from transcribe_cli.worker.results import to_failure, to_result, to_transcribe_error
from transcribe_cli.worker.transfer import save_audio, upload_result

_LOG = logging.getLogger(__name__)
# The minimum interval between progress updates of a job, in seconds: each update costs the SDK a thread and a connection.
PROGRESS_SECONDS = 3.0

ReportProgress = Callable[[dict[str, Any]], None]


@dataclass(eq=False)
class _Task:
    """A job whose caller waits for `outcome`."""

    folder: Path
    report_progress: ReportProgress
    outcome: asyncio.Future[Outcome]
    loop: asyncio.AbstractEventLoop
    job: Job | None = None
    is_cancelled: bool = False
    reported_at: float = field(default_factory=time.monotonic)


class Worker:
    """Handles the requests of RunPod's SDK.

    Args:
        spec: its models are loaded; jobs that request others are refused.
        settings: device, batch size, maximum duration.
        limits: what is refused.
    """

    def __init__(self, spec: JobSpec, settings: Settings, limits: WorkerLimits) -> None:
        self._spec = spec
        self._settings = settings
        self._limits = limits
        self._new_jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._tasks: dict[str, _Task] = {}
        self._lock = threading.Lock()
        self._fatal_error: TranscribeError | None = None
        self._pipeline: Pipeline | None = None
        self._thread: threading.Thread | None = None
        self._scratch_parent = scratch.folder(None)
        scratch.sweep(self._scratch_parent)  # recordings that a killed worker left
        self._scratch = scratch.create_folder(self._scratch_parent)

    def start(self) -> None:
        """Load the recognizer and start the pipeline.

        Raises:
            UsageError, NotReady: the model or the device is not available.
        """
        check_engine(self._spec, self._settings)
        engines = [load() for load in engine_loaders(self._spec, self._settings)]
        self._thread = threading.Thread(target=self._run_pipeline, args=(engines,), name="pipeline", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish the jobs in progress and stop."""
        self._new_jobs.put(None)
        if self._thread is not None:
            self._thread.join()
        self._scratch.remove()

    async def handle(
        self, request: dict[str, Any], progress_update: Callable[[dict[str, Any], dict[str, Any]], None]
    ) -> dict[str, Any]:
        """Run one job of the queue. Raises nothing except CancelledError.

        Args:
            request: a dictionary with `id` and `input`, a `RemoteJob`.
            progress_update: called with the request and a dictionary of progress.
        """
        try:
            job = RemoteJob.parse(request.get("input"))
            self._check_usable()
            job = job.model_copy(update={"spec": accepted(job.spec, self._spec)})
            result = await self._run_job(job, partial(progress_update, request))
            if job.result_url is not None:
                await asyncio.to_thread(upload_result, job.result_url, result.compress(), self._limits)
                result = RemoteResult(stored=True, failure=result.failure)
        except Exception as error:
            _LOG.debug("A job failed.", exc_info=error)
            result = RemoteResult(failure=to_failure(to_transcribe_error(error)))
        response = result.to_document()
        if result.failure is not None and result.transcript is None and not result.stored:
            # With `error`, the queue marks the job as failed and keeps this text; it may not keep the rest of the response.
            response["error"] = result.failure.model_dump_json()
        if self._fatal_error is not None:
            response["refresh_worker"] = True
        return response

    def _check_usable(self) -> None:
        if self._fatal_error is not None:
            raise self._unusable(self._fatal_error)

    def _unusable(self, cause: TranscribeError) -> BackendFailed:
        return BackendFailed(f"The worker cannot continue: {cause}.")

    async def _run_job(self, remote: RemoteJob, report_progress: ReportProgress) -> RemoteResult:
        folder = Path(tempfile.mkdtemp(dir=self._scratch.path))
        loop = asyncio.get_running_loop()
        task = _Task(folder, report_progress, loop.create_future(), loop)
        try:
            await asyncio.to_thread(self._enqueue, remote, task)
            outcome = await task.outcome
            return await asyncio.to_thread(to_result, outcome)
        except asyncio.CancelledError:
            task.is_cancelled = True
            if self._pipeline is not None and task.job is not None:
                self._pipeline.cancel(task.job)
            raise
        finally:
            with self._lock:
                self._tasks.pop(folder.name, None)
            await asyncio.to_thread(self._clean_up, folder)

    def _clean_up(self, folder: Path) -> None:
        """Remove the files of a job, and those of workers that were killed a minute ago or earlier."""
        shutil.rmtree(folder, ignore_errors=True)
        scratch.sweep(self._scratch_parent)

    def _enqueue(self, remote: RemoteJob, task: _Task) -> None:
        """Write the files of a job to its folder, and pass the job to the pipeline."""
        path = task.folder / _file_name(remote.name)
        save_audio(remote, path, self._limits, lambda: task.is_cancelled)
        out = task.folder / "out"
        out.mkdir()
        output = Output(out, "recording")
        if remote.text is not None:
            (out / json_path(output).name).write_bytes(_unpack(remote.text))
        if remote.turns is not None:
            path.with_name(f"{path.name}.rttm").write_bytes(_unpack(remote.turns))
        decision = Decision.TRANSCRIBE if remote.text is None else Decision.DIARIZE
        recording = refresh(Recording(path, self._scratch.path))
        job = Job(recording, remote.spec, output, decision, "remote")
        with self._lock:
            if task.is_cancelled:
                return
            task.job = job
            self._tasks[task.folder.name] = task
        self._new_jobs.put(job)

    def _run_pipeline(self, engines: list[Engine]) -> None:
        """Run the pipeline until the worker is closed. The target of the thread."""
        try:
            with ExitStack() as stack:
                loaders = [partial(_loaded, engine) for engine in engines]
                decoders = open_decoders(self._settings, stack)
                diarizer = partial(load_diarizer, self._settings)
                self._pipeline = Pipeline(lambda: loaders, decoders, self._on_event, backend="runpod", load_diarizer=diarizer)
                for outcome in self._pipeline.run((), later_jobs=self._arriving_jobs()):
                    self._deliver(outcome.job, outcome)
        except BaseException as error:
            self._fatal_error = to_transcribe_error(error)
            with self._lock:
                unfinished = [task.job for task in self._tasks.values() if task.job is not None]
            for job in unfinished:
                self._deliver(job, Outcome(job, error=self._unusable(self._fatal_error)))

    def _arriving_jobs(self) -> Iterator[Job]:
        while (job := self._new_jobs.get()) is not None:
            yield job

    def _deliver(self, job: Job, outcome: Outcome) -> None:
        if (task := self._task(job.recording.label)) is not None:
            task.loop.call_soon_threadsafe(_set_result, task.outcome, outcome)

    def _on_event(self, event: Event) -> None:
        """Report the progress of a recording to its caller, and warnings to the log of the endpoint."""
        if isinstance(event, Notice) and event.level == "warning":
            _LOG.warning(event.message)
        if not isinstance(event, RecordingProgress | SpeakersProgress):
            return
        task = self._task(event.recording)
        if task is None or time.monotonic() - task.reported_at < PROGRESS_SECONDS:
            return
        task.reported_at = time.monotonic()
        if isinstance(event, RecordingProgress):
            task.report_progress({"seconds": round(event.seconds, 3), "duration": round(event.duration, 3)})
        else:
            task.report_progress({"speakers": round(event.share, 3)})

    def _task(self, label: str) -> _Task | None:
        with self._lock:
            return self._tasks.get(PurePosixPath(label).parts[0])


def _unpack(packed: PackedText) -> bytes:
    try:
        return packed.unpack().encode()
    except ValueError as error:  # also for lone surrogates
        raise UsageError("The transcript or the speaker turns in the job are damaged.") from error


def _file_name(name: str) -> str:
    """Return the name of the recording, for messages and for formats that are detected by extension; `recording` if it is unsafe."""
    is_safe = (
        PurePosixPath(name).name == name and name.isprintable() and len(name.encode()) < 200 and name not in ("out", "..", ".")
    )
    return name if is_safe else "recording"


def _loaded(engine: Engine) -> Engine:
    """A loader for an engine that is already loaded."""
    return engine


def _set_result(future: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not future.done():
        future.set_result(outcome)
