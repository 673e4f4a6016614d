"""The backend `openai`: any server of the OpenAI transcription API, such as OpenAI, Groq, or one of the user's own.

The pipeline of `run` decodes recordings and detects speech on this machine. Its clips have the length that suits the server, and its
recognizer is the server.

    models.py            capabilities of services and models, as data
    capabilities.py      refuses or reports what a model does not support
    model_status.py      whether the server has the model, and for how long
    client.py            the API over HTTP
    errors.py            maps error responses to errors
    form.py              the fields of a request
    clip_file.py         encodes a clip as a file
    answer.py            parses an answer into words and phrases
    answer_cache.py      answers on disk until the transcript is written
    recognizer.py        the recognizer of the pipeline
    shared_pipeline.py   the pipeline, to which jobs come one by one

docs/openai.md says what was tested and what could not be.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial

from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.backends import ShouldRun, ShouldStop, never_stop
from transcribe_cli.backends.openai.answer_cache import AnswerCache
from transcribe_cli.backends.openai.capabilities import check_capabilities, limitations
from transcribe_cli.backends.openai.client import Client
from transcribe_cli.backends.openai.clip_file import WAV_BYTES_PER_SECOND
from transcribe_cli.backends.openai.errors import key_variable
from transcribe_cli.backends.openai.form import shortening
from transcribe_cli.backends.openai.model_status import check_model, is_loopback
from transcribe_cli.backends.openai.models import MAX_FILE_BYTES, Server, Times, check_model_name
from transcribe_cli.backends.openai.recognizer import Recognizer
from transcribe_cli.backends.openai.shared_pipeline import SharedPipeline
from transcribe_cli.backends.thread_pool import StopFlag, run_in_threads
from transcribe_cli.costs.prices import load_prices
from transcribe_cli.costs.usage import Usage
from transcribe_cli.errors import NotReady
from transcribe_cli.events import Emit, Notice
from transcribe_cli.pipeline.loading import check_diarizer, load_diarizer, open_decoders
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.pipeline.run import Pipeline
from transcribe_cli.plan import Decision, Job
from transcribe_cli.settings import Settings
from transcribe_cli.sources.fetch import GB, Fetcher
from transcribe_cli.spec import JobSpec
from transcribe_cli.vad import CLIP_SECONDS, Packer

# Longest pause inside a clip where the cuts are the only times, in seconds.
_TEXT_ONLY_MAX_GAP = 1.0
# Timeout of a batch. Requests have their own timeouts, but the client may wait out an hourly rate limit between them.
_BATCH_TIMEOUT_SECONDS = 24 * 3600.0


class OpenAI:
    """Runs jobs on a server of the OpenAI API."""

    name = "openai"

    def __init__(self, spec: JobSpec, settings: Settings, emit: Emit) -> None:
        self._spec = spec
        self._settings = settings
        self._emit = emit
        self._server = Server(settings.base_url, settings.api_times)
        self._tariffs: dict[str, tuple[str, ...]] = {}

    @property
    def tariffs(self) -> tuple[str, ...]:
        """Those of the requested models."""
        return tuple(dict.fromkeys(tariff for tariffs in self._tariffs.values() for tariff in tariffs))

    def check(self, jobs: Sequence[Job]) -> None:
        """Check the server, the key, the models and their capabilities.

        Raises:
            UsageError: a model does not support the request, or was shut down.
            NotReady: no key, a wrong one, no such model, no answer, or no diarizer here where the spec needs one.
        """
        server, settings = self._server, self._settings
        requested = [job.spec for job in jobs if job.decision is Decision.TRANSCRIBE] or ([] if jobs else [self._spec])
        specs = list(dict.fromkeys(requested))
        for spec in specs:
            check_model_name(server, spec.model)
            check_capabilities(spec, server, settings)
        check_diarizer(jobs, settings)
        if not specs:
            return
        key = self._key()
        if key and server.base_url.startswith("http:") and not is_loopback(server):
            self._emit(Notice(f"The API key is sent to {server.host} without encryption.", "warning"))
        with closing(Client(server, key, StopFlag())) as client:
            listed = client.models()
            if listed is None:
                client.check_address()
        prices = load_prices(settings.prices)
        for model in dict.fromkeys(spec.model for spec in specs):
            self._tariffs[model] = check_model(server, model, listed, prices, self._emit)
        for message in dict.fromkeys(message for spec in specs for message in limitations(spec, server)):
            self._emit(Notice(message))
        if sentence := next(filter(None, (shortening(server, spec) for spec in specs)), None):  # once in a run
            self._emit(Notice(sentence, "warning"))

    def run(self, jobs: Iterable[Job], should_run: ShouldRun, should_stop: ShouldStop = never_stop) -> Generator[Outcome]:
        """See `backends.Backend.run`."""
        settings, server, stop = self._settings, self._server, StopFlag()
        with ExitStack() as stack:
            client = stack.enter_context(closing(Client(server, self._key(), stop)))
            answers = AnswerCache(settings.state_dir, server.base_url)
            answers.sweep()
            shared = SharedPipeline(stop)
            recognizer = Recognizer(
                server,
                client,
                answers,
                shared.job,
                self._spec,
                opus=self._opus,
                concurrency=settings.in_flight,
                stop=stop,
                emit=self._emit,
            )
            pipeline = Pipeline(
                lambda: [lambda: recognizer],
                open_decoders(settings, stack),
                self._emit,
                backend=self.name,
                load_diarizer=partial(load_diarizer, settings),
                make_fetcher=partial(Fetcher, round(settings.scratch_limit * GB)),
                make_packer=self._make_packer,
                batch_timeout=lambda seconds: _BATCH_TIMEOUT_SECONDS,
            )
            stack.enter_context(shared)
            shared.start(pipeline)

            def run_job(job: Job, stop: StopFlag) -> Outcome:
                number, outcome = shared.run_job(job, stop)
                return self._with_usage(outcome, recognizer, number)

            yield from stack.enter_context(
                closing(run_in_threads(jobs, should_run, should_stop, run_job, settings.in_flight, stop))
            )

    def _with_usage(self, outcome: Outcome, recognizer: Recognizer, number: int) -> Outcome:
        """With its usage, and with the answers as its checkpoint."""
        sent, error = recognizer.sent(number), outcome.error
        model = outcome.job.spec.model
        usage = Usage(
            backend=self.name,
            place=self._server.host,
            tariffs=self._tariffs.get(model, ()),
            audio=sent.seconds,
            bytes_sent=sent.bytes,
            error=error.code if error and outcome.transcript is None else "",
            perhaps_again=sent.perhaps_again,
        )
        answers = recognizer.answers(number) if outcome.transcript is not None else None
        return replace(outcome, usage=(usage,) if sent.requests else (), checkpoint=answers)

    @property
    def _opus(self) -> bool:
        """Whether audio is sent as Opus. By default it is for services; a server of the user's own gets WAV."""
        if self._settings.upload == "auto":
            return self._server.service is not None
        return self._settings.upload == "opus"

    def _make_packer(self, spec: JobSpec) -> Packer:
        """A packer for clips as long as the server accepts; short ones where the cuts are the only times, or where languages may change."""
        model = self._server.model(spec.model)
        max_seconds = min(model.max_seconds, CLIP_SECONDS if spec.multilingual else model.max_seconds)
        if not self._opus:
            max_seconds = min(max_seconds, MAX_FILE_BYTES / WAV_BYTES_PER_SECOND)
        max_gap = _TEXT_ONLY_MAX_GAP if model.times is Times.NONE else max_seconds
        return Packer(int(max_seconds * SAMPLE_RATE), max_gap=int(max_gap * SAMPLE_RATE))

    def _key(self) -> str | None:
        """The key for this server. Keys of services are sent to no other server.

        Raises:
            NotReady: a service without a key.
        """
        settings, service = self._settings, self._server.service
        secret = settings.api_key or (getattr(settings, service.key_setting) if service else None)
        if secret is None and service is not None:
            raise NotReady(f"There is no key for {service.name}.", f"Set {key_variable(self._server)}.")
        return secret.get_secret_value() if secret is not None else None
