"""kill -9 at random moments, with two runs at once: nothing is lost, mixed, done twice or left behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.crash_harness import CrashHarness
from tests.storage.places import Tree

# `make test-crash` asks for thirty; as many as fit into a minute here.
KILLS = int(os.environ.get("CRASH_KILLS", "6"))
SEED = int(os.environ.get("CRASH_SEED", "5"))


@pytest.mark.slow
def test_two_runs_killed_repeatedly_give_the_same_as_one_undisturbed_run(tmp_path: Path) -> None:
    """Complete outputs, the same transcripts, no temporary, lease or scratch files left; no recording done twice."""
    counts = CrashHarness(tmp_path, SEED, Tree(str(tmp_path / "aulas"))).run_until(KILLS)
    print(counts)  # noqa: T201 - for docs/reliability.md, with `pytest -s`
    assert counts.problems == []
    assert counts.kills >= KILLS
    assert counts.done_twice == 0
    assert counts.started_twice == 0
