"""RunPod serverless: jobs into the queue of an endpoint, transcripts out of it.

    client.py           the REST API of the queue
    answer.py           what it says about a job
    attempt.py          one recording, from sending it to its transcript
    errand.py           what all attempts share; what a worker's dialect has to say for itself
    watch.py            why jobs wait, and when to give up
    ours.py             what our worker takes and gives
    faster_whisper.py   the same for RunPod's public worker

What the API does was looked up in RunPod's documentation (August 2026); docs/runpod.md says what of it could not be tried.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import Any

from transcribe_cli.backends import ShouldRun, ShouldStop, never_stop
from transcribe_cli.backends.audio_upload import AudioUploader
from transcribe_cli.backends.job_ids import JobIds
from transcribe_cli.backends.runpod.attempt import carry_out
from transcribe_cli.backends.runpod.client import MOST_BYTES, Client
from transcribe_cli.backends.runpod.faster_whisper import FasterWhisperWorker
from transcribe_cli.backends.runpod.native_dialect import Ours
from transcribe_cli.backends.runpod.run_context import Dialect, Errand
from transcribe_cli.backends.runpod.stalled_queue import Watch
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

# Audio of so many bytes may be inside a request: base64 makes four bytes of three, and the rest of a request is small.
INLINE_BYTES = (MOST_BYTES - 400_000) * 3 // 4

# What workers are charged by whose cards the key may not ask for; a user's file of prices may have it.
UNTOLD = "runpod.any"


class RunPod:
    """An endpoint of RunPod serverless."""

    name = "runpod"

    def __init__(self, spec: JobSpec, settings: Settings, emit: Emit) -> None:
        self._spec = spec
        self._settings = settings
        self._emit = emit
        self._dialect: Dialect = Ours() if settings.dialect == "transcribe" else FasterWhisperWorker()
        self._tariffs: tuple[str, ...] = ()

    @property
    def tariffs(self) -> tuple[str, ...]:
        """By the GPUs that the endpoint may take."""
        return self._tariffs

    def check(self, jobs: Sequence[Job]) -> None:
        """Whether key and endpoint are right, and whether it may have workers.

        Raises:
            UsageError: the endpoint's worker cannot do what is asked.
            NotReady: no key, no endpoint, an endpoint that sleeps, a staging bucket that cannot be used.
        """
        if isinstance(self._dialect, FasterWhisperWorker):
            for line in self._dialect.cannot(jobs):
                self._emit(Notice(line, "warning"))
        with closing(self._client(StopFlag())) as client:
            client.check()
            self._look_at(client.about())
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
            errand = Errand(
                client=client,
                dialect=self._dialect,
                uploader=AudioUploader(settings, open_decoders(settings, stack), fetcher, staging, INLINE_BYTES),
                job_ids=job_ids,
                staging=staging,
                emit=self._emit,
                place=self._endpoint,
                tariffs=self._tariffs,
                queue_seconds=settings.max_queue * 3600,
                detach=settings.detach,
                waiting=Watch(client.workers, settings.max_start * 60, self._emit).saw,
            )
            yield from stack.enter_context(
                closing(run_in_threads(jobs, should_run, should_stop, partial(carry_out, errand), settings.in_flight, stop))
            )

    @property
    def _endpoint(self) -> str:
        if not (endpoint := self._settings.runpod_endpoint):
            raise NotReady("No RunPod endpoint is set.", "--runpod-endpoint takes its id; docs/runpod.md says how to make one.")
        return endpoint

    def _client(self, stop: StopFlag) -> Client:
        settings = self._settings
        if settings.runpod_api_key is None:
            raise NotReady("There is no key for RunPod.", "Set RUNPOD_API_KEY.")
        key = settings.runpod_api_key.get_secret_value()
        return Client(self._endpoint, key, settings.runpod_url, settings.runpod_api_url, stop.wait)

    def _staging(self) -> Staging | None:
        url = self._settings.staging
        return None if url is None else Staging(url, self._settings.storage)

    def _look_at(self, about: Mapping[str, Any]) -> None:
        """What the endpoint's configuration says: whether it may have workers, and what they cost."""
        workers, gpu = about.get("workers"), about.get("gpu")
        if isinstance(workers, dict) and workers.get("max") == 0:
            raise NotReady(
                f"The RunPod endpoint {self._endpoint} sleeps: it may have no workers.",
                "RunPod sets `max workers` to 0 after 7 days without a job; raise it in the console.",
            )
        pools, cards = (gpu.get("pools"), gpu.get("count")) if isinstance(gpu, dict) else (None, None)
        several = f"*{cards}" if isinstance(cards, int) and cards > 1 else ""  # prices are for one card
        self._tariffs = tuple(f"runpod.{pool}{several}" for pool in pools) if isinstance(pools, list) and pools else (UNTOLD,)
