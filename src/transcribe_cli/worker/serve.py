"""RunPod's SDK around the handler: it takes jobs from the queue of the endpoint, and hands the answers back.

The SDK finds the queue by the variables that RunPod sets in its containers. https://github.com/runpod/runpod-python
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from transcribe_cli.errors import MissingExtra
from transcribe_cli.worker.handler import Worker


def load_sdk() -> Any:  # noqa: ANN401 - it ships no types
    """The SDK's module; importing it takes a second and a half.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return import_module("runpod")
    except ModuleNotFoundError as error:
        raise MissingExtra("The worker needs RunPod's SDK.", "Try: pip install 'transcribe-cli[worker]'") from error


def serve(worker: Worker, concurrency: int) -> None:
    """Do jobs, so many at once, until the process is told to end; with SIGTERM, jobs under way are finished.

    Raises:
        MissingExtra: the SDK is not installed.
    """
    serverless = load_sdk().serverless

    async def handle(request: dict[str, Any]) -> dict[str, Any]:
        return await worker.handle(request, serverless.progress_update)

    sys.argv = sys.argv[:1]  # the SDK reads options of its own
    serverless.start({"handler": handle, "concurrency_modifier": lambda now: concurrency})
