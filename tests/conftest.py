"""Shared fixtures and helpers: speech by espeak-ng, a decoder, waveforms, and the program as a subprocess."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from transcribe_cli import tuning

# Tests run in parallel: waiting OpenMP threads spin and would take CPU time from other tests.
os.environ.setdefault("OMP_NUM_THREADS", "1")
tuning.tune()  # as `transcribe_cli.__main__`

import numpy as np  # noqa: E402 - see above
import pytest  # noqa: E402

from transcribe_cli.audio import Decoder, Waveform  # noqa: E402

SENTENCES = "Bom dia a todos. O professor explica a lição de hoje. Vamos começar a aula."
EXAMPLES = Path(__file__).parent.parent / "examples" / "audio"


@pytest.fixture(scope="session", autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Folders for the tests, so that runs are not recorded in the user's ledger, and do not read the user's configuration."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@cache
def spoken(text: str = SENTENCES, voice: str = "pt-br+m3", speed: int = 150) -> bytes:
    """A WAV file (22,050 Hz, mono, 16 bit) with this text, by espeak-ng."""
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "--stdout", text]
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.fixture
def say() -> Callable[..., Path]:
    """Write speech to a file: `say(path, text, voice)`."""

    def write(path: Path, text: str = SENTENCES, voice: str = "pt-br+m3") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(spoken(text, voice))
        return path

    return write


def lecture(path: Path, parts: Sequence[tuple[str, str]] = ((SENTENCES, "pt-br+m3"),) * 4, pause: float = 11.0) -> Path:
    """A WAV with these texts, each with its voice and a pause after it, so that each usually becomes a clip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        for number, part in enumerate(parts):
            with wave.open(io.BytesIO(spoken(*part))) as speech:
                if not number:
                    file.setparams(speech.getparams())
                file.writeframes(speech.readframes(speech.getnframes()) + bytes(2 * int(pause * speech.getframerate())))
    return path


@pytest.fixture
def decoder(tmp_path: Path) -> Iterator[Decoder]:
    """A decoder with its own scratch folder, which must be empty at the end."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with Decoder(scratch=scratch) as made:
        yield made
    assert list(scratch.iterdir()) == []


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Callable[[], Waveform]]:
    """Creates empty waveforms, for tests that never read samples."""
    made: list[Waveform] = []

    def record() -> Waveform:
        made.append(Waveform.from_samples(np.zeros(0), tmp_path))
        return made[-1]

    yield record
    for waveform in made:
        waveform.close()


@dataclass(frozen=True)
class Ran:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


@pytest.fixture
def transcribe(tmp_path: Path) -> Callable[..., Ran]:
    """Runs the program in its own process, without the user's configuration: `transcribe("run", folder)`."""
    from tests.fork_server import command_runner

    return command_runner(tmp_path)


def command(arguments: Sequence[str | Path | bytes]) -> list[str | Path | bytes]:
    """The program's command line."""
    return [sys.executable, "-m", "transcribe_cli", *arguments]


def environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """The environment without our variables, with a fixed terminal width and an unreachable hub."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRANSCRIBE_", "HF_"))}
    return {**kept, "HF_ENDPOINT": "http://127.0.0.1:9", "NO_COLOR": "1", "COLUMNS": "120", "PYTHONUTF8": "1", **(extra or {})}
