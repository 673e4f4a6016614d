"""Estimates of time and cost, and the cost of used time."""

from __future__ import annotations

import pytest

from transcribe_cli.costs.estimate import PastRun, Speed, cost_of, estimate, measured_speed
from transcribe_cli.costs.prices import Price

HOUR = Price("a contract", per_hour=3.6)  # a tenth of a cent a second


def test_an_estimate_is_a_range_around_the_likely_value() -> None:
    """An hour of audio at 60x real time takes a minute, after loading. Time and cost are as uncertain as the speed."""
    result = estimate("here", 3600.0, Speed(60.0, 2.0, "measured", load_seconds=10.0), HOUR)
    assert result.seconds is not None
    assert (result.seconds.low, result.seconds.likely, result.seconds.high) == (40.0, 70.0, 130.0)
    assert result.cost is not None
    assert result.cost.likely == pytest.approx(0.07)
    assert result.cost.high == pytest.approx(0.13)


def test_a_price_per_hour_of_audio_gives_an_exact_cost() -> None:
    """Also if the speed is not known."""
    result = estimate("api", 7200.0, None, Price("list", per_audio_hour=0.36))
    assert result.seconds is None
    assert result.cost is not None
    assert result.cost.low == result.cost.likely == result.cost.high == pytest.approx(0.72)


def test_without_a_speed_or_a_price_the_cost_is_not_known() -> None:
    """It is None instead of a wrong figure."""
    assert estimate("here", 3600.0, None, HOUR).cost is None
    assert estimate("here", 3600.0, Speed(60.0, 2.0, "measured"), None).cost is None
    assert measured_speed([]) is None


def test_more_runs_give_a_smaller_factor() -> None:
    """Runs whose speeds differ give a larger one."""
    one, many = measured_speed([PastRun(3600, 60, 1)]), measured_speed([PastRun(3600, 60, 1)] * 16)
    differing = measured_speed([PastRun(3600, 30, 1), PastRun(3600, 120, 3)] * 8)
    assert one is not None
    assert many is not None
    assert differing is not None
    assert (one.rtfx, one.factor, one.load_seconds, one.origin) == (60.0, 1.5, 1, "measured in 1 run")
    assert (many.rtfx, many.factor, many.origin) == (60.0, 1.125, "measured in 16 runs")
    assert differing.rtfx == pytest.approx(48.0)
    assert differing.factor == pytest.approx(2.5)


def test_short_runs_give_a_large_factor() -> None:
    """A run with ten seconds of audio is mostly start-up."""
    short = measured_speed([PastRun(10, 1, 0)] * 16)
    assert short is not None
    assert short.factor == 2.0


def test_the_cost_of_later_work_is_added() -> None:
    """Of diarization, for example: amounts and seconds are added; the price is the last one's."""
    text, speakers = cost_of(HOUR, seconds=10), cost_of(Price("dearer", per_hour=7.2), seconds=5)
    both = speakers.plus(text)
    assert (both.amount, both.seconds, both.per_hour, both.source) == (pytest.approx(0.02), 15.0, 7.2, "dearer")
    assert speakers.plus(None) == speakers
    assert speakers.plus(text.model_copy(update={"currency": "EUR"})) == speakers
