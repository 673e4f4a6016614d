"""The cost of a break after each word."""

from __future__ import annotations

import pytest

from tests.formats.documents import segment, spoken, words
from transcribe_cli.formats.cues.break_costs import (
    ANYWHERE,
    BEFORE_PHRASE,
    CLAUSE,
    NAME,
    NEVER,
    SENTENCE,
    SHORT_WORD,
    break_costs,
)
from transcribe_cli.formats.cues.words import segment_words
from transcribe_cli.transcript import Word


def costs(text: str, language: str = "pt") -> list[float]:
    """Of a break after each word."""
    return break_costs(segment_words(spoken(text)), language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("pt", "a casa"),
        ("pt", "pelo caminho"),
        ("pt", "não sei"),
        ("pt", "está chovendo"),
        ("pt", "sua mãe"),
        ("pt", "Sra. Silva"),
        ("pt", "“A casa"),
        ("en", "the house"),
        ("en", "will go"),
        ("en", "your mother"),
        ("en", "of course"),
        ("es", "el camino"),
        ("es", "está lloviendo"),
        ("es", "muy fácil"),
    ],
)
def test_words_that_belong_to_the_next_are_not_separated_from_it(language: str, text: str) -> None:
    """Articles, prepositions, pronouns, auxiliaries, negation, titles."""
    assert costs(text, language) == [NEVER, 0.0]


def test_the_best_breaks_are_after_sentences_then_clauses_then_before_phrases() -> None:
    """Then anywhere else, then inside names and numbers."""
    assert costs("Sim. Vamos, turma, estudar Carlos Chagas com 10 alunos") == [
        SENTENCE,
        CLAUSE,
        CLAUSE,
        ANYWHERE,
        NAME,
        BEFORE_PHRASE,
        NEVER,
        SHORT_WORD,
        0.0,
    ]


def test_in_other_languages_short_words_are_treated_like_articles() -> None:
    """Which they often are."""
    assert costs("der alte Lehrer", "de") == [SHORT_WORD, ANYWHERE, 0.0]


def test_a_pause_makes_an_allowed_break_cheaper() -> None:
    """Speakers pause between phrases, but also when they search for a word."""
    timed = (*words("bom", 0.0), *words("dia", 1.0), *words("a", 2.0), *words("todos", 3.0))
    found = break_costs(segment_words(segment(" bom dia a todos", 0.0, 3.5, words=timed)), "pt")
    assert found == [ANYWHERE / 2, ANYWHERE / 2, NEVER, 0.0]


def test_scripts_without_spaces_break_best_after_punctuation_and_particles() -> None:
    """Not between two characters of one word."""
    signs = tuple(
        Word(word=sign, start=i / 10, end=i / 10 + 0.1, probability=1.0) for i, sign in enumerate("東京の、空は青い。海も")
    )
    made = segment_words(segment("東京の、空は青い。海も", 0, 2, words=signs))
    found = {word.text: cost for word, cost in zip(made, break_costs(made, "ja"), strict=True)}
    assert found["の、"] == CLAUSE
    assert found["い。"] == SENTENCE
    assert found["は"] == BEFORE_PHRASE
    assert found["東"] == NAME
