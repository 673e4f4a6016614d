"""`transcribe run`: transcribe on this machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from transcribe_cli.cli.check import check_command
from transcribe_cli.cli.options import with_job_options
from transcribe_cli.cli.plan import print_plan
from transcribe_cli.cli.session import (
    ConfigFile,
    Profile,
    Sources,
    configure,
    local_price_per_hour,
    plan_jobs,
    shard_of,
    write_run_to_ledger,
)
from transcribe_cli.cli.streams import mute_stdout
from transcribe_cli.config import Config
from transcribe_cli.costs.meter import LocalMeter, Meter
from transcribe_cli.events import Notice
from transcribe_cli.reporting import open_reporter

if TYPE_CHECKING:
    from transcribe_cli.backends import BackendFactory

BackendAndMeter: TypeAlias = "tuple[BackendFactory, Meter]"


@with_job_options
def run(
    sources: Sources = None,
    config: ConfigFile = None,
    profile: Profile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done, like `transcribe plan`.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write a summary of the run to standard output as JSON.")] = False,
    **flags: Any,  # noqa: ANN401 - one for each option, see options.py
) -> int:
    """Transcribe recordings. Writes JSON, SRT and VTT next to each file.

    Running the same command again does only what is missing or out of date.

    transcribe run ./aulas --language pt

    transcribe run 'podcasts/**/*.mp3' --model small -f srt,txt --output-dir out
    """
    configured = configure(sources or [], flags, config, profile)
    return run_or_plan(sources or [], configured, local_backend, "local", dry_run=dry_run, as_json=as_json)


def local_backend(config: Config) -> BackendAndMeter:
    """The backend of this machine, and the meter of its cost."""
    from transcribe_cli.backends.local import Local  # imports NumPy, which `--help` does not need

    return Local, LocalMeter(local_price_per_hour(config))


def run_or_plan(
    sources: Sequence[str],
    configured: Config,
    open_backend: Callable[[Config], BackendAndMeter],
    backend_name: str,
    *,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Transcribe these sources, or only show the plan; the exit code. The ledger records `backend_name`."""
    from transcribe_cli.batch.run import Batch  # imports NumPy

    jobs, shard = plan_jobs(sources, configured), shard_of(configured)
    if dry_run:
        return print_plan(jobs, configured, as_json=as_json)
    backend_factory, meter = open_backend(configured)
    with (
        open_reporter(configured.settings, sys.stderr) as report,
        write_run_to_ledger(sources, jobs, configured, report, backend_name) as emit,
    ):
        if configured.file is not None:
            emit(Notice(f"Configuration: {configured.file}."))
        if shard:
            emit(Notice(f"Shard {shard}."))
        if not jobs:
            emit(
                Notice(
                    f"No recordings found in {', '.join(sources) or 'the current folder'}{' for this shard' if shard else ''}."
                )
            )
        command = check_command(sources, configured)
        summary = Batch(jobs, configured.spec, configured.settings, emit, backend_factory, meter, command).run()
    if as_json:
        try:
            typer.echo(json.dumps(summary.as_record()))
        except BrokenPipeError:  # the reader is gone; the result of the run does not change
            mute_stdout()
    return summary.exit_code
