"""The backend for RunPod serverless: queues jobs at an endpoint and collects the transcripts.

    client.py           the REST API of the queue
    job_status.py       the status of a job as the queue reports it
    attempt.py          one recording, from submission to transcript
    submission.py       uploading the audio and queueing the job
    polling.py          polling a job until it ends
    tracked_job.py      the job id on disk and the objects in the staging bucket
    run_context.py      what all attempts of a run share; the interface of a worker dialect
    stalled_queue.py    why jobs wait, and when to give up
    native_dialect.py   requests and results of `transcribe worker`
    faster_whisper.py   requests and results of RunPod's public worker

What the API does was looked up in RunPod's documentation (August 2026); docs/runpod.md lists what could not be tried.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import Any

from transcribe_cli.backends import ShouldRun, ShouldStop, never_stop
from transcribe_cli.backends.audio_upload import AudioUploader
from transcribe_cli.backends.job_ids import JobIds
from transcribe_cli.backends.runpod.attempt import run_job
from transcribe_cli.backends.runpod.client import MAX_REQUEST_BYTES, Client
from transcribe_cli.backends.runpod.faster_whisper import FasterWhisperDialect
from transcribe_cli.backends.runpod.native_dialect import NativeDialect
from transcribe_cli.backends.runpod.run_context import Dialect, RunContext
from transcribe_cli.backends.runpod.stalled_queue import StalledQueueDetector
from transcribe_cli.backends.staging import Staging
from transcribe_cli.backends.thread_pool import StopFlag, run_in_threads
from transcribe_cli.errors import NotReady
from transcribe_cli.events import Emit, Notice
from transcribe_cli.pipeline.loading import open_decoders
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Job
from transcribe_cli.settings import Settings
from transcribe_cli.sources.fetch import GB, Fetcher
from transcribe_cli.spec import JobSpec

# The largest audio file sent inside a request. Base64 adds a third; 400 kB are reserved for the rest of the request.
INLINE_BYTES = (MAX_REQUEST_BYTES - 400_000) * 3 // 4

# The tariff of an endpoint whose GPU types are not known, because the key has no permission to read them. A user's price file may list it.
UNKNOWN_GPU_TARIFF = "runpod.any"


class RunPod:
    """An endpoint of RunPod serverless."""

    name = "runpod"

    def __init__(self, spec: JobSpec, settings: Settings, emit: Emit) -> None:
        self._spec = spec
        self._settings = settings
        self._emit = emit
        self._dialect: Dialect = NativeDialect() if settings.dialect == "transcribe" else FasterWhisperDialect()
        self._tariffs: tuple[str, ...] = ()

    @property
    def tariffs(self) -> tuple[str, ...]:
        """One for each GPU pool of the endpoint."""
        return self._tariffs

    def check(self, jobs: Sequence[Job]) -> None:
        """Check the key and the endpoint, and that the endpoint can start workers.

        Raises:
            UsageError: the endpoint's worker does not support the jobs.
            NotReady: there is no key or endpoint, the endpoint is asleep, or the staging bucket cannot be used.
        """
        if isinstance(self._dialect, FasterWhisperDialect):
            for warning in self._dialect.check_jobs(jobs):
                self._emit(Notice(warning, "warning"))
        with closing(self._client(StopFlag())) as client:
            client.check()
            self._read_config(client.endpoint_config())
        if (staging := self._staging()) is not None:
            staging.check()

    def run(self, jobs: Iterable[Job], should_run: ShouldRun, should_stop: ShouldStop = never_stop) -> Generator[Outcome]:
        """See `backends.Backend.run`."""
        settings = self._settings
        stop = StopFlag()
        with ExitStack() as stack:
            client = stack.enter_context(closing(self._client(stop)))
            fetcher = stack.enter_context(closing(Fetcher(round(settings.scratch_limit * GB))))
            staging = self._staging()
            job_ids = JobIds(settings.state_dir, self.name, self._endpoint)
            job_ids.sweep()
            context = RunContext(
                client=client,
                dialect=self._dialect,
                uploader=AudioUploader(settings, open_decoders(settings, stack), fetcher, staging, INLINE_BYTES),
                job_ids=job_ids,
                staging=staging,
                emit=self._emit,
                endpoint=self._endpoint,
                tariffs=self._tariffs,
                queue_seconds=settings.max_queue * 3600,
                detach=settings.detach,
                check_queue=StalledQueueDetector(client.worker_counts, settings.max_start * 60, self._emit).check,
            )
            yield from stack.enter_context(
                closing(run_in_threads(jobs, should_run, should_stop, partial(run_job, context), settings.in_flight, stop))
            )

    @property
    def _endpoint(self) -> str:
        if not (endpoint := self._settings.runpod_endpoint):
            raise NotReady(
                "No RunPod endpoint is set.", "Set its id with --runpod-endpoint; docs/runpod.md describes how to create one."
            )
        return endpoint

    def _client(self, stop: StopFlag) -> Client:
        settings = self._settings
        if settings.runpod_api_key is None:
            raise NotReady("No RunPod API key is set.", "Set RUNPOD_API_KEY.")
        key = settings.runpod_api_key.get_secret_value()
        return Client(self._endpoint, key, settings.runpod_url, settings.runpod_api_url, stop.wait)

    def _staging(self) -> Staging | None:
        url = self._settings.staging
        return None if url is None else Staging(url, self._settings.storage)

    def _read_config(self, config: Mapping[str, Any]) -> None:
        """Check that the endpoint can start workers, and read which GPUs are charged."""
        workers, gpu = config.get("workers"), config.get("gpu")
        if isinstance(workers, dict) and workers.get("max") == 0:
            raise NotReady(
                f"The RunPod endpoint {self._endpoint} is asleep: its max workers is 0.",
                "RunPod sets max workers to 0 after 7 days without a job; raise it in the console.",
            )
        pools, count = (gpu.get("pools"), gpu.get("count")) if isinstance(gpu, dict) else (None, None)
        multiple = f"*{count}" if isinstance(count, int) and count > 1 else ""  # prices are per card
        if isinstance(pools, list) and pools:
            self._tariffs = tuple(f"runpod.{pool}{multiple}" for pool in pools)
        else:
            self._tariffs = (UNKNOWN_GPU_TARIFF,)
