"""Transcription from Python: the same pipeline as `transcribe run`, with results returned instead of written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from transcribe_cli.events import Emit, Notice, ignore_event
from transcribe_cli.pipeline.loading import check_diarizer, check_engine, engine_loaders, load_diarizer, open_decoders
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.pipeline.run import Pipeline
from transcribe_cli.plan import Decision, Job, plan
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.sources.fetch import GB, Fetcher
from transcribe_cli.speakers.naming import SpeakerNaming
from transcribe_cli.spec import JobSpec
from transcribe_cli.text.links import Links


def transcribe(
    sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    spec: JobSpec | None = None,
    settings: Settings | None = None,
    emit: Emit = ignore_event,
) -> Iterator[Outcome]:
    """Transcribe recordings and yield an outcome for each, in the order they finish: a `transcript`, or an `error`.

    Writes nothing, and transcribes recordings again that are already done. The model is loaded once, at the first step of the
    iteration; closing the iterator stops the work.

    Args:
        sources: the same as for `transcribe run`: files, folders, globs, `@list.txt`, manifests.
        spec: what to recognize and how.
        settings: device, batch size, filters for files, names of speakers; settings for outputs, limits, costs and display have
            no effect.
        emit: receives every event, also from other threads.

    Raises:
        SourceNotFound, UsageError: a source does not exist, or the model does not support the spec.
        ConfigError: the voice library is damaged.
        NotReady: the model, the device or scratch space is not available.
    """
    spec, settings = spec or JobSpec(), settings or Settings()
    named = [sources] if isinstance(sources, str | os.PathLike) else sources
    links = Links(follow=settings.follow_links)
    recordings = find_recordings(
        [os.fspath(source) for source in named],
        include=settings.include,
        exclude=settings.exclude,
        storage=settings.storage,
        links=links,
    )
    jobs = [_decide(job) for job in plan(recordings, spec, settings)]
    if links.message:
        emit(Notice(links.message, "warning"))
    for job in jobs:
        if job.decision is Decision.FAIL:
            yield Outcome(job, error=job.error)
    if waiting := [job for job in jobs if job.decision is Decision.TRANSCRIBE]:
        check_engine(spec, settings)
        naming = SpeakerNaming(settings, emit)
        naming.load_names(waiting)
        check_diarizer(waiting, settings)
        with ExitStack() as stack:
            fetcher = partial(Fetcher, round(settings.scratch_limit * GB))
            loaders, diarizer = partial(engine_loaders, spec, settings), partial(load_diarizer, settings)
            pipeline = Pipeline(loaders, open_decoders(settings, stack), emit, load_diarizer=diarizer, make_fetcher=fetcher)
            for outcome in pipeline.run(waiting):
                yield _with_names(outcome, naming)


def _with_names(outcome: Outcome, naming: SpeakerNaming) -> Outcome:
    """The outcome with the names of its speakers."""
    if outcome.transcript is None:
        return outcome
    return replace(outcome, transcript=naming.apply_names(outcome.job, outcome.transcript, outcome.diarization))


def _decide(job: Job) -> Job:
    """Transcribe every readable recording: existing outputs do not matter here."""
    if (error := job.recording.problem) is not None:
        return replace(job, decision=Decision.FAIL, error=error)
    return replace(job, decision=Decision.TRANSCRIBE, error=None)
