"""The local backend: the pipeline on this machine, with the devices and decoders that the settings name."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, closing
from functools import partial

from transcribe_cli.backends import ShouldRun, ShouldStop, never_stop
from transcribe_cli.events import Emit
from transcribe_cli.pipeline.checkpoint import Checkpoints
from transcribe_cli.pipeline.loading import check_diarizer, check_engine, engine_loaders, load_diarizer, open_decoders
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.pipeline.run import Pipeline
from transcribe_cli.plan import Decision, Job
from transcribe_cli.settings import Settings
from transcribe_cli.sources.fetch import GB, Fetcher
from transcribe_cli.spec import JobSpec


class Local:
    """Runs jobs on this machine. Models are loaded when the first recording needs them."""

    name = "local"
    tariffs = ()

    def __init__(self, spec: JobSpec, settings: Settings, emit: Emit) -> None:
        self._spec = spec
        self._settings = settings
        self._emit = emit

    def check(self, jobs: Sequence[Job]) -> None:
        """Check models and devices; downloads models that are missing.

        Raises:
            UsageError, NotReady: see `loading`.
        """
        if any(job.decision is Decision.TRANSCRIBE for job in jobs):
            check_engine(self._spec, self._settings)
        check_diarizer(jobs, self._settings)

    def run(self, jobs: Iterable[Job], should_run: ShouldRun, should_stop: ShouldStop = never_stop) -> Generator[Outcome]:
        """See `pipeline.Pipeline.run`; all jobs are taken at once, so clips of different jobs can share a batch."""
        with ExitStack() as stack:
            pipeline = Pipeline(
                partial(engine_loaders, self._spec, self._settings),
                open_decoders(self._settings, stack),
                self._emit,
                Checkpoints(self._settings.state_dir),
                load_diarizer=partial(load_diarizer, self._settings),
                make_fetcher=partial(Fetcher, round(self._settings.scratch_limit * GB)),
            )
            yield from stack.enter_context(closing(pipeline.run(tuple(jobs), should_run, should_stop)))
