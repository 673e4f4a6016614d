"""A run that a limit stops: finished recordings are written, partial work is kept, and the same command continues."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.recordings import SHORT
from tests.conftest import Ran, lecture, spoken
from transcribe_cli.batch.run import Batch
from transcribe_cli.costs.meter import LocalMeter
from transcribe_cli.costs.prices import Price
from transcribe_cli.events import Event, RecordingProgress, RecordingResumed, RunFinished, ignore_event
from transcribe_cli.plan import plan
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec

Transcribe = Callable[..., Ran]
CLIPS = 10


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two short recordings."""
    folder = tmp_path / "aulas"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.wav").write_bytes(spoken(SHORT))
    return folder


def run(
    folder: Path, out: Path, meter: LocalMeter | None = None, hear: Callable[[Event], None] = ignore_event, **more: Any
) -> RunFinished:
    """A run in this process, one clip at a time, so that the number of finished clips is known."""
    values = {"batch_size": 1, "threads": 1, "state_dir": folder.parent / "state", "output_dir": out, "device": "cpu", **more}
    spec, settings = JobSpec(model="demo"), Settings.model_validate(values)
    return Batch(plan(find_recordings([str(folder)]), spec, settings), spec, settings, hear, meter=meter).run()


@pytest.mark.parametrize(
    "limit", [("--max-hours", "0.0000001"), ("--max-cost", "0.0000001", "--price-per-hour", "1000")], ids=["hours", "cost"]
)
def test_nothing_is_started_at_a_limit(tree: Path, transcribe: Transcribe, limit: tuple[str, ...]) -> None:
    """Exit code 5, the summary says what is left, nothing is written; without the limit the same command does everything."""
    ran = transcribe("run", tree, "--model", "demo", *limit, "--json")
    assert ran.code == 5
    summary = json.loads(ran.out)
    assert summary["stopped_by"] == limit[0].removeprefix("--").replace("-", "_")
    assert (summary["not_tried"], summary["exit_code"]) == (2, 5)
    assert f"Stopped by {limit[0]}. 2 left" in ran.err
    assert "Run the same command again to continue." in ran.err
    assert sorted(path.name for path in tree.iterdir()) == ["a.wav", "b.wav"]
    assert transcribe("run", tree, "--model", "demo").code == 0


def test_a_limit_that_is_not_reached_changes_nothing(tree: Path, transcribe: Transcribe) -> None:
    """It is shown at the start, but not when there is nothing to do."""
    limits = ("--max-hours", "30", "--until", "00:01", "--max-cost", "99", "--price-per-hour", "0.5")
    ran = transcribe("run", tree, "--model", "demo", *limits)
    assert ran.code == 0
    assert "Stops at 00:01 or after 1 day, 6:00:00 or at $99." in ran.err
    again = transcribe("run", tree, "--model", "demo", "--max-hours", "0.0000001")
    assert again.code == 0
    assert "Stop" not in again.err


def test_rendering_is_not_limited(tree: Path, transcribe: Transcribe) -> None:
    """It takes milliseconds."""
    assert transcribe("run", tree, "--model", "demo").code == 0
    (tree / "a.srt").unlink()
    assert transcribe("run", tree, "--model", "demo", "--max-hours", "0.0000001").code == 0
    assert (tree / "a.srt").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--max-cost", "2"), "--price-per-hour"),
        (("--max-cost", "0"), "--max-cost"),
        (("--max-hours", "-1"), "--max-hours"),
        (("--until", "25:00"), "time of day"),
        (("--until", "soon"), "time of day"),
    ],
)
def test_an_invalid_limit_is_rejected(tree: Path, transcribe: Transcribe, options: tuple[str, ...], told: str) -> None:
    """Before anything is done."""
    ran = transcribe("run", tree, "--model", "demo", *options)
    assert ran.code == 2
    assert told in ran.err
    assert sorted(path.name for path in tree.iterdir()) == ["a.wav", "b.wav"]


def test_a_limit_in_the_middle_of_a_recording_loses_no_finished_clip(tmp_path: Path) -> None:
    """The next run resumes there and writes identical files; an hour of machine time passes after the sixth clip."""
    folder = tmp_path / "aulas"
    lecture(folder / "aula.wav", [("Bom dia a todos. Vamos começar a aula.", "pt-br+m3")] * CLIPS)
    now, told = [0.0], list[Event]()

    def hear(event: Event) -> None:
        told.append(event)
        if sum(isinstance(event, RecordingProgress) for event in told) == 6:
            now[0] = 3600.0

    stopped = run(folder, tmp_path / "out", LocalMeter(Price("test", per_hour=1.0), lambda: now[0]), hear, max_cost=0.5)
    assert (stopped.exit_code, stopped.stopped_by, stopped.not_tried, stopped.cost) == (5, "max_cost", 1, 1.0)
    assert not (tmp_path / "out" / "aula.json").exists()
    assert sum(isinstance(event, RecordingProgress) for event in told) <= 7

    told.clear()
    assert run(folder, tmp_path / "out", hear=told.append).exit_code == 0
    [resumed] = [event for event in told if isinstance(event, RecordingResumed)]
    assert resumed.seconds > resumed.duration * 4 / CLIPS
    run(folder, tmp_path / "whole", state_dir=tmp_path / "new")
    assert (tmp_path / "out" / "aula.srt").read_bytes() == (tmp_path / "whole" / "aula.srt").read_bytes()


def test_a_failure_before_a_limit_is_counted_and_the_limit_decides_the_code(tree: Path, transcribe: Transcribe) -> None:
    """5, because there is work left; the failure has its line."""
    (tree / "broken.mp3").write_text("hello")
    ran = transcribe("run", tree / "broken.mp3", tree, "--model", "demo", "--json", "--max-hours", "0.0000001")
    assert ran.code == 5
    assert json.loads(ran.out)["not_tried"] == 3


def test_leases_of_unfinished_recordings_are_released(tmp_path: Path) -> None:
    """Another run can continue immediately."""
    folder = tmp_path / "aulas"
    lecture(folder / "aula.wav", [("Bom dia a todos. Vamos começar a aula.", "pt-br+m3")] * 3)
    now = [0.0]

    def hear(event: Event) -> None:
        now[0] += 3600.0 if isinstance(event, RecordingProgress) else 0.0

    meter = LocalMeter(Price("test", per_hour=1.0), lambda: now[0])
    assert run(folder, folder, meter, hear, max_cost=0.5).exit_code == 5
    assert [path.name for path in folder.iterdir()] == ["aula.wav"]
