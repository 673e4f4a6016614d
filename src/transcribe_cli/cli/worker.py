"""`transcribe worker`: the other end of `transcribe remote`, inside the image of an endpoint."""

from __future__ import annotations

import os
from contextlib import closing
from typing import Annotated

import typer

from transcribe_cli.cli.session import ConfigFile, Profile, configure
from transcribe_cli.errors import UsageError

# Set by RunPod in its containers, and read by its SDK.
QUEUE = "RUNPOD_WEBHOOK_GET_JOB"


def worker(
    config: ConfigFile = None,
    profile: Profile = None,
    model: Annotated[str | None, typer.Option("-m", "--model", metavar="TEXT", help="The model that is loaded, once.")] = None,
    device: Annotated[str | None, typer.Option("--device", metavar="[auto|cpu|cuda]", help="Where to compute.")] = None,
    compute_type: Annotated[str | None, typer.Option("--compute-type", metavar="TYPE", help="Precision.")] = None,
    batch_size: Annotated[str | None, typer.Option("--batch-size", metavar="N", help="Clips in a batch.")] = None,
    max_duration: Annotated[
        str | None, typer.Option("--max-duration", metavar="X", help="Hours; a longer recording is refused. Default: 16.")
    ] = None,
    max_download: Annotated[float, typer.Option("--max-download", help="In GB; a larger recording is refused.", min=0.001)] = 5.0,
    concurrency: Annotated[
        int, typer.Option("--concurrency", help="Jobs taken at once, whose clips share batches.", min=1, max=64)
    ] = 4,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Also fetch audio from private and local addresses.")
    ] = False,
) -> None:
    """Take jobs from a RunPod endpoint's queue. Runs inside its image: see docs/runpod.md.

    transcribe worker --model large-v3-turbo
    """
    from transcribe_cli.worker.handler import Worker, WorkerLimits
    from transcribe_cli.worker.serve import load_sdk, serve

    if not os.environ.get(QUEUE):
        raise UsageError(f"There is no queue to take jobs from ({QUEUE} is not set).", "This command is for RunPod's containers.")
    flags = {
        "model": model,
        "device": device,
        "compute_type": compute_type,
        "batch_size": batch_size,
        "max_duration": max_duration,
    }
    configured = configure([], flags, config, profile)
    load_sdk()
    with closing(Worker(configured.spec, configured.settings, WorkerLimits(int(max_download * 1e9), allow_private))) as worker:
        worker.start()
        serve(worker, concurrency)
