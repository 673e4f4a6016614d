"""Subtitle standards: their numbers, their text form, and error messages."""

from __future__ import annotations

from itertools import combinations

import pytest
from pydantic import ValidationError

from transcribe_cli.settings import Settings
from transcribe_cli.subtitles.standards import STANDARD_NAMES, Standard, SubtitleStyle


@pytest.mark.parametrize("name", STANDARD_NAMES)
def test_a_standard_has_its_name(name: str) -> None:
    """The name is also its text form."""
    assert str(Standard.model_validate(name)) == name
    assert Standard.model_validate({"standard": name}) == Standard.model_validate(name)


def test_netflix_is_the_default() -> None:
    """Its numbers for Portuguese: 42 characters, 2 lines, 17 characters per second, 5/6 s to 7 s, 2 frames."""
    rules = Standard().rules("pt")
    assert (rules.max_chars, rules.max_lines, rules.chars_per_second) == (42, 2, 17)
    assert (rules.min_ms, rules.max_ms, rules.gap_ms, rules.close_ms, rules.extend_ms) == (833, 7000, 83, 500, 500)
    assert not rules.by_segment


def test_numbers_depend_on_the_language() -> None:
    """Languages that are not in a table have its default."""
    standard = Standard()
    assert [standard.rules(code).max_chars for code in ("pt", "ja", "zh", "th", "xx", "")] == [42, 23, 16, 35, 42, 42]
    assert [standard.rules(code).chars_per_second for code in ("pt", "en", "ja")] == [17, 20, 4]
    assert Standard.model_validate("bbc").rules("pt").chars_per_second is None


def test_a_given_number_replaces_that_of_the_standard() -> None:
    """A single number applies to all languages, a table to the languages in it; none is no limit."""
    said = Standard.model_validate("bbc, max-chars=40,max_duration=none")
    assert said == Standard.model_validate({"standard": "bbc", "max_chars": 40, "max_duration": "none"})
    assert (said.rules("pt").max_chars, said.rules("ja").max_chars, said.rules("pt").max_ms) == (40, 40, None)
    assert str(said) == "bbc,max_chars=40,max_duration=none"
    assert Standard.model_validate(str(said)) == said
    table = Standard.model_validate({"max_chars": {"ja": 13}})
    assert (table.rules("pt").max_chars, table.rules("ja").max_chars) == (42, 13)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("nextflix", "unknown standard 'nextflix'; choose from netflix, bbc, ted, plain"),
        ("max_char=40", "unknown key 'max_char' (did you mean max_chars?)"),
        ({"colour": "red"}, "unknown key 'colour'"),
        ("max_chars=0", "greater than or equal to 1"),
        ("max_chars=wide", "valid integer"),
        ("max_duration=0.5", "min_duration 0.833 is more than max_duration 0.5"),
        ({"min_gap": float("nan")}, "finite"),
        ({"max_chars": {"pt": "x"}}, "valid integer"),
        ({"standard": 3}, "unknown standard 3"),
        (7, "valid dictionary or instance"),
    ],
)
def test_invalid_input_is_reported(said: object, why: str) -> None:
    """In a sentence."""
    with pytest.raises(ValidationError, match="(?s).*" + why.replace("(", r"\(").replace(")", r"\)").replace("?", r"\?")):
        Standard.model_validate(said)


def test_reading_takes_as_long_as_the_slower_of_characters_and_words() -> None:
    """Never a millisecond less than the standard requires."""
    assert Standard().rules("pt").reading_ms(34, 5) == 2000
    assert Standard().rules("pt").reading_ms(35, 5) == 2059
    assert Standard.model_validate("bbc").rules("en").reading_ms(200, 6) == 2000
    assert Standard.model_validate("plain").rules("en").reading_ms(200, 6) == 0


def test_whispers_flags_change_the_standard() -> None:
    """And nothing else."""
    settings = Settings.model_validate(
        {"subtitles": "ted", "max_line_width": 30, "max_line_count": 1, "max_words_per_line": 4, "karaoke": True}
    )
    style = settings.subtitle_style
    assert style == SubtitleStyle(Standard.model_validate("ted,max_chars=30,max_lines=1,max_words=4"), karaoke=True)
    assert Settings().subtitle_style == SubtitleStyle()


def test_everything_that_changes_subtitles_changes_their_stamp() -> None:
    """The same settings in another form do not."""
    standards = [Standard.model_validate(said) for said in (*STANDARD_NAMES, "max_chars=41", "bbc,max_chars=41", "extend=0.6")]
    styles = [*map(SubtitleStyle, standards), SubtitleStyle(highlight_words=True), SubtitleStyle(karaoke=True)]
    assert not [pair for pair in combinations([style.stamp for style in styles], 2) if pair[0] == pair[1]]
    assert SubtitleStyle(Standard.model_validate({"max_duration": 7})).stamp == SubtitleStyle().stamp
    assert SubtitleStyle(Standard.model_validate("bbc")).stamp.startswith("bbc-")
