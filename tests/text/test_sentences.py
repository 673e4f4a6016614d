"""Sentence ends, and the space between texts."""

from __future__ import annotations

import pytest

from transcribe_cli.text.sentences import ends_sentence, with_leading_space


@pytest.mark.parametrize(
    ("word", "ends"),
    [
        (" aula.", True),
        (' aula."', True),
        (" quê?", True),
        (" Dr.", False),
        (" J.", False),
        (" aula,", False),
        ("。", True),
        (" 3", False),
    ],
)
def test_abbreviations_do_not_end_a_sentence(word: str, ends: bool) -> None:
    """Neither do initials."""
    assert ends_sentence(word) is ends


@pytest.mark.parametrize(
    ("text", "language", "joined"), [("um", "pt", " um"), (" um", "pt", " um"), ("一", "zh", "一"), ("一", "ja", "一")]
)
def test_texts_are_joined_with_a_space_where_the_language_has_spaces(text: str, language: str, joined: str) -> None:
    """One, not two."""
    assert with_leading_space(text, language) == joined
