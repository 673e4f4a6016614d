"""`transcribe plan`: what a run would do and why, without doing it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from transcribe_cli.cli.options import with_job_options
from transcribe_cli.cli.session import ConfigFile, Profile, Sources, configure, jobs_for
from transcribe_cli.errors import RecordingError
from transcribe_cli.plan import Decision, Job
from transcribe_cli.printable import printable
from transcribe_cli.reporting.sentences import clock, counted

if TYPE_CHECKING:
    from transcribe_cli.audio import Decoder


@with_job_options
def plan(
    sources: Sources = None,
    config: ConfigFile = None,
    profile: Profile = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    **flags: Any,  # noqa: ANN401 - one for each option, see options.py
) -> int:
    """Show what `run` would do with each recording, and why. Writes nothing, loads no model.

    transcribe plan ./aulas --model small
    """
    sources = sources or []
    return show(jobs_for(sources, configure(sources, flags, config, profile)), as_json=as_json)


def show(jobs: Sequence[Job], *, as_json: bool) -> int:
    """Print the plan; exit code 3 when a recording is known to fail."""
    durations = _durations(jobs)
    if as_json:
        typer.echo(json.dumps(_document(jobs, durations), indent=1))
    else:
        for line in _lines(jobs, durations):
            typer.echo(line)
    return RecordingError.exit_code if any(job.decision is Decision.FAIL for job in jobs) else 0


def _durations(jobs: Sequence[Job]) -> list[float | None]:
    """Seconds that each header promises; None where it does not, or cannot be read."""
    from transcribe_cli.audio import Decoder  # brings NumPy, which `--help` need not wait for

    with Decoder() as decoder:
        return [None if job.decision is Decision.FAIL else _duration(job, decoder) for job in jobs]


def _duration(job: Job, decoder: Decoder) -> float | None:
    if not isinstance(job.recording.path, Path):
        return None  # it would have to be fetched
    try:
        return decoder.probe(job.recording.path, track=job.spec.audio_track).duration
    except RecordingError:
        return None  # `run` says what is wrong with it


def _document(jobs: Sequence[Job], durations: Sequence[float | None]) -> dict[str, Any]:
    return {
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


def _lines(jobs: Sequence[Job], durations: Sequence[float | None]) -> list[str]:
    names = [printable(job.recording.label) for job in jobs]
    width = min(60, max(map(len, names), default=0))
    lines = [
        f"{job.decision.value:<10}  {name:<{width}}  {'?' if duration is None else clock(duration):>8}  {printable(job.reason)}"
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
    work = f" {clock(seconds)} of audio to transcribe." if seconds else ""
    return [*lines, f"{counted(len(jobs), 'recording')}{': ' if counts else ''}{', '.join(counts)}.{work}"]


def _to_transcribe(jobs: Sequence[Job], durations: Sequence[float | None]) -> float:
    return sum(duration or 0.0 for job, duration in zip(jobs, durations, strict=True) if job.decision is Decision.TRANSCRIBE)
