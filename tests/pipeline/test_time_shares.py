"""Shares of wall time, on a clock that the test sets."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe_cli.pipeline.time_shares import Stage, TimeShare, TimeShares


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The current time in seconds."""
        return self.now


def test_threads_share_an_instant_and_a_batch_divides_its_part_by_clip() -> None:
    clock = Clock()
    shares = TimeShares(clock=clock)
    for number in (1, 2, 3):
        shares.start(number)
    with shares.working(Stage.RECOGNIZE, (1, 1, 2, 1)):
        clock.now += 4  # alone
        with shares.working(Stage.PREPARE, (3,)):
            clock.now += 8
    clock.now += 6  # no thread works
    assert shares.end(1) == TimeShare(recognize=3 + 3, wait=2)
    assert shares.end(2) == TimeShare(recognize=1 + 1, wait=2)
    assert shares.end(3) == TimeShare(prepare=4, wait=2)


def test_time_without_recordings_belongs_to_the_next_one() -> None:
    """Such as the start of a run. A worker that waits for jobs keeps nothing."""
    clock = Clock()
    run, worker = TimeShares(clock=clock), TimeShares(keeps_idle=False, clock=clock)
    clock.now += 5
    for shares in (run, worker):
        shares.start(1)
    with run.working(Stage.PREPARE, (1,)), worker.working(Stage.PREPARE, (1,)):
        clock.now += 2
    assert (run.end(1).total, worker.end(1).total) == (7, 2)
    assert run.end(1).total == 0  # it has ended


def test_work_on_a_recording_that_has_failed_belongs_to_no_other() -> None:
    """A batch in progress is finished."""
    clock = Clock()
    shares = TimeShares(clock=clock)
    shares.start(1)
    shares.start(2)
    with shares.working(Stage.RECOGNIZE, (1, 2)):
        clock.now += 2
        assert shares.end(1).total == 1
        clock.now += 2
    assert shares.end(2).total == 2


def test_a_recording_that_starts_again_keeps_its_time() -> None:
    """It was changed while it was read."""
    clock = Clock()
    shares = TimeShares(clock=clock)
    for _ in range(2):
        shares.start(1)
        with shares.working(Stage.PREPARE, (1,)):
            clock.now += 3
    assert shares.end(1).total == 6


@given(
    st.lists(
        st.tuples(st.sampled_from(["start", "work", "stop", "end"]), st.lists(st.integers(0, 4), min_size=1), st.floats(0, 100)),
        max_size=40,
    )
)
def test_the_shares_add_up_to_the_time(steps: list[tuple[str, list[int], float]]) -> None:
    """For any order of starts, work of threads and ends, but for work on recordings that have ended."""
    clock, total = Clock(), 0.0
    shares = TimeShares(clock=clock)
    in_progress, working = {9}, list[ExitStack]()
    shares.start(9)
    for action, numbers, seconds in steps:
        if action == "start":
            in_progress.add(numbers[0])
            shares.start(numbers[0])
        elif action == "work" and in_progress.issuperset(numbers):
            working.append(ExitStack())
            working[-1].enter_context(shares.working(Stage.RECOGNIZE, numbers))
        elif action == "stop" and working:
            working.pop(0).close()
        elif action == "end" and not working:
            in_progress.discard(numbers[0])
            total += shares.end(numbers[0]).total
        clock.now += seconds
    for thread in working:
        thread.close()
    total += sum(shares.end(number).total for number in in_progress)
    assert total == pytest.approx(clock.now - 100.0, abs=1e-6)
