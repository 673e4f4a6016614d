"""`transcribe remote`: transcribe on RunPod or an OpenAI-compatible server."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from transcribe_cli.cli.options import with_all_options
from transcribe_cli.cli.run import BackendAndMeter, local_backend, run_or_plan
from transcribe_cli.cli.session import ConfigFile, Profile, Sources, configure, local_price_per_hour
from transcribe_cli.config import Config


@with_all_options
def remote(
    sources: Sources = None,
    config: ConfigFile = None,
    profile: Profile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done, like `transcribe plan`.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write a summary of the run to standard output as JSON.")] = False,
    **flags: Any,  # noqa: ANN401 - one for each option, see options.py
) -> int:
    """Transcribe recordings on RunPod or an OpenAI-compatible server.

    Writes the same files as `transcribe run`.

    Job ids are stored on disk, so that the next run picks up jobs of an interrupted one. Ctrl-C cancels running jobs, --detach keeps them.

    transcribe remote ./aulas --runpod-endpoint abc123xyz --language pt

    transcribe remote ./aulas --runpod-endpoint abc123xyz --staging s3://bucket/staging --fallback local

    transcribe remote ./aulas --backend openai --model whisper-1

    transcribe remote ./aulas --backend openai --base-url http://127.0.0.1:8000/v1 --model small
    """
    configured = configure(sources or [], flags, config, profile)
    backend = configured.settings.backend
    return run_or_plan(sources or [], configured, _remote_backend, backend, dry_run=dry_run, as_json=as_json)


def _remote_backend(config: Config) -> BackendAndMeter:
    """The configured backends and their meter; the local backend alone is the same as in `run`."""
    settings = config.settings
    names = {settings.backend, *settings.fallback}
    if names == {"local"}:
        return local_backend(config)
    from transcribe_cli.backends.chain import remote_backend
    from transcribe_cli.cli.prices import current_prices
    from transcribe_cli.cli.speeds import Speeds
    from transcribe_cli.costs.prices import load_prices
    from transcribe_cli.costs.remote_meter import RemoteMeter

    prices = load_prices(settings.prices)
    speeds = Speeds(config, prices)
    meter = RemoteMeter(lambda: current_prices(settings)[0] if "runpod" in names else prices, local_price_per_hour(config))
    return partial(remote_backend, meter=meter, speed=speeds.for_backend), meter
