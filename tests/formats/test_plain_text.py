"""Text made fit for a line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.formats.documents import ALPHABET, PATIENT
from transcribe_cli.formats.plain_text import one_line, visible


def test_controls_and_line_breaks_go_and_no_break_spaces_stay() -> None:
    """What remains is one line that nothing would act on."""
    assert one_line(" a\t\nb\x1b[31m  c\u2028d\x00 \xa0! \ufeff") == "a b[31m c d \xa0!"


@PATIENT
@given(st.text(ALPHABET, max_size=50), st.text(ALPHABET, max_size=50))
def test_parts_are_made_visible_as_the_whole_is(one: str, other: str) -> None:
    """A text may be cut before."""
    assert visible(one) + visible(other) == visible(one + other)
