"""The cost of a run on this machine, and of each recording while several are in progress."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe_cli.costs.meter import LocalMeter
from transcribe_cli.costs.prices import Price
from transcribe_cli.events import Event, RecordingDone, RecordingFailed, RecordingStarted

HOUR = Price("a contract", per_hour=3.6)  # a tenth of a cent a second


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The current time in seconds."""
        return self.now


def done(name: str) -> RecordingDone:
    """The final event of a recording."""
    return RecordingDone(name, (), "pt", 1.0, 1.0, 1, ())


def test_recordings_in_progress_share_the_time_equally() -> None:
    """Time without a recording belongs to none."""
    clock = Clock()
    meter = LocalMeter(HOUR, clock)
    clock.now += 10  # the model is loaded
    meter.on_event(RecordingStarted("a", 1))
    clock.now += 4
    meter.on_event(RecordingStarted("b", 1))
    clock.now += 6
    a = meter.recording_cost("a")
    meter.on_event(done("a"))
    clock.now += 1
    b = meter.recording_cost("b")
    meter.on_event(RecordingFailed("b", "x", "y", ""))
    clock.now += 9
    assert a is not None
    assert b is not None
    assert (a.seconds, a.amount, a.per_hour, a.currency) == (7.0, 0.007, 3.6, "USD")
    assert (b.seconds, b.amount) == (4.0, 0.004)
    assert meter.total_cost() == pytest.approx(0.03)
    assert meter.recording_cost("a") is None


def test_a_restarted_recording_keeps_its_cost() -> None:
    """A recording restarts if it changes while it is read."""
    clock = Clock()
    meter = LocalMeter(HOUR, clock)
    for _ in range(2):
        meter.on_event(RecordingStarted("a", 1))
        clock.now += 5
    cost = meter.recording_cost("a")
    assert cost is not None
    assert cost.seconds == 10.0


def test_without_a_price_costs_are_unknown() -> None:
    """They are None, not 0."""
    meter = LocalMeter(None)
    meter.on_event(RecordingStarted("a", 1))
    assert meter.total_cost() is None
    assert meter.recording_cost("a") is None


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans(), st.floats(0, 1000)), max_size=40))
def test_the_sum_of_recording_costs_never_exceeds_the_total(steps: list[tuple[str, bool, float]]) -> None:
    """For any order of starts and ends."""
    clock, total_of_recordings = Clock(), 0.0
    meter = LocalMeter(HOUR, clock)
    for name, begins, seconds in steps:
        event: Event = RecordingStarted(name, 1) if begins else done(name)
        if not begins and (cost := meter.recording_cost(name)) is not None:
            total_of_recordings += cost.amount
        meter.on_event(event)
        clock.now += seconds
    total = meter.total_cost()
    assert total is not None
    assert total_of_recordings <= total + 1e-4
