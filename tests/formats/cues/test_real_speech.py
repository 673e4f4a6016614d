"""Cues of real speech: the ten worst of forty minutes of Brazilian lectures that were read, and neighbours of them.

The words are short excerpts, or have the same structure. `(1.2)` is a pause in seconds; each character of a word lasts 0.07 s.
"""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from tests.formats.documents import segment, transcript
from transcribe_cli.formats.cues import Cue, make_cues
from transcribe_cli.subtitles.standards import Standard
from transcribe_cli.transcript import Word

NETFLIX = Standard()
SECONDS_PER_CHARACTER = 0.07


def cues(said: str, language: str = "pt", pace: float = SECONDS_PER_CHARACTER) -> list[Cue]:
    """The cues of a text with pauses."""
    words: list[Word] = []
    position = 0.0
    for part in said.split():
        if pause := re.fullmatch(r"\((.+)\)", part):
            position += float(pause[1])
            continue
        end = position + (len(part) + 1) * pace
        words.append(Word(word=f" {part}", start=round(position, 3), end=round(end, 3), probability=0.9))
        position = end
    text = "".join(word.word for word in words)
    return make_cues(transcript(segment(text, words[0].start, words[-1].end, words=tuple(words)), language=language), NETFLIX)


def texts(said: str, language: str = "pt", pace: float = SECONDS_PER_CHARACTER) -> list[str]:
    """The text of each cue."""
    return [cue.text for cue in cues(said, language, pace)]


def lines(said: str, language: str = "pt") -> list[str]:
    """All lines of all cues."""
    return [line for cue in cues(said, language) for line in cue.lines]


@pytest.mark.parametrize(
    ("said", "sentences"),
    [
        # The recognizer timed the first words of a sentence at the end of the one before.
        (
            "O mercado fica de alto risco a curto prazo. (0.4) A perspectiva (1.2) continua otimista para o médio prazo.",
            ["O mercado fica de alto risco a curto prazo.", "A perspectiva continua otimista para o médio prazo."],
        ),
        (
            "O meia centralizava o jogo. (0.5) O (1.1) objetivo da ação foi protestar contra o corte de árvores.",
            ["O meia centralizava o jogo.", "O objetivo da ação foi protestar contra o corte de árvores."],
        ),
        (
            "prefira sempre um especialista. (0.4) Inicialmente (1.5) a revisão deveria terminar em maio.",
            ["prefira sempre um especialista.", "Inicialmente a revisão deveria terminar em maio."],
        ),
        # Without anything before them.
        ("A (1.4) reunião acabou antes do almoço.", ["A reunião acabou antes do almoço."]),
        # A sentence that begins after a pause, which was at the end of the cue before.
        (
            "Ele falou com os jornais. (0.6) Tancida voltou a criticar a administração e não poupou ninguém.",
            ["Ele falou com os jornais.", "Tancida voltou a criticar a administração e não poupou ninguém."],
        ),
        (
            "Todos ficaram em casa. (0.7) Curso, diário e duração de três meses.",
            ["Todos ficaram em casa.", "Curso, diário e duração de três meses."],
        ),
        # The last word of a sentence after a hesitation.
        (
            "Não gostei do filme porque ele é (1.3) longo. (0.8) Vamos ver outro amanhã.",
            ["Não gostei do filme porque ele é longo.", "Vamos ver outro amanhã."],
        ),
    ],
)
def test_a_sentence_that_starts_after_a_pause_begins_a_cue(said: str, sentences: list[str]) -> None:
    """With all its words: a word or two are not alone in a cue, or in the cue of another sentence."""
    assert texts(said) == sentences


def test_a_long_pause_still_ends_a_cue() -> None:
    """After two seconds, and between words that do not belong together."""
    assert texts("O (2.1) objetivo da ação foi protestar.") == ["O", "objetivo da ação foi protestar."]
    assert texts("sete (1.1) oito (1.1) nove (1.1) dez") == ["sete", "oito", "nove", "dez"]
    assert texts("Sim. (1.1) Vamos começar a aula. (1.1) Certo.") == ["Sim.", "Vamos começar a aula.", "Certo."]


@pytest.mark.parametrize(
    ("language", "said", "phrases"),
    [
        ("pt", "Fiz o que achei melhor e o carro rodou pior na pista molhada e bateu no caminhão", ["pista molhada"]),
        ("pt", "prefira sempre um especialista plástico à outra modalidade de cirurgião", ["especialista plástico"]),
        ("pt", "Barros é o sexto na classificação geral com 50 pontos ganhos", ["classificação geral", "50 pontos"]),
        ("pt", "A polícia aprendeu nos últimos vinte dias sessenta carros a seu serviço", ["últimos vinte dias"]),
        ("pt", "Ele era um dos poucos atores negros que tinham espaço na televisão", ["poucos atores negros"]),
        ("pt", "Esse tempo de votação seria reduzido à metade com as duas urnas", ["seria reduzido", "duas urnas"]),
        ("pt", "Na Universidade de Paris 3 é só isso que se faz hoje em dia", ["Universidade de Paris 3"]),
        ("en", "We heard the natural frequencies of the room again today", ["natural frequencies"]),
        (
            "es",
            "Ella dijo que las lenguas oficiales tienen una larga historia",
            ["lenguas oficiales", "larga historia"],
        ),
        ("fr", "Il sait que l'école primaire ouvre ses grandes portes le matin", ["l'école primaire"]),
        (
            "it",
            "Dicono che lo scienziato italiano ha scritto un grande libro",
            ["scienziato italiano", "grande libro"],
        ),
        (
            "de",
            "Wir haben gestern mit den neuen Schülern über das schwierige Problem gesprochen",
            ["neuen Schülern", "schwierige Problem"],
        ),
    ],
)
def test_a_line_does_not_end_inside_a_noun_phrase(language: str, said: str, phrases: list[str]) -> None:
    """If another line break is within the limits."""
    found = lines(said, language)
    assert len(found) > 1
    assert [phrase for phrase in phrases if not any(phrase in line for line in found)] == []


LONG = (
    "Um exemplo disso é que a continua exposição à poluição intensa favorece o envelhecimento precoce da pele dos moradores"
    " das grandes cidades brasileiras e os médicos ainda não sabem quanto tempo ele deverá ficar no primeiro hospital público"
    " que o governo federal abriu para atender os pacientes mais graves da região norte"
)


@pytest.mark.parametrize("shift", range(0, 12, 3))
def test_a_cue_does_not_end_inside_a_noun_phrase(shift: int) -> None:
    """Wherever a long sentence without punctuation begins."""
    found = texts(" ".join(LONG.split()[shift:]))
    assert len(found) > 2
    for phrase in (
        "poluição intensa",
        "grandes cidades brasileiras",
        "primeiro hospital",
        "governo federal",
        "mais graves",
        "região norte",
    ):
        assert any(phrase in text for text in found), (phrase, found)


@pytest.mark.parametrize("words", range(8, 24))
def test_the_end_of_a_sentence_does_not_hang_into_the_next_cue(words: int) -> None:
    """Nor does its beginning hang on the cue before: no cue has only a word or two of a longer sentence."""
    said = " ".join(LONG.split()[:words])
    found = texts(f"{said}. Depois disso a turma inteira foi embora para casa mais cedo.")
    assert all(len(text.split()) > 2 for text in found), found
    for before, after in pairwise(found):
        if not before.endswith("."):
            head, stop, _ = after.partition(".")
            assert not stop or len(head.split()) > 2, found
            assert len(before.rpartition(". ")[2].split()) > 2, found
