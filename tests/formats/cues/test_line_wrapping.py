"""The lines of a cue."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from tests.formats.documents import PATIENT, spoken
from transcribe_cli.formats.cues.break_costs import break_costs
from transcribe_cli.formats.cues.line_wrapping import wrap_lines
from transcribe_cli.formats.cues.words import segment_words


def lines(text: str, language: str = "pt", label: int = 0, max_chars: int | None = 42) -> list[str]:
    """The text as the lines of one cue."""
    words = segment_words(spoken(text))
    found = wrap_lines(words, break_costs(words, language), label, max_chars)
    return ["".join(word.text for word in row).strip() for row in found]


def test_what_fits_is_one_line() -> None:
    """Up to 42 characters, counting spaces and the name before them."""
    text = "x" * 20 + " " + "y" * 21
    assert lines(text) == [text]
    assert len(lines(text, label=1)) == 2
    assert lines(text * 9, max_chars=None) == [text * 9]


def test_a_line_ends_at_the_end_of_a_phrase() -> None:
    """Not after an article, a preposition or an auxiliary, even when the lines would be more equal."""
    assert lines("Hoje nós vamos falar sobre a divisão das células vivas") == [
        "Hoje nós vamos falar",
        "sobre a divisão das células vivas",
    ]
    assert lines("She told everybody that the lecture has been cancelled", "en") == [
        "She told everybody",
        "that the lecture has been cancelled",
    ]
    assert lines("La profesora dijo que el examen de mañana será muy fácil", "es") == [
        "La profesora dijo",
        "que el examen de mañana será muy fácil",
    ]


def test_after_punctuation_is_better_than_in_the_middle() -> None:
    """Lines of other languages have similar lengths, the longer one below."""
    assert lines("Primeiro a célula, que é a menor unidade da vida") == ["Primeiro a célula,", "que é a menor unidade da vida"]
    assert lines("quinque quattuor sexaginta septem octoginta novem decem", "la") == [
        "quinque quattuor sexaginta",
        "septem octoginta novem decem",
    ]


def test_a_word_longer_than_a_line_is_kept_whole() -> None:
    """URLs are not split."""
    address = "https://example.org/" + "a" * 60
    assert lines(f"veja {address} agora") == ["veja", address, "agora"]


@PATIENT
@given(st.lists(st.text("abcé", min_size=1, max_size=60), min_size=1, max_size=30), st.integers(10, 60), st.integers(0, 9))
def test_lines_keep_every_word_the_limit_and_the_minimum_count(said: list[str], max_chars: int, label: int) -> None:
    """Only a single long word exceeds it, and there are not more lines than necessary."""
    found = lines(" ".join(said), max_chars=max_chars, label=label)
    assert " ".join(found) == " ".join(said)
    assert all(len(line) <= max_chars - (label if number == 0 else 0) or " " not in line for number, line in enumerate(found))
    filled, room = 1, max_chars - label
    for number, length in enumerate(map(len, said)):
        filled, room = (filled, room - length - 1) if number == 0 or length <= room else (filled + 1, max_chars - length - 1)
    assert len(found) == filled
    assert list(accumulate(map(len, found)))[-1] == len(" ".join(said)) - len(found) + 1
