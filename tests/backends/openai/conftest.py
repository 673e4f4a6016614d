"""A fake server of the OpenAI API, and `transcribe remote` with it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from faster_whisper import WhisperModel

from tests.backends.openai.server import FakeServer, load_model, running
from tests.conftest import Ran, command, environment
from tests.fork_server import command_runner
from transcribe_cli.backends.chain import remote_backend
from transcribe_cli.batch.run import Batch
from transcribe_cli.costs.prices import load_prices
from transcribe_cli.costs.remote_meter import RemoteMeter
from transcribe_cli.events import Event, RunFinished
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import plan
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import Transcript

SPEC = JobSpec(model="demo", language="pt")


@pytest.fixture(autouse=True)
def _retry_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow at once."""
    for module in ("http", "retry", "openai.recognizer"):
        monkeypatch.setattr(f"transcribe_cli.backends.{module}.retry_delay", lambda attempt, requested=None: 0.01)


@pytest.fixture(scope="package")
def model() -> WhisperModel:
    """The demo model."""
    return load_model()


@pytest.fixture
def api(model: WhisperModel) -> Iterator[FakeServer]:
    """The fake server."""
    with running(FakeServer(model=model)) as server:
        yield server


@dataclass
class RemoteRunner:
    """Runs `transcribe remote --backend openai` with a server.

    Attributes:
        events: of all runs in this process.
    """

    url: str
    folder: Path
    state: Path
    events: list[Event] = field(default_factory=list)

    def settings(self, **options: object) -> Settings:
        """The settings of a run."""
        defaults = {"backend": "openai", "base_url": self.url, "state_dir": self.state, "device": "cpu"}
        return Settings.model_validate({**defaults, **options})

    def run(self, spec: JobSpec = SPEC, **options: object) -> RunFinished:
        """A run in this process."""
        settings = self.settings(**options)
        jobs, meter = plan(find_recordings([str(self.folder)]), spec, settings), self.meter(settings)
        return Batch(jobs, spec, settings, self.events.append, partial(remote_backend, meter=meter), meter).run()

    def meter(self, settings: Settings) -> RemoteMeter:
        """A meter with the listed prices."""
        return RemoteMeter(lambda: load_prices(settings.prices), None)

    def outcomes(self, spec: JobSpec = SPEC, **options: object) -> dict[str, Outcome]:
        """The outcomes of the backend with its wrappers, without a batch."""
        settings = self.settings(**options)
        jobs = plan(find_recordings([str(self.folder)]), spec, settings)
        backend = remote_backend(spec, settings, self.events.append, self.meter(settings))
        backend.check(jobs)
        return {outcome.job.recording.name: outcome for outcome in backend.run(iter(jobs), lambda job: True)}

    def transcript(self, name: str) -> Transcript:
        """The transcript of a recording."""
        return Transcript.loads((self.folder / name).with_suffix(".json").read_bytes())

    def events_of(self, kind: type[Event]) -> list[Event]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def messages(self) -> str:
        """All messages to the user."""
        return "\n".join(f"{getattr(event, 'message', '')} {getattr(event, 'hint', '')}" for event in self.events)

    def line(self, *arguments: str) -> list[str | Path]:
        """The arguments of `transcribe`."""
        line = ["remote", self.folder, "--backend", "openai", "--base-url", self.url, "--model", "demo", "-l", "pt"]
        return [*line, "--state-dir", self.state, *arguments]

    def program(self, *arguments: str, **variables: str) -> Ran:
        """Run the program to its end."""
        return command_runner(self.folder.parent)(*self.line(*arguments), env=variables)

    def started(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start the program."""
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command(self.line(*arguments)), env=environment(), cwd=self.folder.parent, **silent)


@pytest.fixture
def remote(api: FakeServer, tmp_path: Path, say: Callable[..., Path]) -> RemoteRunner:
    """One recording for the fake server."""
    folder = tmp_path / "aulas"
    say(folder / "um.wav", "Bom dia a todos. O professor explica a lição de hoje.")
    return RemoteRunner(api.url, folder, tmp_path / "state")
