"""Messages for events: cost, limits and verdicts."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from tests.cli.recordings import check_harmless
from tests.ledger.runs import done, finished
from tests.verdicts import HOSTILE, doubt
from transcribe_cli.events import AttemptFailed, Event, RunFinished
from transcribe_cli.reporting.jsonl import JsonLines
from transcribe_cli.reporting.live import LiveDisplay
from transcribe_cli.reporting.messages import format_cost, message_for
from transcribe_cli.reporting.plain import PlainLines
from transcribe_cli.text.verdicts import DoubtfulRecording


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


LANGUAGE = doubt("Language doubtful.", (0.0, 65.0), code="language")


def test_a_good_recording_reads_as_before() -> None:
    """No word about its verdict."""
    assert (
        message_for(done("a.mp3", verdict="good"))
        == message_for(done("a.mp3"))
        == "done      a.mp3  1:00:00 in 1:00 (60x), pt, 9 words"
    )


def test_the_line_of_a_doubtful_recording_says_why_and_where() -> None:
    """Two reasons and two places each; also when it was only rendered."""
    line = message_for(done("a.mp3", verdict="check", reasons=(LANGUAGE,)))
    assert line == "done      a.mp3  1:00:00 in 1:00 (60x), pt, 9 words; check: Language doubtful (0:00-1:05)"
    loops = doubt("Loops removed", (60.0, 70.0), (3700.0, 3701.5), (5.0, 6.0))
    line = message_for(done("a.mp3", verdict="bad", reasons=(loops, LANGUAGE, LANGUAGE), rendered=True, outputs=("a.srt",)))
    assert line is not None
    assert line == (
        "rendered  a.mp3  a.srt; BAD: Loops removed (1:00-1:10, 1:01:40-1:01:41 and 1 more); Language doubtful (0:00-1:05); 1 more reason"
    )


def test_reasons_are_escaped_and_short() -> None:
    """Anybody may have written them."""
    line = message_for(done("a.mp3", verdict="bad", reasons=(doubt(HOSTILE), doubt("x" * 10_000))))
    assert line is not None
    check_harmless(line.encode())
    assert len(line) < 500


def doubtful_run(**more: object) -> RunFinished:
    """The end of a run with good and doubtful recordings."""
    found = [DoubtfulRecording(f"{name}.mp3", "bad" if name == "a" else "check", (LANGUAGE,)) for name in "abcd"]
    counts = {"good": 37, "check": 3, "bad": 1}
    return finished(
        **{
            "transcribed": 41,
            "verdicts": counts,
            "doubtful": tuple(found),
            "check_command": "transcribe status --check aulas",
            **more,
        }
    )


def test_the_summary_counts_and_names_the_doubtful() -> None:
    """The worst first, and the command that lists all. The counts stand in the last line."""
    line = message_for(doubtful_run())
    assert line is not None
    names, counts = line.splitlines()
    assert names == "To check: a.mp3 (BAD), b.mp3, c.mp3 and 1 more. See: transcribe status --check aulas"
    assert counts == "41 transcribed (1:00:00 of audio in 1:10, 51x real time); 3 to check, 1 bad."
    good = finished(verdicts={"good": 1, "check": 0, "bad": 0})
    assert message_for(good) == message_for(finished())


def test_the_summary_says_why_the_exit_code_is_3() -> None:
    """Only if it is: a limit or a signal has its own code."""
    line = message_for(doubtful_run(failed_on="check", exit_code=3))
    assert line is not None
    assert line.endswith("; 3 to check, 1 bad. Exit code 3 because of --fail-on check.")
    stopped = message_for(doubtful_run(failed_on="check", exit_code=5, stopped_by="max_cost"))
    assert stopped is not None
    assert "--fail-on" not in stopped


def test_quiet_shows_bad_texts_and_a_reached_fail_on() -> None:
    """Nothing about good and about doubtful ones, as before."""

    def printed(event: Event) -> str:
        stream = io.StringIO()
        PlainLines(stream, quiet=True).emit(event)
        return stream.getvalue()

    assert printed(done("a.mp3", verdict="good")) == printed(done("a.mp3", verdict="check", reasons=(LANGUAGE,))) == ""
    assert "BAD: " in printed(done("a.mp3", verdict="bad", reasons=(LANGUAGE,)))
    assert printed(doubtful_run()) == ""
    assert "--fail-on bad" in printed(doubtful_run(failed_on="bad", exit_code=3))


def test_a_doubt_has_a_colour_on_a_terminal() -> None:
    """Yellow, or bold red if the text is bad; the rest of the line has none."""
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    display = LiveDisplay(stream)
    display._console = Console(file=stream, force_terminal=True, color_system="standard", soft_wrap=True, highlight=False)
    display.emit(done("a.mp3", verdict="bad", reasons=(LANGUAGE,)))
    display.emit(done("b.mp3", verdict="check", reasons=(LANGUAGE,)))
    bad, check, *_ = stream.getvalue().splitlines()
    assert "9 words; \x1b[1;31mBAD: Language doubtful (0:00-1:05)\x1b[0m" in bad
    assert "9 words; \x1b[33mcheck: Language doubtful (0:00-1:05)\x1b[0m" in check


def test_events_carry_verdict_and_reasons() -> None:
    """As JSON on one line, also with hostile texts."""
    stream = io.StringIO()
    JsonLines(stream).emit(done("a.mp3", verdict="check", reasons=(doubt(HOSTILE, (0.0, 65.0)),)))
    JsonLines(stream).emit(doubtful_run(failed_on="check"))
    first, last = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first["verdict"] == "check"
    assert first["reasons"] == [{"code": "loops", "level": "check", "detail": HOSTILE, "spans": [[0.0, 65.0]]}]
    assert last["verdicts"] == {"good": 37, "check": 3, "bad": 1}
    assert [entry["recording"] for entry in last["doubtful"]] == ["a.mp3", "b.mp3", "c.mp3", "d.mp3"]
    assert last["doubtful"][0]["reasons"][0]["code"] == "language"
    assert last["failed_on"] == "check"
