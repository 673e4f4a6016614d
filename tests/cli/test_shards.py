"""`--shard`: a tree divided between machines that do not communicate."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran
from transcribe_cli.errors import UsageError
from transcribe_cli.plan import plan
from transcribe_cli.reporting.messages import pluralize
from transcribe_cli.settings import Settings
from transcribe_cli.shards import SCHEDULERS, Shard, check_shard, parse_shard, resolve_shard
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec

Transcribe = Callable[..., Ran]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Recordings in two folders; their content does not matter for a plan."""
    for number in range(30):
        path = tmp_path / "aulas" / ("manhã" if number % 2 else "tarde") / f"{number}.mp3"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return tmp_path / "aulas"


def shard(tree: Path, text: str | None) -> set[str]:
    """The recordings of a shard."""
    return {job.recording.label for job in plan(find_recordings([str(tree)]), JobSpec(), Settings(shard=text))}


def test_every_recording_is_in_exactly_one_shard(tree: Path) -> None:
    """For every number of shards; and no shard is empty."""
    for count in (1, 2, 4):
        shards = [shard(tree, f"{index}/{count}") for index in range(1, count + 1)]
        assert all(shards)
        assert Counter(name for names in shards for name in names) == dict.fromkeys(shard(tree, None), 1)


def test_a_recording_stays_in_its_shard_when_others_are_added_or_removed(tree: Path, tmp_path: Path) -> None:
    """Also when the tree has another path on another machine."""
    before = shard(tree, "2/3")
    for name in list(before)[:3]:
        (tree / name).unlink()
    (tree / "new.mp3").touch()
    moved = tree.rename(tmp_path / "elsewhere")
    assert shard(moved, "2/3") - {"new.mp3"} == before - set(list(before)[:3])


def test_the_hash_never_changes() -> None:
    """Machines with different versions of the program must agree."""
    places = [next(i for i in range(1, 6) if Shard(i, 5).contains(name.encode())) for name in ("a.mp3", "b.mp3", "x/ç.wav", "")]
    assert places == [4, 5, 5, 3]


def test_names_that_clash_are_found_in_every_shard(tmp_path: Path) -> None:
    """Two recordings with the same output are rejected, even if only one of them is in the shard."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.mp3").write_text("x")
    sources = [str(tmp_path / "a"), str(tmp_path / "b")]
    for text in ("1/2", "2/2"):
        jobs = plan(find_recordings(sources), JobSpec(), Settings(shard=text, output_dir=tmp_path / "out"))
        assert all(job.error is not None for job in jobs)


def test_a_run_does_its_shard_and_says_so(transcribe: Transcribe, say: Callable[..., Path], tmp_path: Path) -> None:
    """So does the plan; all shards together cover the tree."""
    folder = tmp_path / "in"
    for number in range(4):
        say(folder / f"{number}.wav", "Bom dia.")
    done: set[str] = set()
    for index in (1, 2):
        planned = transcribe("plan", folder, "--model", "demo", "--shard", f"{index}/2")
        document = json.loads(transcribe("plan", folder, "--model", "demo", "--json", "--shard", f"{index}/2").out)
        ran = transcribe("run", folder, "--model", "demo", "--shard", f"{index}/2")
        assert ran.code == 0
        assert ran.err.startswith(f"Shard {index}/2.\n")
        assert document["shard"] == f"{index}/2"
        summary = f"{pluralize(len(document['recordings']), 'recording')} in shard {index}/2: "
        assert any(line.startswith(summary) for line in planned.out.splitlines())
        written = {path.stem for path in folder.glob("*.json")} - done
        assert {f"{name}.wav" for name in written} == {recording["name"] for recording in document["recordings"]}
        done |= written
    assert done == {"0", "1", "2", "3"}


@pytest.mark.parametrize(
    ("variables", "text", "shard"),
    [
        ({"SLURM_ARRAY_TASK_ID": "2", "SLURM_ARRAY_TASK_COUNT": "4"}, "auto", "3/4"),
        (
            {
                "SLURM_ARRAY_TASK_ID": "14",
                "SLURM_ARRAY_TASK_COUNT": "3",
                "SLURM_ARRAY_TASK_MIN": "10",
                "SLURM_ARRAY_TASK_STEP": "2",
            },
            "auto",
            "3/3",
        ),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "2"}, "auto", "1/2"),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "1", "RANK": "1", "WORLD_SIZE": "2"}, "auto", "2/2"),
        ({"JOB_COMPLETION_INDEX": "7"}, "auto/8", "8/8"),
        ({"AWS_BATCH_JOB_ARRAY_INDEX": "1", "AWS_BATCH_JOB_ARRAY_SIZE": "3"}, "auto", "2/3"),
        ({"RANK": "0", "WORLD_SIZE": "1"}, "auto", "1/1"),
        ({}, "2/4", "2/4"),
    ],
)
def test_auto_reads_the_variables_of_the_schedulers(variables: dict[str, str], text: str, shard: str) -> None:
    """Arrays that do not begin at 0, and engines inside engines."""
    assert resolve_shard(check_shard(text), variables) == shard


@pytest.mark.parametrize("scheduler", SCHEDULERS, ids=lambda ranks: ranks.scheduler)
def test_each_scheduler_counts_from_0(scheduler: object) -> None:
    """The first of two, and the last."""
    ranks = next(ranks for ranks in SCHEDULERS if ranks is scheduler)
    text, count = ("auto/2", {}) if ranks.count is None else ("auto", {ranks.count: "2"})
    assert [resolve_shard(text, {ranks.index: index, **count}) for index in ("0", "1")] == ["1/2", "2/2"]


@pytest.mark.parametrize(
    ("variables", "text", "words"),
    [
        ({}, "0/4", ["count from 1", "1/4"]),
        ({}, "5/4", ["4/4"]),
        ({}, "0/0", ["count from 1"]),
        ({}, "half", ["i/n"]),
        ({}, "auto/0", ["1 or more"]),
        ({}, "auto", ["SLURM_ARRAY_TASK_ID", "RANK"]),
        ({"JOB_COMPLETION_INDEX": "1"}, "auto", ["JOB_COMPLETION_INDEX", "auto/8"]),
        ({"RANK": "1"}, "auto", ["WORLD_SIZE"]),
        ({"RANK": "4", "WORLD_SIZE": "4"}, "auto", ["RANK=4", "4 tasks"]),
        ({"RANK": "-1\x1b[31m", "WORLD_SIZE": "4"}, "auto", ["RANK", "not a number"]),
        ({"SLURM_ARRAY_TASK_ID": "9", "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_ARRAY_TASK_MIN": "1"}, "auto", ["without gaps"]),
    ],
)
def test_an_invalid_shard_is_one_line_and_exit_code_2(
    variables: dict[str, str], text: str, words: list[str], transcribe: Transcribe, tree: Path
) -> None:
    """Nothing is touched."""
    ran = transcribe("run", tree, "--model", "demo", "--shard", text, env=variables)
    [line] = ran.err.splitlines()
    assert ran.code == 2
    assert all(word in line for word in words), line
    assert "\x1b" not in line


def test_from_python_auto_has_to_be_resolved_first() -> None:
    """Only the command line reads the environment."""
    with pytest.raises(UsageError, match="depends on the environment"):
        parse_shard("auto")
