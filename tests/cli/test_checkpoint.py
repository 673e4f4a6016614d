"""A long recording whose run is killed goes on from where it was."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, Ran, command, environment

Transcribe = Callable[..., Ran]
ARGUMENTS = ("--model", "demo", "--batch-size", "1", "--log-format", "json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A lecture of several clips."""
    folder = tmp_path / "aulas"
    folder.mkdir()
    (folder / "aula.mp3").write_bytes((EXAMPLES / "aula.mp3").read_bytes())
    return folder


def events(ran: Ran, name: str) -> list[dict[str, float]]:
    """Those of one kind."""
    return [event for line in ran.err.splitlines() if (event := json.loads(line))["event"] == name]


def kill_in_the_middle(folder: Path, state: Path) -> int:
    """Run, and kill -9 after the second clip; how many clips there were by then."""
    arguments = command(["run", folder, *ARGUMENTS, "--state-dir", state])
    seen = 0
    with subprocess.Popen(arguments, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stderr is not None
        for line in process.stderr:
            seen += json.loads(line)["event"] == "recording_progress"
            if seen == 2:
                process.kill()
                break
    return seen


def test_a_killed_run_goes_on_where_it_was_and_writes_the_same(folder: Path, transcribe: Transcribe, tmp_path: Path) -> None:
    """Byte-identical subtitles, only the missing clips recognized, and no checkpoint left."""
    state = tmp_path / "state"
    whole = transcribe("run", folder, *ARGUMENTS, "--state-dir", state, "--output-dir", tmp_path / "whole")
    clips = len(events(whole, "recording_progress"))
    assert not events(whole, "recording_resumed")
    kill_in_the_middle(folder, state)
    assert len(list(state.rglob("*.jsonl"))) == 1
    resumed = transcribe("run", folder, *ARGUMENTS, "--state-dir", state)
    assert resumed.code == 0
    assert len(events(resumed, "recording_resumed")) == 1
    assert len(events(resumed, "recording_progress")) <= clips - 2
    for ending in ("srt", "vtt"):
        assert (folder / f"aula.{ending}").read_bytes() == (tmp_path / "whole" / f"aula.{ending}").read_bytes()
    assert list(state.rglob("*.jsonl")) == []


def test_another_spec_does_not_use_the_checkpoint(folder: Path, transcribe: Transcribe, tmp_path: Path) -> None:
    """Its text would be another one."""
    kill_in_the_middle(folder, tmp_path / "state")
    ran = transcribe("run", folder, *ARGUMENTS, "--state-dir", tmp_path / "state", "--beam-size", "1")
    assert ran.code == 0
    assert not events(ran, "recording_resumed")


def test_a_damaged_checkpoint_is_passed_over(folder: Path, transcribe: Transcribe, tmp_path: Path) -> None:
    """Lines that a crash cut, and lines that are no clips."""
    kill_in_the_middle(folder, tmp_path / "state")
    [checkpoint] = (tmp_path / "state").rglob("*.jsonl")
    first, *_ = checkpoint.read_text().splitlines()
    checkpoint.write_text(f'{first}\nnull\n{{"clip": 3}}\n{first[: len(first) // 2]}')
    ran = transcribe("run", folder, *ARGUMENTS, "--state-dir", tmp_path / "state")
    assert ran.code == 0
    assert len(events(ran, "recording_resumed")) == 1


def test_a_state_folder_that_cannot_be_written_costs_only_the_checkpoint(
    folder: Path, transcribe: Transcribe, tmp_path: Path
) -> None:
    """The transcript is written all the same."""
    (tmp_path / "state").write_text("a file")
    assert transcribe("run", folder, *ARGUMENTS, "--state-dir", tmp_path / "state").code == 0
