"""`transcribe plan`: show what a run would do, without doing it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from transcribe_cli.cli.durations import read_durations
from transcribe_cli.cli.estimates import Estimates, Work, estimate_line, estimate_record, estimate_table, source_lines
from transcribe_cli.cli.options import with_job_options
from transcribe_cli.cli.session import ConfigFile, Profile, Sources, configure, plan_jobs, shard_of
from transcribe_cli.config import Config
from transcribe_cli.errors import RecordingError
from transcribe_cli.plan import NEEDS_MODEL, Decision, Job
from transcribe_cli.reporting.messages import format_duration, pluralize
from transcribe_cli.text.printable import printable


@with_job_options
def plan(
    sources: Sources = None,
    config: ConfigFile = None,
    profile: Profile = None,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Also estimate time and cost on other backends, at today's prices where available."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    **flags: Any,  # noqa: ANN401 - one for each option, see options.py
) -> int:
    """Show what `run` would do with each recording, and estimate time and cost.

    Writes no outputs and loads no model.

    transcribe plan ./aulas --model small

    transcribe plan ./aulas --compare
    """
    sources = sources or []
    configured = configure(sources, flags, config, profile)
    return print_plan(plan_jobs(sources, configured), configured, compare=compare, as_json=as_json)


def print_plan(jobs: Sequence[Job], config: Config, *, compare: bool = False, as_json: bool) -> int:
    """Print the plan; the exit code, 3 when a recording is known to fail.

    Raises:
        ConfigError: the user's price file is invalid.
    """
    shard = shard_of(config)
    seconds = read_durations([job for job in jobs if job.decision is not Decision.FAIL])
    known = [seconds.get(job.recording.uri) for job in jobs]
    work = _work(jobs, known)
    estimates = Estimates(config, work)
    local = estimates.local_estimate()
    all_estimates = [local, *(estimates.remote_estimates() if compare else ())]
    if as_json:
        compared = (
            {"compare": [estimate_record(result) for result in all_estimates[1:]], "notes": estimates.notes} if compare else {}
        )
        typer.echo(json.dumps({**_document(jobs, known, shard), "estimate": estimate_record(local), **compared}, indent=1))
    else:
        lines = [*_lines(jobs, known, shard), estimate_line(local, work)]
        if compare:
            lines += ["", *estimate_table(all_estimates), "", *source_lines(estimates.prices, all_estimates), *estimates.notes]
        for text in lines if compare else filter(None, lines):
            typer.echo(text)
    return RecordingError.exit_code if any(job.decision is Decision.FAIL for job in jobs) else 0


def _document(jobs: Sequence[Job], durations: Sequence[float | None], shard: str | None) -> dict[str, Any]:
    return {
        "shard": shard,
        "recordings": [
            {
                "name": job.recording.name,
                "uri": job.recording.uri,
                "size": job.recording.size,
                "duration": None if duration is None else round(duration, 3),
                "decision": job.decision.value,
                "reason": job.reason,
                "fingerprint": job.spec.fingerprint,
            }
            for job, duration in zip(jobs, durations, strict=True)
        ],
        "totals": {decision.value: sum(job.decision is decision for job in jobs) for decision in Decision},
        "seconds_to_transcribe": round(_to_transcribe(jobs, durations), 3),
    }


def _lines(jobs: Sequence[Job], durations: Sequence[float | None], shard: str | None) -> list[str]:
    names = [printable(job.recording.label) for job in jobs]
    width = min(60, max(map(len, names), default=0))
    lines = [
        f"{job.decision.value:<10}  {name:<{width}}  {'?' if duration is None else format_duration(duration):>8}  {printable(job.reason)}"
        for job, name, duration in zip(jobs, names, durations, strict=True)
    ]
    counts = [
        f"{count} {word}"
        for decision, word in (
            (Decision.TRANSCRIBE, "to transcribe"),
            (Decision.DIARIZE, "to diarize"),
            (Decision.RENDER, "to render"),
            (Decision.DONE, "done"),
            (Decision.FAIL, "will fail"),
        )
        if (count := sum(job.decision is decision for job in jobs))
    ]
    seconds = _to_transcribe(jobs, durations)
    work = f" {format_duration(seconds)} of audio to transcribe." if seconds else ""
    in_shard = f" in shard {shard}" if shard else ""
    return [*lines, f"{pluralize(len(jobs), 'recording')}{in_shard}{': ' if counts else ''}{', '.join(counts)}.{work}"]


def _work(jobs: Sequence[Job], durations: Sequence[float | None]) -> Work:
    waiting = [(job.decision, duration) for job, duration in zip(jobs, durations, strict=True) if job.decision in NEEDS_MODEL]
    return Work(
        text_seconds=_to_transcribe(jobs, durations),
        speakers_seconds=sum(duration or 0.0 for decision, duration in waiting if decision is Decision.DIARIZE),
        of_unknown_length=sum(duration is None for _, duration in waiting),
    )


def _to_transcribe(jobs: Sequence[Job], durations: Sequence[float | None]) -> float:
    return sum(duration or 0.0 for job, duration in zip(jobs, durations, strict=True) if job.decision is Decision.TRANSCRIBE)
