"""RunPod's SDK around the handler: it takes jobs from the endpoint's queue and returns the responses.

The SDK finds the queue through environment variables that RunPod sets in its containers. https://github.com/runpod/runpod-python
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from transcribe_cli.errors import MissingExtra
from transcribe_cli.worker.handler import Worker


def load_sdk() -> Any:  # noqa: ANN401 - it ships no types
    """Import the SDK, which takes a second and a half.

    Raises:
        MissingExtra: the SDK is not installed.
    """
    try:
        return import_module("runpod")
    except ModuleNotFoundError as error:
        raise MissingExtra("The worker needs RunPod's SDK.", "Try: pip install 'transcribe-cli[worker]'") from error


def serve(worker: Worker, concurrency: int) -> None:
    """Run up to `concurrency` jobs at a time until the process is stopped. On SIGTERM, jobs in progress are finished.

    Raises:
        MissingExtra: the SDK is not installed.
    """
    serverless = load_sdk().serverless

    async def handle(request: dict[str, Any]) -> dict[str, Any]:
        return await worker.handle(request, serverless.progress_update)

    sys.argv = sys.argv[:1]  # the SDK parses options of its own
    serverless.start({"handler": handle, "concurrency_modifier": lambda current: concurrency})
