"""`transcribe remote`: the same job on rented machines."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from transcribe_cli.cli.options import with_all_options
from transcribe_cli.cli.run import Place, carry_out, here
from transcribe_cli.cli.session import ConfigFile, Profile, Sources, configure, price_here
from transcribe_cli.config import Config


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
    backend = configured.settings.backend
    return carry_out(sources or [], configured, _rented, backend, dry_run=dry_run, as_json=as_json)


def _rented(config: Config) -> Place:
    """The backends that the configuration names, and what they charge; this machine alone is as in `run`."""
    settings = config.settings
    names = {settings.backend, *settings.fallback}
    if names == {"local"}:
        return here(config)
    from transcribe_cli.backends.chain import remote_backend
    from transcribe_cli.cli.prices import todays_prices
    from transcribe_cli.cli.speeds import Speeds
    from transcribe_cli.costs.prices import load_prices
    from transcribe_cli.costs.remote_meter import RemoteMeter

    prices = load_prices(settings.prices)
    speeds = Speeds(config, prices)
    meter = RemoteMeter(lambda: todays_prices(settings)[0] if "runpod" in names else prices, price_here(config))
    return partial(remote_backend, meter=meter, speed=speeds.of), meter
