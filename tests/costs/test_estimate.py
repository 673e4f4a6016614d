"""Estimates, and what so many seconds cost."""

from __future__ import annotations

import pytest

from transcribe_cli.costs.estimate import PastRun, Speed, cost_of, estimate, measured_speed
from transcribe_cli.costs.prices import Price

HOUR = Price("a contract", per_hour=3.6)  # a tenth of a cent a second


def test_an_estimate_is_a_range_around_what_is_likely() -> None:
    """An hour of audio at sixty times real time is a minute, after loading; how unsure the speed is, time and money are."""
    found = estimate("here", 3600.0, Speed(60.0, 2.0, "measured", load_seconds=10.0), HOUR)
    assert found.seconds is not None
    assert (found.seconds.low, found.seconds.likely, found.seconds.high) == (40.0, 70.0, 130.0)
    assert found.cost is not None
    assert found.cost.likely == pytest.approx(0.07)
    assert found.cost.high == pytest.approx(0.13)


def test_what_is_paid_for_audio_is_sure() -> None:
    """However long it takes, and when nobody knows how long."""
    found = estimate("api", 7200.0, None, Price("list", per_audio_hour=0.36))
    assert found.seconds is None
    assert found.cost is not None
    assert found.cost.low == found.cost.likely == found.cost.high == pytest.approx(0.72)


def test_without_a_speed_or_a_price_there_is_no_figure() -> None:
    """Rather than a wrong one."""
    assert estimate("here", 3600.0, None, HOUR).cost is None
    assert estimate("here", 3600.0, Speed(60.0, 2.0, "measured"), None).cost is None
    assert measured_speed([]) is None


def test_more_runs_are_surer_than_one() -> None:
    """And runs that differ are less sure than runs that do not."""
    one, many = measured_speed([PastRun(3600, 60, 1)]), measured_speed([PastRun(3600, 60, 1)] * 16)
    apart = measured_speed([PastRun(3600, 30, 1), PastRun(3600, 120, 3)] * 8)
    assert one is not None
    assert many is not None
    assert apart is not None
    assert (one.rtfx, one.factor, one.load_seconds, one.origin) == (60.0, 1.5, 1, "measured in 1 run")
    assert (many.rtfx, many.factor, many.origin) == (60.0, 1.125, "measured in 16 runs")
    assert apart.rtfx == pytest.approx(48.0)
    assert apart.factor == pytest.approx(2.5)


def test_a_short_run_says_little() -> None:
    """Ten seconds of audio are mostly the beginning of a run."""
    short = measured_speed([PastRun(10, 1, 0)] * 16)
    assert short is not None
    assert short.factor == 2.0


def test_work_that_is_added_later_is_added_to_the_cost() -> None:
    """Its speakers, for example: amounts and seconds, at the price of the last."""
    text, speakers = cost_of(HOUR, seconds=10), cost_of(Price("dearer", per_hour=7.2), seconds=5)
    both = speakers.plus(text)
    assert (both.amount, both.seconds, both.per_hour, both.source) == (pytest.approx(0.02), 15.0, 7.2, "dearer")
    assert speakers.plus(None) == speakers
    assert speakers.plus(text.model_copy(update={"currency": "EUR"})) == speakers
