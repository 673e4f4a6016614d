"""Stretches are read as people write them, and written as they can be typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from transcribe_cli.errors import SourceNotFound, UsageError
from transcribe_cli.speakers.voices.excerpt import Excerpt, format_time


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A file; what is in it does not matter."""
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
    """Either may be left out; what is written back means the same."""
    found = Excerpt.parsed(f"{recording}@{times}")
    assert found == Excerpt(recording, start, end)
    assert Excerpt.parsed(str(found)) == found


def test_a_file_alone_is_all_of_it_also_when_its_name_has_an_at_sign(recording: Path) -> None:
    """A file of that very name comes first."""
    assert Excerpt.parsed(str(recording)) == Excerpt(recording)
    odd = recording.with_name("ana@1-2")
    odd.touch()
    assert Excerpt.parsed(str(odd)) == Excerpt(odd)
    assert Excerpt.parsed(f"{odd}@1-2") == Excerpt(odd, 1, 2)
    assert str(Excerpt(recording)) == str(recording)


@pytest.mark.parametrize("times", ["40", "a-b", "1:2:3:4-5", "1-2-3", "", "-5--3", "1e3-2e3"])
def test_times_that_cannot_be_meant_are_refused_with_an_example(recording: Path, times: str) -> None:
    """In one line."""
    with pytest.raises(UsageError, match=r"aula\.wav@12\.5-40"):
        Excerpt.parsed(f"{recording}@{times}")


@pytest.mark.parametrize("times", ["40-12", "5-5", "1:00-0:30"])
def test_a_stretch_ends_after_it_begins(recording: Path, times: str) -> None:
    """Or it is none."""
    with pytest.raises(UsageError, match="ends before it begins"):
        Excerpt.parsed(f"{recording}@{times}")


@pytest.mark.parametrize("text", ["nowhere.wav", "nowhere.wav@1-2", "@1-2", "", "a" * 5000, "a\0b@1-2"])
def test_a_file_that_is_not_there_is_named(text: str) -> None:
    """Whatever it may be."""
    with pytest.raises(SourceNotFound, match="There is no file"):
        Excerpt.parsed(text)


def test_a_part_lies_inside_to_the_tenth() -> None:
    """So that nobody else is heard at its edges."""
    assert str(Excerpt(Path("a.wav"), 60).part(0.01, 12.39)) == "a.wav@1:00.1-1:12.3"
    assert str(Excerpt(Path("a.wav")).part(0.3, 0.7)) == "a.wav@0:00.3-0:00.7"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (9.96, "0:10"), (59.97, "1:00"), (62.5, "1:02.5"), (3723, "1:02:03")])
def test_moments_are_shown_to_the_tenth(seconds: float, text: str) -> None:
    """Rounded as a whole."""
    assert format_time(seconds) == text
