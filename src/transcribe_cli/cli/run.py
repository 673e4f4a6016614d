"""`transcribe run`: do the work here."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from transcribe_cli.cli.options import with_job_options
from transcribe_cli.cli.plan import show
from transcribe_cli.cli.session import (
    ConfigFile,
    Profile,
    Sources,
    configure,
    jobs_for,
    price_here,
    shard_of,
    write_run_to_ledger,
)
from transcribe_cli.cli.streams import mute_stdout
from transcribe_cli.config import Config
from transcribe_cli.costs.meter import LocalMeter, Meter
from transcribe_cli.events import Notice
from transcribe_cli.reporting import listening

if TYPE_CHECKING:
    from transcribe_cli.backends import BackendFactory

# Opens the backend that does the work, and knows what that costs.
Place: TypeAlias = "tuple[BackendFactory, Meter]"


@with_job_options
def run(
    sources: Sources = None,
    config: ConfigFile = None,
    profile: Profile = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be done: the same as `transcribe plan`.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write a summary of the run to standard output as JSON.")] = False,
    **flags: Any,  # noqa: ANN401 - one for each option, see options.py
) -> int:
    """Transcribe recordings: JSON, SRT and VTT next to each file.

    The same command again does only what is missing or out of date.

    transcribe run ./aulas --language pt

    transcribe run 'podcasts/**/*.mp3' --model small -f srt,txt --output-dir out
    """
    return carry_out(
        sources or [], configure(sources or [], flags, config, profile), here, "local", dry_run=dry_run, as_json=as_json
    )


def here(config: Config) -> Place:
    """This machine."""
    from transcribe_cli.backends.local import Local  # brings NumPy, which `--help` need not wait for

    return Local, LocalMeter(price_here(config))


def carry_out(
    sources: Sequence[str], configured: Config, where: Callable[[Config], Place], backend: str, *, dry_run: bool, as_json: bool
) -> int:
    """Do what the configuration says with these sources at a place, which the ledger calls `backend`, and tell of it; the exit code."""
    from transcribe_cli.batch.run import Batch  # brings NumPy

    jobs, shard = jobs_for(sources, configured), shard_of(configured)
    if dry_run:
        return show(jobs, configured, as_json=as_json)
    opener, meter = where(configured)
    with (
        listening(configured.settings, sys.stderr) as told,
        write_run_to_ledger(sources, jobs, configured, told, backend) as emit,
    ):
        if configured.file is not None:
            emit(Notice(f"Configuration: {configured.file}."))
        if shard:
            emit(Notice(f"Shard {shard}."))
        if not jobs:
            emit(Notice(f"No recordings in {', '.join(sources) or 'the current folder'}{' for this shard' if shard else ''}."))
        summary = Batch(jobs, configured.spec, configured.settings, emit, opener, meter).run()
    if as_json:
        try:
            typer.echo(json.dumps(summary.as_record()))
        except BrokenPipeError:  # whoever asked is gone; what the run came to does not change
            mute_stdout()
    return summary.exit_code
