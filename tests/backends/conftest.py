"""A queue, a worker with the demo model, and `transcribe remote` between them."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.backends.gateway import ENDPOINT, KEY, Gateway, running
from tests.backends.worker_loop import worker_running
from tests.conftest import Ran, command, environment
from tests.fork_server import command_runner
from transcribe_cli.backends.chain import remote_backend
from transcribe_cli.batch.run import Batch
from transcribe_cli.costs.prices import load_prices
from transcribe_cli.costs.remote_meter import RemoteMeter
from transcribe_cli.events import Event, RunFinished
from transcribe_cli.plan import Job, plan
from transcribe_cli.recognition.engines.models import DEMO_FOLDER
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec
from transcribe_cli.worker.handler import Worker
from transcribe_cli.worker.limits import WorkerLimits

SPEC = JobSpec(model="demo", language="pt")


@pytest.fixture(autouse=True)
def _poll_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs in this process poll often, because the tests are free."""
    monkeypatch.setattr("transcribe_cli.backends.runpod.polling._POLL_SECONDS", 0.05)


@pytest.fixture(scope="package")
def worker() -> Iterator[Worker]:
    """A worker with the model loaded, which may download from private addresses."""
    made = Worker(
        JobSpec(model="demo", diarize_model="demo"), Settings(device="cpu", offline=True), WorkerLimits(allow_private=True)
    )
    made.start()
    yield made
    assert made._fatal_error is None
    made.close()


@pytest.fixture(scope="session")
def fws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of faster-whisper-server, as it comes from the package index, with the demo model.

    By default it listens on all interfaces. Its field for the model is `model_name`; it returns no words, and has no `/models`.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("fws") / "log"
    line = [sys.executable, "-m", "faster_whisper_server", str(DEMO_FOLDER), "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as file:
        process = subprocess.Popen(line, stdout=file, stderr=file, env=environment(), cwd=log.parent)
    try:
        for _ in range(600):
            try:
                if httpx.get(f"http://127.0.0.1:{port}/health").is_success:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
            assert process.poll() is None, log.read_text()
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A queue without workers."""
    with running(Gateway()) as made:
        yield made


@pytest.fixture
def served(gateway: Gateway, worker: Worker) -> Iterator[Gateway]:
    """A queue with a worker."""
    with worker_running(worker, gateway):
        yield gateway


@dataclass
class RemoteRunner:
    """Runs `transcribe remote` with the fake queue.

    Attributes:
        events: of all runs in this process.
    """

    gateway: Gateway
    folder: Path
    state: Path
    events: list[Event] = field(default_factory=list)

    def settings(self, **options: object) -> Settings:
        """The settings of a run."""
        defaults = {
            "runpod_endpoint": ENDPOINT,
            "runpod_api_key": KEY,
            "runpod_url": self.gateway.url,
            "runpod_api_url": self.gateway.url,
            "state_dir": self.state,
        }
        return Settings.model_validate({**defaults, **options})

    def run(self, spec: JobSpec = SPEC, **options: object) -> RunFinished:
        """A run in this process."""
        settings = self.settings(**options)
        return self.batch(plan(find_recordings([str(self.folder)]), spec, settings), spec, settings).run()

    def batch(self, jobs: Sequence[Job], spec: JobSpec, settings: Settings) -> Batch:
        """A batch of these jobs, with a meter of its own and the listed prices."""
        meter = RemoteMeter(
            lambda: load_prices(settings.prices), load_prices(settings.prices).local_price(settings.price_per_hour)
        )
        return Batch(jobs, spec, settings, self.events.append, partial(remote_backend, meter=meter), meter)

    @property
    def messages(self) -> str:
        """All messages to the user."""
        return "\n".join(str(getattr(event, "message", "")) for event in self.events)

    def line(self, *arguments: str) -> list[str | Path]:
        """The arguments of `transcribe`."""
        line = ["remote", self.folder, "--model", "demo", "-l", "pt", "--runpod-endpoint", ENDPOINT, "--state-dir", self.state]
        return [*line, "--runpod-url", self.gateway.url, "--runpod-api-url", self.gateway.url, *arguments]

    def command(self, *arguments: str) -> tuple[Sequence[str | Path | bytes], dict[str, str]]:
        """The program's command line and environment."""
        return command(self.line(*arguments)), environment({"RUNPOD_API_KEY": KEY})

    def program(self, *arguments: str) -> Ran:
        """Run the program to its end."""
        return command_runner(self.folder.parent)(*self.line(*arguments), env={"RUNPOD_API_KEY": KEY})

    def started(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start the program."""
        line, env = self.command(*arguments)
        return subprocess.Popen(line, env=env, cwd=self.folder.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def remote(gateway: Gateway, tmp_path: Path, say: Callable[..., Path]) -> RemoteRunner:
    """Two recordings for a remote backend."""
    folder = tmp_path / "aulas"
    say(folder / "um.wav", "Bom dia a todos.")
    say(folder / "dois.wav", "O professor explica a lição de hoje.")
    return RemoteRunner(gateway, folder, tmp_path / "state")
