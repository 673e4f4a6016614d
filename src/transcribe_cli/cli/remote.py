"""`transcribe remote`: the same job on rented machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from transcribe_cli.cli.options import with_all_options
from transcribe_cli.cli.run import carry_out
from transcribe_cli.cli.session import ConfigFile, Profile, Sources, configure
from transcribe_cli.errors import UsageError

if TYPE_CHECKING:
    from transcribe_cli.backends import Opener


@with_all_options
def remote(
    sources: Sources = None,
    config: ConfigFile = None,
    profile: Profile = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be done: the same as `transcribe plan`.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write a summary of the run to standard output as JSON.")] = False,
    **flags: Any,  # noqa: ANN401 - one for each option, see options.py
) -> int:
    """Transcribe recordings elsewhere, on rented machines or by a server of the OpenAI API: the same files as `transcribe run` writes.

    Jobs are noted on disk: a run that was stopped finds them again. Ctrl-C cancels them there, --detach leaves them.

    transcribe remote ./aulas --runpod-endpoint abc123xyz --language pt

    transcribe remote ./aulas --runpod-endpoint abc123xyz --staging s3://bucket/staging --fallback local

    transcribe remote ./aulas --backend openai --model whisper-1

    transcribe remote ./aulas --backend openai --base-url http://127.0.0.1:8000/v1 --model small
    """
    configured = configure(sources or [], flags, config, profile)
    if configured.settings.max_cost is not None:
        message = "--max-cost cannot be kept by `remote`: what a place charges is not known while it works."
        raise UsageError(message, "Use --max-hours or --until; transcribe plan --compare estimates the cost.")
    return carry_out(sources or [], configured, _elsewhere, dry_run=dry_run, as_json=as_json)


def _elsewhere() -> Opener:
    from transcribe_cli.backends.chain import elsewhere

    return elsewhere
