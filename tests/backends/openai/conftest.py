"""Servers of the OpenAI API, ours and a real one, and `transcribe remote` with them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from faster_whisper import WhisperModel

from tests.backends.openai.server import Api, loaded, running
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
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long here before a second try."""
    for place in ("http", "retry", "openai.recognizer"):
        monkeypatch.setattr(f"transcribe_cli.backends.{place}.retry_delay", lambda attempt, asked=None: 0.01)


@pytest.fixture(scope="package")
def model() -> WhisperModel:
    """The demo model."""
    return loaded()


@pytest.fixture
def api(model: WhisperModel) -> Iterator[Api]:
    """Our own server."""
    with running(Api(model=model)) as made:
        yield made


@dataclass
class Remote:
    """`transcribe remote --backend openai` with a server of the tests.

    Attributes:
        events: of all runs in this process.
    """

    url: str
    folder: Path
    state: Path
    events: list[Event] = field(default_factory=list)

    def settings(self, **more: object) -> Settings:
        """What the run is told."""
        ours = {"backend": "openai", "base_url": self.url, "state_dir": self.state, "device": "cpu"}
        return Settings.model_validate({**ours, **more})

    def run(self, spec: JobSpec = SPEC, **more: object) -> RunFinished:
        """A run in this process."""
        settings = self.settings(**more)
        jobs, meter = plan(find_recordings([str(self.folder)]), spec, settings), self.meter(settings)
        return Batch(jobs, spec, settings, self.events.append, partial(remote_backend, meter=meter), meter).run()

    def meter(self, settings: Settings) -> RemoteMeter:
        """At the prices of the list."""
        return RemoteMeter(lambda: load_prices(settings.prices), None)

    def outcomes(self, spec: JobSpec = SPEC, **more: object) -> dict[str, Outcome]:
        """What the backend alone gives, with its wrappers and without anybody who writes."""
        settings = self.settings(**more)
        jobs = plan(find_recordings([str(self.folder)]), spec, settings)
        backend = remote_backend(spec, settings, self.events.append, self.meter(settings))
        backend.check(jobs)
        return {found.job.recording.name: found for found in backend.run(iter(jobs), lambda job: True)}

    def transcript(self, name: str) -> Transcript:
        """What was written for a recording."""
        return Transcript.loads((self.folder / name).with_suffix(".json").read_bytes())

    def of(self, kind: type[Event]) -> list[Event]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def messages(self) -> str:
        """All that people were told."""
        return "\n".join(f"{getattr(event, 'message', '')} {getattr(event, 'hint', '')}" for event in self.events)

    def line(self, *arguments: str) -> list[str | Path]:
        """What is typed after `transcribe`."""
        line = ["remote", self.folder, "--backend", "openai", "--base-url", self.url, "--model", "demo", "-l", "pt"]
        return [*line, "--state-dir", self.state, *arguments]

    def program(self, *arguments: str, **variables: str) -> Ran:
        """The program, to its end."""
        return command_runner(self.folder.parent)(*self.line(*arguments), env=variables)

    def started(self, *arguments: str) -> subprocess.Popen[bytes]:
        """The program, running."""
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command(self.line(*arguments)), env=environment(), cwd=self.folder.parent, **silent)


@pytest.fixture
def remote(api: Api, tmp_path: Path, say: Callable[..., Path]) -> Remote:
    """One recording to be done by our server."""
    folder = tmp_path / "aulas"
    say(folder / "um.wav", "Bom dia a todos. O professor explica a lição de hoje.")
    return Remote(api.url, folder, tmp_path / "state")
