"""Where a cue of SubRip or WebVTT ends, and what belongs to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran
from transcribe_cli.errors import Unreadable
from transcribe_cli.subtitles.parser import read_cues

ONE, TWO = "00:00:01.000 --> 00:00:03.000", "00:00:04.000 --> 00:00:06.000"


def cues(text: str) -> list[str]:
    """The text of each cue; lines separated by `|`."""
    return ["|".join(cue.lines) for cue in read_cues(text, "x")]


@pytest.mark.parametrize(
    "blank",
    [" ", "   ", "\t", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u2060", "\u2028", "\x0b", "\x0c", "\x85", " \u200b\u00a0"],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_that_only_looks_empty_does_not_end_a_cue(blank: str, end: str) -> None:
    """Above, between and below the text. YouTube pads with a space. The header may have more lines."""
    lines = [f"WEBVTT{end}Kind: captions", "", ONE, blank, "hello there", blank, "friends", blank, "", TWO, "second line"]
    assert cues(end.join(lines)) == ["hello there|friends", "second line"]
    lines = ["1", ONE, blank, "hello there", blank, "friends", "", "2", TWO, "second line", ""]
    assert cues(end.join(lines)) == ["hello there|friends", "second line"]


def test_in_webvtt_an_empty_line_ends_a_cue() -> None:
    """What follows is a comment, a style, a region or an identifier. In the text of a cue these words are text."""
    blocks = ["WEBVTT - title", "NOTE a comment\nof two lines", "STYLE\n::cue { color: red }", "REGION\nid:a\nwidth:40%"]
    blocks += [f"intro\n{ONE} align:start position:0%\num\nNOTE dois", "friends", f"{TWO}\ntrês", "NOTE quatro"]
    assert cues("\n\n".join(blocks)) == ["um|NOTE dois", "três"]
    assert cues(f"\ufeffWEBVTT\n\n{ONE}\n\nnot in it\n\n{TWO}\ndois") == ["", "dois"]
    assert cues(f"WEBVTT\n{ONE}\num") == ["um"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"1\n{ONE}\nhello there\n\nfriends\n\n2\n{TWO}\nsecond line\n", ["hello there|friends", "second line"]),
        (f"1\n{ONE}\n\n\nhello\n\n\n\nfriends\n\n\n2\n{TWO}\nsecond\n\nline\n\n", ["hello|friends", "second|line"]),
        (f"1\n{ONE}\n1984\n\n2\n{TWO}\n42\n", ["1984", "42"]),  # numbers that are text
        (f"1\n{ONE}\nem\n\n1984\n\n2\n{TWO}\n42\n", ["em|1984", "42"]),
        (f"1\n{ONE}\n2\n\n2\n{TWO}\n3\n\n", ["2", "3"]),
        (f"{ONE}\n1984\n\n{TWO}\n42\n", ["1984", "42"]),  # without numbers
        (f"{ONE}\num\n7\n{TWO}\ndois", ["um|7", "dois"]),
        (f"1\n{ONE}\num\n2\n{TWO}\ndois", ["um", "dois"]),  # without the blank line
        (f"1\n\n{ONE}\num\n\n2\n\n{TWO}\ndois", ["um", "dois"]),  # with one too many
        (f"1\n{ONE}\num\n\n1984\n\n{TWO}\ndois", ["um|1984", "dois"]),  # one number is missing
        (f"1\n{ONE}\n\n2\n{TWO}\ndois", ["", "dois"]),  # an empty cue
        (f"\ufeff1\n{ONE}\num\n\n\u200b2\u00a0\n\ufeff{TWO}\u00a0\ndois", ["um", "dois"]),
        (f"\ufeff{ONE}\num", ["um"]),
        (f"7\n{TWO}\num\n\n3\n{ONE}\ndois", ["um", "dois"]),
        ("1\n00:01,000 --> 00:03,000\na --> b\n", ["a --> b"]),  # an arrow that is text; no hours
        ("", []),
        ("\n\n", []),
        ("um\n\ndois", []),
    ],
)
def test_in_subrip_all_text_up_to_the_next_number_and_times_belongs_to_the_cue(text: str, expected: list[str]) -> None:
    """Whatever is missing or looks like a number, and with each kind of line end."""
    for end in ("\n", "\r\n", "\r"):
        assert cues(text.replace("\n", end)) == expected


def test_damaged_times_are_reported_by_line() -> None:
    with pytest.raises(Unreadable, match="x, line 6"):
        cues(f"1\n{ONE}\num\n\n2\n00:00:04.000 --> 00:0x\ndois")


def test_nothing_is_lost_in_scores_and_lint(transcribe: Callable[..., Ran], tmp_path: Path) -> None:
    """Three of five words were missing, and lint called the cue empty."""
    (tmp_path / "ref.txt").write_text("hello there friends second line")
    (tmp_path / "a.vtt").write_text(f"WEBVTT\n\n{ONE}\n \nhello there friends\n\n{TWO}\nsecond line\n")
    (tmp_path / "c.srt").write_text(f"1\n{ONE}\nhello there\n\nfriends\n\n2\n{TWO}\nsecond line\n")
    for name in ("a.vtt", "c.srt"):
        assert "0.0" in transcribe("score", tmp_path / "ref.txt", tmp_path / name, "--language", "eng").out
        assert "empty" not in transcribe("lint", tmp_path / name).out
