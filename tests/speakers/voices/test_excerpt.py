"""Excerpts are parsed, and printed so that they can be typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from transcribe_cli.errors import SourceNotFound, UsageError
from transcribe_cli.speakers.voices.excerpt import Excerpt, format_time


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A file with irrelevant content."""
    (tmp_path / "aula.wav").touch()
    return tmp_path / "aula.wav"


@pytest.mark.parametrize(
    ("times", "start", "end"),
    [
        ("12.5-40", 12.5, 40),
        ("1:02-1:34.5", 62, 94.5),
        ("1:02:03-2:00:00", 3723, 7200),
        ("90-", 90, None),
        ("-0:30", 0, 30),
        ("90:00-95:30", 5400, 5730),
    ],
)
def test_times_are_seconds_minutes_or_hours(recording: Path, times: str, start: float, end: float | None) -> None:
    """Either may be omitted; the printed form parses to the same excerpt."""
    found = Excerpt.parsed(f"{recording}@{times}")
    assert found == Excerpt(recording, start, end)
    assert Excerpt.parsed(str(found)) == found


def test_a_file_without_times_is_the_whole_recording(recording: Path) -> None:
    """Also when its name contains an at sign; an existing file takes precedence."""
    assert Excerpt.parsed(str(recording)) == Excerpt(recording)
    odd = recording.with_name("ana@1-2")
    odd.touch()
    assert Excerpt.parsed(str(odd)) == Excerpt(odd)
    assert Excerpt.parsed(f"{odd}@1-2") == Excerpt(odd, 1, 2)
    assert str(Excerpt(recording)) == str(recording)


@pytest.mark.parametrize("times", ["40", "a-b", "1:2:3:4-5", "1-2-3", "", "-5--3", "1e3-2e3"])
def test_invalid_times_are_refused_with_an_example(recording: Path, times: str) -> None:
    """In one line."""
    with pytest.raises(UsageError, match=r"aula\.wav@12\.5-40"):
        Excerpt.parsed(f"{recording}@{times}")


@pytest.mark.parametrize("times", ["40-12", "5-5", "1:00-0:30"])
def test_an_excerpt_must_end_after_its_start(recording: Path, times: str) -> None:
    """Otherwise it is an error."""
    with pytest.raises(UsageError, match="ends before it starts"):
        Excerpt.parsed(f"{recording}@{times}")


@pytest.mark.parametrize("text", ["nowhere.wav", "nowhere.wav@1-2", "@1-2", "", "a" * 5000, "a\0b@1-2"])
def test_a_missing_file_is_reported(text: str) -> None:
    """Whatever the text is."""
    with pytest.raises(SourceNotFound, match="There is no file"):
        Excerpt.parsed(text)


def test_a_part_is_rounded_inwards_to_tenths() -> None:
    """So that no other speaker is included at the edges."""
    assert str(Excerpt(Path("a.wav"), 60).part(0.01, 12.39)) == "a.wav@1:00.1-1:12.3"
    assert str(Excerpt(Path("a.wav")).part(0.3, 0.7)) == "a.wav@0:00.3-0:00.7"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (9.96, "0:10"), (59.97, "1:00"), (62.5, "1:02.5"), (3723, "1:02:03")])
def test_times_are_rounded_to_tenths(seconds: float, text: str) -> None:
    """Minutes carry over."""
    assert format_time(seconds) == text
