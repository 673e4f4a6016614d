"""Where a sentence ends, and how texts are joined."""

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
def test_sentence_ends_are_told_from_abbreviations(word: str, ends: bool) -> None:
    """`Dr.` does not end a sentence."""
    assert ends_sentence(word) is ends


@pytest.mark.parametrize(
    ("text", "language", "joined"), [("um", "pt", " um"), (" um", "pt", " um"), ("一", "zh", "一"), ("一", "ja", "一")]
)
def test_texts_are_joined_with_a_space_where_the_language_has_spaces(text: str, language: str, joined: str) -> None:
    """One, not two."""
    assert with_leading_space(text, language) == joined
