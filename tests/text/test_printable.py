"""Untrusted text on a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transcribe_cli.text.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2J\x1b[H.mp3", "a\\x1b[2J\\x1b[H.mp3"),
        ("\x1b]8;;http://evil\x07click", "\\x1b]8;;http://evil\\x07click"),
        ("\x1b]52;c;cm0gLXJmIC8=\x07", "\\x1b]52;c;cm0gLXJmIC8=\\x07"),
        ("a\x9b31mred", "a\\x9b31mred"),
        ("good.mp3\rBAD", "good.mp3\\x0dBAD"),
        ("a.mp3\nDONE b.mp3", "a.mp3\\x0aDONE b.mp3"),
        ("gpj.\u202e3pm.exe", "gpj.\\u202e3pm.exe"),
        ("a\u2066b\u2069", "a\\u2066b\\u2069"),
        ("aula\udce7.mp3", "aula\\xe7.mp3"),
        ("half \ud83d", "half \\ud83d"),
        ("abc\x08\x7f", "abc\\x08\\x7f"),
        ("a\u2028b\ufeff", "a\\u2028b\\ufeff"),
    ],
)
def test_what_a_terminal_would_execute_is_escaped(text, shown):
    """Each of these controls a terminal, or the order of its text."""
    assert printable(text) == shown


@pytest.mark.parametrize(
    "text", ["10:30 reunião.mp3", "课堂 1.mp3", "👩‍🏫 aula.mp3", "שיעור.mp3", "می‌خواهم.mp3", "C:\\x [/bold]"]
)
def test_names_in_every_script_stay_as_they_are(text):
    """Accents, joined emoji, right-to-left letters and backslashes are no danger."""
    assert printable(text) == text


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_the_result_is_one_line_of_encodable_text_and_stable(text):
    """No control, no surrogate, no bidirectional control remains; applying it twice changes nothing more."""
    shown = printable(text)
    shown.encode()
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in shown)
    assert not any(
        unicodedata.bidirectional(character) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        for character in shown
    )
    assert printable(shown) == shown
