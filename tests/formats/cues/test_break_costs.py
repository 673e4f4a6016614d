"""The cost of a break after each word."""

from __future__ import annotations

import pytest

from tests.formats.documents import segment, spoken, words
from transcribe_cli.formats.cues.break_costs import break_costs
from transcribe_cli.formats.cues.phrase_words import (
    ANYWHERE,
    BEFORE_GROUP,
    BEFORE_PHRASE,
    CLAUSE,
    INSIDE_PHRASE,
    NEVER,
    SENTENCE,
    SHORT_WORD,
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
        ("pt", "deverão chegar"),
        ("fr", "dans l'eau"),
        ("fr", "qu'il mange"),
        ("it", "nella scuola"),
        ("it", "c'è nessuno"),
        ("de", "mit Freunden"),
        ("de", "das Haus"),
        ("de", "nicht gesehen"),
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
        INSIDE_PHRASE,
        BEFORE_PHRASE,
        NEVER,
        INSIDE_PHRASE,
        0.0,
    ]


def test_in_other_languages_short_words_are_treated_like_articles() -> None:
    """Which they often are."""
    assert costs("den gamle læreren", "no") == [SHORT_WORD, ANYWHERE, 0.0]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("pt", "curto prazo"),
        ("pt", "primeiro turno"),
        ("pt", "pista molhada"),
        ("pt", "jornais brasileiros"),
        ("pt", "cinquenta anos"),
        ("pt", "20 dias"),
        ("pt", "Paris 3"),
        ("pt", "antes de"),
        ("pt", "Flecha de Lima"),
        ("es", "gran problema"),
        ("es", "lenguas oficiales"),
        ("en", "early morning"),
        ("en", "natural frequencies"),
        ("en", "children's books"),
        ("en", "lots of"),
        ("fr", "petite fille"),
        ("fr", "école primaire"),
        ("it", "grande scienziato"),
        ("it", "scienziato italiano"),
        ("de", "alte Lehrer"),
        ("de", "schwierige Problem"),
    ],
)
def test_a_noun_phrase_is_seldom_separated(language: str, text: str) -> None:
    """Adjective and noun, number and noun, name and number, `because` and `of`: a break elsewhere is cheaper."""
    first, _, *_ = costs(text, language)
    assert ANYWHERE < first < NEVER


@pytest.mark.parametrize(
    ("language", "before", "after"),
    [
        ("pt", "um livro", "que comprei"),
        ("pt", "o mais novo", "para a aula"),
        ("pt", "o aluno", "escreveram"),
        ("pt", "contra ele", "por isso"),
        ("es", "los alumnos", "cantaron"),
        ("en", "the book", "because"),
        ("en", "near them", "and"),
        ("fr", "le livre", "d'abord"),
        ("it", "il libro", "perché"),
        ("de", "das Buch", "weil"),
        ("de", "mit ihm", "und"),
    ],
)
def test_a_phrase_may_end_before_the_next_one(language: str, before: str, after: str) -> None:
    """Before conjunctions, prepositions and verbs; also after a pronoun that has a preposition before it."""
    assert costs(f"{before} {after}", language)[len(before.split()) - 1] < ANYWHERE


def test_a_capital_without_full_stop_before_it_begins_a_sentence() -> None:
    """If the word is of those that are seldom names. Recognizers forget full stops; German capitals are nouns."""
    assert costs("por 25 reais E Tamar abriu")[2] == CLAUSE
    assert costs("leio a Folha De São Paulo")[2] == INSIDE_PHRASE
    assert costs("ich sehe Sie morgen", "de")[1] > CLAUSE


def test_typographic_and_plain_apostrophes_are_equal() -> None:
    """`l’école` is `l'école`."""
    assert costs("dans l’école primaire d’un village", "fr") == costs("dans l'école primaire d'un village", "fr")


def test_a_pause_makes_an_allowed_break_cheaper() -> None:
    """Speakers pause between phrases, but also when they search for a word."""
    timed = (*words("bom", 0.0), *words("dia", 1.0), *words("a", 2.0), *words("todos", 3.0))
    found = break_costs(segment_words(segment(" bom dia a todos", 0.0, 3.5, words=timed)), "pt")
    assert found == [INSIDE_PHRASE / 2, BEFORE_GROUP / 2, NEVER, 0.0]


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
    assert found["東"] == INSIDE_PHRASE
