"""Loops over a noise are dropped; what people repeat is kept."""

from __future__ import annotations

from typing import cast

import pytest

from tests.fake_engine import attempt, clip
from transcribe_cli.audio import Waveform
from transcribe_cli.recognition.engines import ClipResult, SpokenWord
from transcribe_cli.recognition.invented_words import count_invented_words, spoken_words

NO_WAVEFORM = cast(Waveform, None)  # words never need samples


def said(*words: tuple[str, float]) -> ClipResult:
    """A clip with these words and their probabilities, half a second each."""
    timed = tuple(SpokenWord(f" {text}", n / 2, n / 2 + 0.5, probability, (1,)) for n, (text, probability) in enumerate(words))
    return ClipResult(clip(NO_WAVEFORM, 0, 0, (0.0, len(words) / 2)), attempt(), timed)


def text(result: ClipResult) -> str:
    """Of the words that are kept."""
    return "".join(word.text for word in spoken_words(result)).strip()


@pytest.mark.parametrize(
    "loop",
    [
        [("Chacha,", 0.25), ("chacha,", 0.95), ("chacha.", 0.98)],
        [("não", 0.05), ("saca,", 0.5), ("não", 0.96), ("saca,", 0.99), ("Não", 0.98), ("saca!", 0.99)],
        [("Tô", 0.16), ("tô", 0.6), ("tô", 0.92), ("tô", 0.94), ("tô", 0.94)],
        [("e", 0.3), ("a", 0.9), ("a", 0.9), ("e", 0.9), ("a", 0.9), ("a", 0.9), ("e", 0.9), ("a", 0.9), ("a", 0.9)],
    ],
    ids=["a word", "two words", "five times", "a word twice in the loop"],
)
def test_a_loop_that_begins_with_a_guess_is_dropped_and_counted(loop: list[tuple[str, float]]) -> None:
    """The model guesses the first word of a noise, and is sure of every repetition. What is around it stays."""
    result = said(("Bom", 0.9), ("dia.", 0.9), *loop, ("Vamos", 0.9))
    assert text(result) == "Bom dia. Vamos"
    assert count_invented_words([result]) == len(loop)


def test_a_sentence_that_begins_like_the_loop_is_kept() -> None:
    """Only whole repetitions are dropped."""
    result = said(*[("não", 0.1), ("saca.", 0.9)] * 3, ("Não", 0.9), ("sei.", 0.9))
    assert text(result) == "Não sei."


@pytest.mark.parametrize(
    "words",
    [
        [("Não,", 0.8), ("não,", 0.9), ("não,", 0.9), ("não.", 0.9)],
        [("muito,", 0.3), ("muito", 0.9), ("bem", 0.9)],
        [("um,", 0.2), ("dois,", 0.9), ("um,", 0.9), ("dois,", 0.9), ("três", 0.9)],
    ],
    ids=["sure from the first word", "twice", "two words twice"],
)
def test_what_people_repeat_is_kept(words: list[tuple[str, float]]) -> None:
    """A loop is three times or more, and begins with an improbable word."""
    result = said(*words)
    assert len(spoken_words(result)) == len(words)
    assert count_invented_words([result]) == 0
