"""Cleaning and wrapping."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.formats.documents import ALPHABET
from transcribe_cli.formats.lines import LINE_CHARACTERS, one_line, wrap


def test_short_text_stays_on_one_line() -> None:
    """Up to 42 characters, counting spaces."""
    assert wrap("x" * 20 + " " + "y" * 21) == ["x" * 20 + " " + "y" * 21]


def test_two_lines_are_balanced_with_the_longer_one_below() -> None:
    """The break nearest to the middle, not at the 42nd character."""
    assert wrap("Hoje vamos falar sobre a divisão das células vivas") == ["Hoje vamos falar sobre a", "divisão das células vivas"]


def test_a_word_longer_than_a_line_is_kept_whole() -> None:
    """Addresses are not cut."""
    address = "https://example.org/" + "a" * 60
    assert wrap(f"veja {address} agora") == ["veja", address, "agora"]


def test_controls_and_line_breaks_go_and_no_break_spaces_stay() -> None:
    """What remains is one line that nothing would act on."""
    assert one_line(" a\t\nb\x1b[31m  c\u2028d\x00 \xa0! \ufeff") == "a b[31m c d \xa0!"


@given(st.text(ALPHABET, max_size=300))
def test_wrapping_keeps_every_word_and_the_limit(text: str) -> None:
    """Lines joined again are the text; only a lone long word passes 42 characters."""
    clean = one_line(text)
    lines = wrap(clean)
    assert " ".join(lines) == clean
    assert all(len(line) <= LINE_CHARACTERS or " " not in line for line in lines)
