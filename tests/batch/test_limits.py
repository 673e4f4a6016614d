"""Limits that end a run before its work is done."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from transcribe_cli.batch.limits import Limits
from transcribe_cli.errors import UsageError
from transcribe_cli.settings import Settings


class Run:
    """A run whose time and cost the test sets."""

    def __init__(self, spent: float | None = 0.0, now: str = "2026-11-21 22:00", **settings: Any) -> None:
        self.seconds = 50.0
        self.spent = spent
        self.now = datetime.fromisoformat(now)
        self.limits = Limits(Settings(**settings), lambda: self.spent, lambda: self.seconds, lambda: self.now)


def test_without_limits_a_run_never_ends() -> None:
    """And there is no notice about limits."""
    run = Run()
    run.seconds, run.spent = 1e9, 1e9
    assert run.limits.reached() is None
    assert str(run.limits) == ""


def test_hours_count_from_the_start_of_the_run() -> None:
    """To the second."""
    run = Run(max_hours=0.5)
    run.seconds += 1799
    assert run.limits.reached() is None
    run.seconds += 1
    assert run.limits.reached() == "max_hours"


def test_a_time_of_day_that_is_past_is_tomorrows() -> None:
    """`--until 06:00` in the evening means the next morning."""
    run = Run(until="06:00")
    run.now += timedelta(hours=7, minutes=59, seconds=59)
    assert run.limits.reached() is None
    run.now += timedelta(seconds=1)
    assert run.limits.reached() == "until"


def test_a_time_of_day_to_come_is_todays() -> None:
    """And it stays reached."""
    run = Run(until="22:01", now="2026-11-21 22:00:30")
    assert run.limits.reached() is None
    run.now += timedelta(hours=5)
    assert run.limits.reached() == "until"


def test_the_cost_ends_it() -> None:
    """When that amount is spent."""
    run = Run(max_cost=2.5)
    run.spent = 2.499
    assert run.limits.reached() is None
    run.spent = 2.5
    assert run.limits.reached() == "max_cost"


def test_an_unknown_cost_cannot_be_limited() -> None:
    """The error comes before the work and names the option that sets the price."""
    with pytest.raises(UsageError, match="--price-per-hour"):
        Run(spent=None, max_cost=2.5)


def test_the_notice_lists_all_limits() -> None:
    """The first that is reached counts."""
    assert str(Run(max_cost=0.05, max_hours=1.5, until="6:05").limits) == "Stops at 06:05 or after 1:30:00 or at $0.05."


@pytest.mark.parametrize("text", ["", "25:00", "06:61", "6", "six", "06:00:00", "-1:00"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    """The error describes the format."""
    with pytest.raises(ValueError, match="time of day"):
        Settings(until=text)
