"""A killed run resumes a long recording from its checkpoint."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Ran, command, environment, lecture

Transcribe = Callable[..., Ran]
# One clip at a time, so that the number of finished clips is known.
ARGUMENTS = ("--model", "demo", "--batch-size", "1", "--threads", "1", "--log-format", "json")
CLIPS = 10
KILLED_AFTER = 6


@dataclass(frozen=True)
class Killed:
    """A lecture, and what a run left behind that was killed with SIGKILL after six clips."""

    folder: Path
    left: Path

    def state(self, tmp_path: Path) -> Path:
        """A copy of the state folder for one test."""
        return Path(shutil.copytree(self.left, tmp_path / "state"))


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    """A run that came so far."""
    folder, state = tmp_path_factory.mktemp("aulas"), tmp_path_factory.mktemp("left")
    lecture(folder / "aula.wav", [("Bom dia a todos. Vamos começar a aula.", "pt-br+m3")] * CLIPS)
    arguments = command(["run", folder, *ARGUMENTS, "--state-dir", state])
    seen = 0
    with subprocess.Popen(arguments, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stderr is not None
        for line in process.stderr:
            seen += json.loads(line)["event"] == "recording_progress"
            if seen == KILLED_AFTER:
                process.kill()
                break
    assert seen == KILLED_AFTER
    assert {path.name for path in folder.iterdir()} == {"aula.wav", ".aula.wav.transcribe-lease"}  # the next run takes it over
    return Killed(folder, state)


def events(ran: Ran, name: str) -> list[dict[str, float]]:
    """Those of one kind."""
    return [event for line in ran.err.splitlines() if (event := json.loads(line))["event"] == name]


def test_a_killed_run_resumes_and_writes_the_same(killed: Killed, transcribe: Transcribe, tmp_path: Path) -> None:
    """Byte-identical subtitles, only the missing clips recognized, and no checkpoint left."""
    state = killed.state(tmp_path)
    assert len(list(state.rglob("*.jsonl"))) == 1
    whole = transcribe("run", killed.folder, *ARGUMENTS, "--state-dir", tmp_path / "new", "--output-dir", tmp_path / "whole")
    assert not events(whole, "recording_resumed")
    resumed = transcribe("run", killed.folder, *ARGUMENTS, "--state-dir", state, "--output-dir", tmp_path / "resumed")
    assert resumed.code == 0
    [told] = events(resumed, "recording_resumed")
    assert len(events(resumed, "recording_progress")) <= 1 + CLIPS - KILLED_AFTER
    assert told["duration"] * (KILLED_AFTER - 1) / CLIPS < told["seconds"] < told["duration"]
    for ending in ("srt", "vtt"):
        assert (tmp_path / "resumed" / f"aula.{ending}").read_bytes() == (tmp_path / "whole" / f"aula.{ending}").read_bytes()
    assert [*state.rglob("*.jsonl"), *(tmp_path / "new").rglob("*.jsonl")] == []


def test_another_spec_does_not_use_the_checkpoint(killed: Killed, transcribe: Transcribe, tmp_path: Path) -> None:
    """Its text would differ."""
    state = killed.state(tmp_path)
    options = ("--state-dir", state, "--output-dir", tmp_path / "out", "--beam-size", "1")
    ran = transcribe("run", killed.folder, *ARGUMENTS, *options)
    assert ran.code == 0
    assert not events(ran, "recording_resumed")


def test_a_damaged_checkpoint_is_ignored(killed: Killed, transcribe: Transcribe, tmp_path: Path) -> None:
    """Truncated lines, and lines that are not clips."""
    state = killed.state(tmp_path)
    [checkpoint] = state.rglob("*.jsonl")
    first, *_ = checkpoint.read_text().splitlines()
    checkpoint.write_text(f'{first}\nnull\n{{"clip": 3}}\n{first[: len(first) // 2]}')
    ran = transcribe("run", killed.folder, *ARGUMENTS, "--state-dir", state, "--output-dir", tmp_path / "out")
    assert ran.code == 0
    assert len(events(ran, "recording_resumed")) == 1


def test_a_state_folder_that_cannot_be_written_costs_only_the_checkpoint(
    killed: Killed, transcribe: Transcribe, tmp_path: Path
) -> None:
    """The transcript is still written."""
    (tmp_path / "state").write_text("a file")
    ran = transcribe("run", killed.folder, *ARGUMENTS, "--state-dir", tmp_path / "state", "--output-dir", tmp_path / "out")
    assert ran.code == 0
    assert (tmp_path / "out" / "aula.json").exists()
