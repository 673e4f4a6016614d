"""Each stretch of speech has the words of one attempt: skipped speech is found, and nothing is said twice."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake_engine import attempt, clip
from transcribe_cli.audio import Waveform
from transcribe_cli.recognition.engines import ClipResult, SpokenWord
from transcribe_cli.recognition.rescue import is_stretched, rescue_clips
from transcribe_cli.recognition.word_times import time_words

NO_WAVEFORM = cast(Waveform, None)  # times never need samples
Spans = list[tuple[float, float]]


def result(text: str, borders: list[float], speech: Spans, part: int = 0) -> ClipResult:
    """A clip with this speech and these words, each from one border to the next, in seconds."""
    spans = zip(text.split(), pairwise(borders), strict=True)
    words = tuple(SpokenWord(f" {word}", start, end, 0.9, (1,)) for word, (start, end) in spans)
    return ClipResult(replace(clip(NO_WAVEFORM, 0, 0, *speech), part=part), attempt(), words)


def heard(*results: ClipResult) -> str:
    """The text of a recording of a minute."""
    return "".join(word.word.text for word in time_words(results, 60.0)).strip()


@pytest.mark.parametrize(
    ("text", "seconds", "expected"),
    [("O", 5.1, True), ("O", 2.0, False), ("extraordinariamente", 3.5, False), ("1998", 3.2, False), ("1998", 6.0, True)],
)
def test_a_word_is_stretched_if_nobody_speaks_so_slowly(text: str, seconds: float, expected: bool) -> None:
    """By its letters and digits."""
    first = result(text, [0.0, seconds], [(0.0, 30.0)])
    assert is_stretched(first.words[0], first.clip) == expected


def test_silence_does_not_stretch_a_word() -> None:
    """Cross-attention stretches words over silence that is not recognized at all."""
    first = result("O aluno", [1.7, 7.3, 8.0], [(0.0, 2.0), (7.0, 9.0)])
    assert not any(is_stretched(word, first.clip) for word in first.words)


def test_speech_below_a_stretched_word_is_recognized_again() -> None:
    """The model skipped 20 s, and cross-attention gave them to the two words before the rest."""
    first = result("O Parque é uma ilha.", [2.0, 10.0, 21.5, 21.7, 22.0, 23.0], [(0.0, 25.0)])
    found = rescue_clips(first)
    assert found
    assert min(each.start for each in found) < 2.0
    assert max(each.end for each in found) > 21.0


def test_the_second_attempt_replaces_stretched_words() -> None:
    """They were somewhere in that speech; the second attempt says where. What both heard at the border is kept once."""
    speech = [(0.0, 25.0)]
    first = result("O Parque é uma ilha.", [2.0, 10.0, 21.5, 21.7, 22.0, 23.0], speech)
    again = result("Não estou pensando em voltar. O Parque é uma", [*map(float, range(2, 10)), 19.5, 21.0], [(0.0, 21.4)], part=1)
    assert heard(first, again) == "Não estou pensando em voltar. O Parque é uma ilha."


def test_stretched_words_stay_where_nothing_else_was_found() -> None:
    """A second attempt without words, or none at all."""
    speech = [(0.0, 25.0)]
    first = result("O Parque é uma ilha.", [2.0, 10.0, 21.5, 21.7, 22.0, 23.0], speech)
    assert heard(first) == heard(first, ClipResult(replace(first.clip, part=1), attempt())) == "O Parque é uma ilha."


def test_a_second_attempt_over_recognized_words_counts_if_it_found_as_many() -> None:
    """Its clip may have words in the middle. Both orders of the attempts give the same text."""
    speech = [(0.0, 12.0)]
    first = result("ilha de paz", [5.0, 5.4, 5.6, 6.0], speech)
    more = result("é uma ilha de paz em plena avenida", [2.0, 2.3, 3.0, 5.1, 5.4, 5.7, 8.0, 9.0, 10.0], [(0.0, 12.0)], part=1)
    assert heard(first, more) == "é uma ilha de paz em plena avenida"
    fewer = result("é ilha", [2.0, 2.3, 5.2], [(0.0, 12.0)], part=1)
    assert heard(first, fewer) == "é ilha de paz"


def test_another_channel_is_another_person() -> None:
    """Words of one channel never replace those of another."""
    left = result("bom dia", [1.0, 2.0, 3.0], [(0.0, 4.0)])
    right = result("olá a todos", [1.0, 2.0, 2.5, 3.0], [(0.0, 4.0)], part=1)
    right = replace(right, clip=replace(right.clip, channel=1))
    assert sorted(heard(left, right).split()) == sorted(["bom", "dia", "olá", "a", "todos"])


WORD = st.sampled_from(["um", "dois", "três", "quatro"])


@given(st.lists(WORD, min_size=1, max_size=12), st.lists(WORD, min_size=1, max_size=12), st.floats(0, 20), st.floats(0.05, 8))
def test_whatever_was_heard_words_are_in_order_and_none_is_new(
    first: list[str], second: list[str], at: float, step: float
) -> None:
    """Every word comes from an attempt, and a second attempt removes no more words than it brings, except stretched ones."""
    whole = [(0.0, 30.0)]
    original = result(" ".join(first), [min(30.0, n * step) for n in range(len(first) + 1)], whole)
    again = result(" ".join(second), [min(30.0, at + n / 2) for n in range(len(second) + 1)], [(at, 30.0)], part=1)
    found = time_words([original, again], 30.0)
    assert all(before.end <= after.start for before, after in pairwise(found))
    stretched = sum(is_stretched(word, original.clip) for word in original.words)
    assert len(found) >= len(first) - stretched
    assert {word.word.text.strip() for word in found} <= {*first, *second}
