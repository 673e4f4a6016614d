"""kill -9 at random times, with two concurrent runs over one bucket: nothing is lost, mixed up, done twice or left behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crash_harness import CrashHarness
from tests.storage.places import Tree, new

KILLS = int(os.environ.get("CRASH_KILLS", "6"))
SEED = int(os.environ.get("CRASH_SEED", "5"))


@pytest.mark.emulators
@pytest.mark.parametrize("kind", ["s3", "azure", "gcs"])
def test_two_runs_that_are_killed_repeatedly_give_the_result_of_one_run(
    kind: str, servers: Callable[[str], Tree], tmp_path: Path
) -> None:
    """As over a folder."""
    counts = CrashHarness(tmp_path, SEED, new(kind, servers(kind), tmp_path)).run_until(KILLS)
    print(kind, counts)  # noqa: T201 - for docs/reliability.md, with `pytest -s`
    assert counts.problems == []
    assert counts.kills >= KILLS
    assert counts.done_twice == 0
    assert counts.started_twice == 0
