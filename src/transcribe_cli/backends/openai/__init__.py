"""Any server of the OpenAI transcription API: OpenAI, Groq, or one of the user's own.

Recordings are decoded and searched for speech on this machine, by the pipeline of `run`; its clips are longer, or shorter, as the server
wants them, and its recognizer is the server.

    models.py       what is known of services and models, as data
    asked.py        what is asked of a model that it cannot do
    client.py       the API over HTTP
    troubles.py     what a server says when it does not transcribe, and whose failure it is
    piece.py        a clip as a file to send
    answer.py       what a server answers, as words and phrases
    paid.py         answers on disk until the transcript is written
    recognizer.py   the recognizer of the pipeline
    feed.py         the pipeline, to which jobs come one by one
    standing.py     whether the server has the model, and for how long

docs/openai.md says what was tried and what could not be.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial

from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.backends import ShouldRun, ShouldStop, never_stop
from transcribe_cli.backends.openai.answer_cache import Answers
from transcribe_cli.backends.openai.capabilities import check_asked, left_out
from transcribe_cli.backends.openai.client import Client
from transcribe_cli.backends.openai.clip_file import WAV_BYTES
from transcribe_cli.backends.openai.errors import variable
from transcribe_cli.backends.openai.model_status import check_standing, is_loopback
from transcribe_cli.backends.openai.models import MOST_BYTES, Server, Times, check_name
from transcribe_cli.backends.openai.recognizer import Recognizer
from transcribe_cli.backends.openai.shared_pipeline import Feed
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

# Where our cuts are the only times, speech after a pause of this length is another piece, in seconds.
_CUT_GAP = 1.0
# Requests have their own limits of time; a limit of requests or of audio in an hour may have to be waited out between them.
_PATIENCE_SECONDS = 24 * 3600.0


class OpenAI:
    """A server of the OpenAI API."""

    name = "openai"

    def __init__(self, spec: JobSpec, settings: Settings, emit: Emit) -> None:
        self._spec = spec
        self._settings = settings
        self._emit = emit
        self._server = Server(settings.base_url, settings.api_times)
        self._tariffs: dict[str, tuple[str, ...]] = {}

    @property
    def tariffs(self) -> tuple[str, ...]:
        """By the models that are asked for."""
        return tuple(dict.fromkeys(tariff for tariffs in self._tariffs.values() for tariff in tariffs))

    def check(self, jobs: Sequence[Job]) -> None:
        """Whether server, key and model are right, and can do what is asked.

        Raises:
            UsageError: the model cannot do it, or has ended.
            NotReady: no key, a wrong one, no such model, nobody answers; no diarizer here, where speakers are asked for.
        """
        server, settings = self._server, self._settings
        asked = [job.spec for job in jobs if job.decision is Decision.TRANSCRIBE] or ([] if jobs else [self._spec])
        specs = list(dict.fromkeys(asked))
        for spec in specs:
            check_name(server, spec.model)
            check_asked(spec, server, settings)
        check_diarizer(jobs, settings)
        if not specs:
            return
        key = self._key()
        if key and server.base_url.startswith("http:") and not is_loopback(server):
            self._emit(Notice(f"The key goes to {server.host} without encryption.", "warning"))
        with closing(Client(server, key, StopFlag())) as client:
            listed = client.models()
            if listed is None:
                client.check_address()
        prices = load_prices(settings.prices)
        for model in dict.fromkeys(spec.model for spec in specs):
            self._tariffs[model] = check_standing(server, model, listed, prices, self._emit)
        for line in dict.fromkeys(line for spec in specs for line in left_out(spec, server)):
            self._emit(Notice(line))

    def run(self, jobs: Iterable[Job], should_run: ShouldRun, should_stop: ShouldStop = never_stop) -> Generator[Outcome]:
        """See `backends.Backend.run`."""
        settings, server, stop = self._settings, self._server, StopFlag()
        with ExitStack() as stack:
            client = stack.enter_context(closing(Client(server, self._key(), stop)))
            answers = Answers(settings.state_dir, server.base_url)
            answers.sweep()
            feed = Feed(stop)
            recognizer = Recognizer(
                server,
                client,
                answers,
                feed.job,
                self._spec,
                opus=self._opus,
                at_once=settings.in_flight,
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
                make_packer=self._packing,
                batch_timeout=lambda seconds: _PATIENCE_SECONDS,
            )
            stack.enter_context(feed)
            feed.start(pipeline)

            def carry_out(job: Job, told: StopFlag) -> Outcome:
                number, outcome = feed.carry_out(job, told)
                return self._settled(outcome, recognizer, number)

            yield from stack.enter_context(
                closing(run_in_threads(jobs, should_run, should_stop, carry_out, settings.in_flight, stop))
            )

    def _settled(self, outcome: Outcome, recognizer: Recognizer, number: int) -> Outcome:
        """With what it may cost, and with what is kept until it is written."""
        spent, error = recognizer.spent(number), outcome.error
        model = outcome.job.spec.model
        usage = Usage(
            backend=self.name,
            place=self._server.host,
            tariffs=self._tariffs.get(model, ()),
            audio=spent.seconds,
            bytes_sent=spent.bytes,
            error=error.code if error and outcome.transcript is None else "",
            perhaps_again=spent.perhaps_again,
        )
        kept = recognizer.paid(number) if outcome.transcript is not None else None
        return replace(outcome, usage=(usage,) if spent.requests else (), checkpoint=kept)

    @property
    def _opus(self) -> bool:
        """Whether audio is sent as Opus: to others it is, to a server of one's own the very samples are."""
        if self._settings.upload == "auto":
            return self._server.service is not None
        return self._settings.upload == "opus"

    def _packing(self, spec: JobSpec) -> Packer:
        """Clips as long as the server takes them; short ones where our cuts are the only times, or each may be in another language."""
        model = self._server.model(spec.model)
        longest = min(model.longest, CLIP_SECONDS if spec.multilingual else model.longest)
        if not self._opus:
            longest = min(longest, MOST_BYTES / WAV_BYTES)
        gap = _CUT_GAP if model.times is Times.NONE else longest
        return Packer(int(longest * SAMPLE_RATE), max_gap=int(gap * SAMPLE_RATE))

    def _key(self) -> str | None:
        """The key for this server, and for no other.

        Raises:
            NotReady: a service that wants one, and there is none.
        """
        settings, service = self._settings, self._server.service
        secret = settings.api_key or (getattr(settings, service.key) if service else None)
        if secret is None and service is not None:
            raise NotReady(f"There is no key for {service.name}.", f"Set {variable(self._server)}.")
        return secret.get_secret_value() if secret is not None else None
