"""Text without line breaks and control characters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.formats.documents import ALPHABET, PATIENT
from transcribe_cli.formats.plain_text import one_line, strip_controls


def test_controls_and_line_breaks_go_and_no_break_spaces_stay() -> None:
    """The result is one line without control characters."""
    assert one_line(" a\t\nb\x1b[31m  c\u2028d\x00 \xa0! \ufeff") == "a b[31m c d \xa0!"


@PATIENT
@given(st.text(ALPHABET, max_size=50), st.text(ALPHABET, max_size=50))
def test_controls_are_stripped_from_parts_as_from_the_whole(one: str, other: str) -> None:
    """A text can be split before it is cleaned."""
    assert strip_controls(one) + strip_controls(other) == strip_controls(one + other)
