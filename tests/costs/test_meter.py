"""What a run on this machine has cost, and who has cost what while recordings are worked on side by side."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe_cli.costs.meter import LocalMeter
from transcribe_cli.costs.prices import Price
from transcribe_cli.events import Event, RecordingDone, RecordingFailed, RecordingStarted

HOUR = Price("a contract", per_hour=3.6)  # a tenth of a cent a second


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Now."""
        return self.now


def done(name: str) -> RecordingDone:
    """The end of a recording."""
    return RecordingDone(name, (), "pt", 1.0, 1.0, 1, ())


def test_recordings_worked_on_side_by_side_share_the_time() -> None:
    """Equally, and the time in which there is none is nobody's."""
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


def test_a_recording_that_begins_anew_keeps_what_it_has_cost() -> None:
    """It changed while it was read."""
    clock = Clock()
    meter = LocalMeter(HOUR, clock)
    for _ in range(2):
        meter.on_event(RecordingStarted("a", 1))
        clock.now += 5
    found = meter.recording_cost("a")
    assert found is not None
    assert found.seconds == 10.0


def test_without_a_price_nothing_costs() -> None:
    """Nor is anything said to cost nothing."""
    meter = LocalMeter(None)
    meter.on_event(RecordingStarted("a", 1))
    assert meter.total_cost() is None
    assert meter.recording_cost("a") is None


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans(), st.floats(0, 1000)), max_size=40))
def test_the_shares_are_never_more_than_the_whole(steps: list[tuple[str, bool, float]]) -> None:
    """Whatever begins and ends when."""
    clock, shares = Clock(), 0.0
    meter = LocalMeter(HOUR, clock)
    for name, begins, seconds in steps:
        event: Event = RecordingStarted(name, 1) if begins else done(name)
        if not begins and (share := meter.recording_cost(name)) is not None:
            shares += share.amount
        meter.on_event(event)
        clock.now += seconds
    whole = meter.total_cost()
    assert whole is not None
    assert shares <= whole + 1e-4
