"""Events in words: money and limits."""

from __future__ import annotations

import pytest

from tests.ledger.runs import finished
from transcribe_cli.events import AttemptFailed
from transcribe_cli.reporting.messages import format_cost, message_for


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0, "$0.00"), (1234.5, "$1,234.50"), (0.1, "$0.10"), (0.0999, "$0.100"), (0.0042, "$0.0042"), (0.00001234, "$0.000012")],
)
def test_small_amounts_keep_two_digits_that_say_something(amount: float, shown: str) -> None:
    """A transcript costs fractions of a cent."""
    assert format_cost(amount) == shown


def test_the_summary_of_a_run_that_a_limit_ended_says_how_to_go_on() -> None:
    """What is done, what is left, what it cost."""
    line = message_for(finished(stopped_by="until", not_tried=3, cost=0.41, exit_code=5))
    assert line is not None
    assert line.startswith("Stopped by --until. 1 transcribed (1:00:00 of audio")
    assert line.endswith("; 3 left; $0.41. The same command goes on from here.")


def test_a_run_that_found_everything_done_has_no_bill() -> None:
    """Its half second is not worth a word."""
    line = message_for(finished(transcribed=0, skipped=5, audio_seconds=0.0, cost=0.00001))
    assert line == "5 done already."


def test_an_attempt_that_came_to_nothing_is_said_with_what_it_cost() -> None:
    """Nothing is paid twice without a line."""
    line = message_for(AttemptFailed("a\x1b.mp3", "place_failed", "The worker crashed.", 30.0, 0.02))
    assert line == "again     a\\x1b.mp3  The worker crashed. ($0.020 spent)"
