"""`transcribe worker`: processes the jobs of `transcribe remote`, inside the container of a RunPod endpoint."""

from __future__ import annotations

import os
from contextlib import closing
from typing import Annotated

import typer

from transcribe_cli.cli.session import ConfigFile, Profile, configure
from transcribe_cli.errors import UsageError

# Set by RunPod in its containers and read by its SDK.
QUEUE_VARIABLE = "RUNPOD_WEBHOOK_GET_JOB"


def worker(
    config: ConfigFile = None,
    profile: Profile = None,
    model: Annotated[str | None, typer.Option("-m", "--model", metavar="TEXT", help="Model to load at the start.")] = None,
    diarize_model: Annotated[
        str | None, typer.Option("--diarize-model", metavar="TEXT", help="The only diarizer that jobs may request.")
    ] = None,
    device: Annotated[str | None, typer.Option("--device", metavar="[auto|cpu|cuda]", help="Device to run on.")] = None,
    compute_type: Annotated[
        str | None, typer.Option("--compute-type", metavar="TYPE", help="Precision of the computation.")
    ] = None,
    batch_size: Annotated[str | None, typer.Option("--batch-size", metavar="N", help="Clips in a batch.")] = None,
    max_duration: Annotated[
        str | None, typer.Option("--max-duration", metavar="X", help="Hours; longer recordings are rejected. Default: 16.")
    ] = None,
    max_download: Annotated[float, typer.Option("--max-download", help="GB; larger recordings are rejected.")] = 5.0,
    max_transfer: Annotated[
        float, typer.Option("--max-transfer", help="Minutes; slower downloads and uploads are stopped.")
    ] = 60.0,
    concurrency: Annotated[
        int, typer.Option("--concurrency", help="Jobs to process at the same time; their clips share batches.", min=1, max=64)
    ] = 4,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Also download audio from private and local addresses.")
    ] = False,
) -> None:
    """Process jobs of a RunPod endpoint, inside its container.

    See docs/runpod.md.

    transcribe worker --model large-v3-turbo
    """
    from transcribe_cli.worker.handler import Worker
    from transcribe_cli.worker.limits import WorkerLimits
    from transcribe_cli.worker.serve import load_sdk, serve

    if not os.environ.get(QUEUE_VARIABLE):
        raise UsageError(
            f"There is no job queue ({QUEUE_VARIABLE} is not set).", "This command only works in a RunPod container."
        )
    flags = {
        "model": model,
        "diarize_model": diarize_model,
        "device": device,
        "compute_type": compute_type,
        "batch_size": batch_size,
        "max_duration": max_duration,
    }
    _check_range("--max-download", max_download, 0.001, 1e6)
    _check_range("--max-transfer", max_transfer, 0.1, 1e5)
    configured = configure([], flags, config, profile)
    load_sdk()
    limits = WorkerLimits(int(max_download * 1e9), max_transfer * 60, allow_private)
    with closing(Worker(configured.spec, configured.settings, limits)) as worker:
        worker.start()
        serve(worker, concurrency)


def _check_range(flag: str, value: float, least: float, most: float) -> None:
    """Refuse numbers out of range, and NaN, which Typer's own limits let through."""
    if not least <= value <= most:
        raise UsageError(f"{flag} must be a number from {least:g} to {most:.15g}, not {value:g}.")
