"""The worker as an endpoint runs it: `transcribe worker` on RunPod's real SDK, in a separate process that polls the gateway.

The SDK depends on a hundred packages, some of which conflict with other tests. So it has its own virtual environment, which
`make test-remote` creates. Without it, tests that need the SDK are skipped.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import pytest

from tests.backends.gateway import ENDPOINT, KEY, Gateway

_ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get("TEST_WORKER_PYTHON") or _ROOT / ".venv-worker/bin/python")


@cache
def has_sdk() -> bool:
    """Whether there is an interpreter with the SDK."""
    code = "import importlib.util as i, sys; sys.exit(i.find_spec('runpod') is None or i.find_spec('transcribe_cli') is None)"
    return PYTHON.exists() and subprocess.run([PYTHON, "-c", code], check=False).returncode == 0


needs_sdk = pytest.mark.skipif(not has_sdk(), reason="RunPod's SDK is not installed; see `make test-remote`")


def start(gateway: Gateway, name: str, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a worker. It takes jobs after about three seconds."""
    command = ["-m", "transcribe_cli", "worker", "--model", "demo", "--device", "cpu", "--allow-private", *arguments]
    return launch(gateway, name, log, command, {"PYTHONPATH": str(_ROOT / "src"), "TRANSCRIBE_CONFIG": os.devnull})


def launch(gateway: Gateway, name: str, log: Path, command: Sequence[str], extra: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a Python program with RunPod's SDK. Sets the environment variables by which the SDK finds the queue."""
    base = f"{gateway.url}/{ENDPOINT}"
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("RUNPOD_", "TRANSCRIBE_"))},
        "RUNPOD_AI_API_KEY": KEY,
        "RUNPOD_ENDPOINT_ID": ENDPOINT,
        "RUNPOD_POD_ID": name,
        "RUNPOD_PING_INTERVAL": "1000",
        "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",
        "RUNPOD_SKIP_GPU_CHECK": "true",
        "RUNPOD_DEBUG_LEVEL": "INFO",
        # The SDK appends "&…" to all of these.
        "RUNPOD_WEBHOOK_GET_JOB": f"{base}/job-take/{name}?gpu=none",
        "RUNPOD_WEBHOOK_POST_OUTPUT": f"{base}/job-done/{name}/$ID?gpu=none",
        "RUNPOD_WEBHOOK_POST_STREAM": f"{base}/job-stream/{name}/$ID?gpu=none",
        "RUNPOD_WEBHOOK_PING": f"{base}/ping/{name}?gpu=none",
        "TMPDIR": str(log.parent),
        **extra,
    }
    with log.open("ab") as file:
        return subprocess.Popen(
            [PYTHON, *command], stdout=file, stderr=subprocess.STDOUT, env=environment, cwd=log.parent, start_new_session=True
        )


@contextmanager
def working(gateway: Gateway, folder: Path, *arguments: str, name: str = "w1") -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker during the context; its log is in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    process = start(gateway, name, folder / f"{name}.log", *arguments)
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a worker like a container: with its ping process, which would otherwise report that the worker is alive."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
