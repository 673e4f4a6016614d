"""Clock times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe_cli.formats.timestamps import clock, milliseconds


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.0, "00:00:00.000"),
        (2.48, "00:00:02.480"),
        (59.9996, "00:01:00.000"),
        (3599.9999, "01:00:00.000"),
        (3661.5, "01:01:01.500"),
        (360_000.001, "100:00:00.001"),
        (-0.4, "00:00:00.000"),
    ],
)
def test_seconds_become_a_clock_time_with_less_than_60_seconds(seconds: float, written: str) -> None:
    """59.9996 s is a minute, not 60.000 s; hours can exceed 99."""
    assert clock(milliseconds(seconds)) == written


def test_srt_takes_a_comma() -> None:
    """The caller chooses the decimal sign."""
    assert clock(1234, ",") == "00:00:01,234"


@given(st.integers(0, 10**10))
def test_a_clock_time_can_be_read_back(time_ms: int) -> None:
    """No millisecond is lost, and minutes and seconds stay below 60."""
    hours, minutes, seconds = clock(time_ms).split(":")
    assert int(minutes) < 60
    assert float(seconds) < 60
    assert int(hours) * 3_600_000 + int(minutes) * 60_000 + int(seconds.replace(".", "")) == time_ms
