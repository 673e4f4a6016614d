"""Messages for events: cost and limits."""

from __future__ import annotations

import pytest

from tests.ledger.runs import finished
from transcribe_cli.events import AttemptFailed
from transcribe_cli.reporting.messages import format_cost, message_for


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0, "$0.00"), (1234.5, "$1,234.50"), (0.1, "$0.10"), (0.0999, "$0.100"), (0.0042, "$0.0042"), (0.00001234, "$0.000012")],
)
def test_small_amounts_keep_two_significant_digits(amount: float, shown: str) -> None:
    """A transcript costs fractions of a cent."""
    assert format_cost(amount) == shown


def test_the_summary_of_a_run_stopped_by_a_limit_says_how_to_continue() -> None:
    """And what is done, what is left, and the cost."""
    line = message_for(finished(stopped_by="until", not_tried=3, cost=0.41, exit_code=5))
    assert line is not None
    assert line.startswith("Stopped by --until. 1 transcribed (1:00:00 of audio")
    assert line.endswith("; 3 left; $0.41. Run the same command again to continue.")


def test_a_run_with_nothing_to_do_shows_no_cost() -> None:
    """Half a second of the machine is not worth mentioning."""
    line = message_for(finished(transcribed=0, skipped=5, audio_seconds=0.0, cost=0.00001))
    assert line == "5 done already."


def test_a_failed_attempt_is_shown_with_its_cost() -> None:
    """Nothing is paid twice without a message."""
    line = message_for(AttemptFailed("a\x1b.mp3", "place_failed", "The worker crashed.", 30.0, 0.02))
    assert line == "retrying  a\\x1b.mp3  The worker crashed. ($0.020 spent)"
