"""Reliable word times, whatever cross-attention returns."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from tests.fake_engine import attempt, clip
from transcribe_cli.audio import Waveform
from transcribe_cli.recognition.engines import ClipResult, SpokenWord
from transcribe_cli.recognition.invented_words import count_invented_words
from transcribe_cli.recognition.timed_word import TimedWord
from transcribe_cli.recognition.word_times import time_words

NO_WAVEFORM = cast(Waveform, None)  # times never need samples
Spans = list[tuple[float, float]]
Words = list[tuple[str, float, float]]


def result(words: Words, speech: Spans, part: int = 0) -> ClipResult:
    """A clip with these words and this speech, in seconds."""
    original = replace(clip(NO_WAVEFORM, 0, 0, *speech), part=part)
    return ClipResult(original, attempt(), tuple(SpokenWord(text, start, end, 0.9, (1,)) for text, start, end in words))


def times(words: list[TimedWord]) -> Words:
    """Text, start and end of each."""
    return [(item.word.text, round(item.start, 2), round(item.end, 2)) for item in words]


def test_words_are_moved_into_speech() -> None:
    """Cross-attention stretches a word over the silence before it; VAD is more precise."""
    found = time_words([result([(" um", 0.0, 0.5), (" dois", 0.5, 2.5)], [(0, 0.6), (2, 2.6)])], 3.0)
    assert times(found) == [(" um", 0.0, 0.5), (" dois", 2.0, 2.5)]


def test_a_word_in_the_padding_of_two_regions_belongs_to_the_later() -> None:
    """Cross-attention stretches a first word over the silence before it; a last word belongs to its own region."""
    speech = [(0.0, 2.0), (7.0, 9.0)]
    first = time_words([result([(" fim.", 1.0, 1.72), (" O", 1.72, 7.29), (" aluno", 7.29, 8.0)], speech)], 9.0)
    assert times(first) == [(" fim.", 1.0, 1.72), (" O", 7.0, 7.29), (" aluno", 7.29, 8.0)]
    last = time_words([result([(" bem.", 1.2, 7.05), (" O", 7.05, 7.5)], speech)], 9.0)
    assert times(last) == [(" bem.", 1.2, 2.0), (" O", 7.05, 7.5)]


def test_a_sentence_in_silence_is_dropped_and_counted() -> None:
    """It was invented; a sentence that only begins in silence was not."""
    said = [(" Bom", 1.0, 1.4), (" dia.", 1.4, 2.0)]
    made_up = [(" Obrigado", 7.0, 7.5), (" por", 7.5, 7.7), (" assistir.", 7.7, 8.2)]
    begins_early = [(" Vamos", 11.0, 11.3), (" começar.", 11.9, 12.5)]
    found = result([*said, *made_up, *begins_early], [(0.9, 2.1), (11.8, 13.0)])
    assert [text for text, _, _ in times(time_words([found], 20.0))] == [text for text, _, _ in (*said, *begins_early)]
    assert count_invented_words([found]) == 3


def test_a_word_without_a_time_gets_part_of_its_neighbours_and_is_marked() -> None:
    """Cross-attention does not align some words, such as numbers."""
    found = time_words([result([(" página", 1.0, 2.0), (" 42", 2.0, 2.0), (" hoje", 2.0, 3.0)], [(1, 3)])], 5.0)
    assert [item.aligned for item in found] == [True, False, True]
    assert all(item.end > item.start for item in found)
    assert found[0].start == 1.0
    assert found[-1].end == 3.0


def test_a_second_attempt_repeats_no_word() -> None:
    """It may begin or end with a word of the first attempt."""
    first = result([(" um", 0.0, 1.0), (" quatro", 6.0, 7.0)], [(0, 7)])
    again = result([(" um", 0.5, 1.0), (" dois", 2.0, 3.0), (" três", 4.0, 5.0), (" quatro", 6.1, 6.5)], [(0.5, 6.5)], part=1)
    assert [text for text, _, _ in times(time_words([first, again], 7.0))] == [" um", " dois", " três", " quatro"]


TIME = st.floats(0, 60, allow_nan=False)


@given(
    st.lists(st.tuples(st.sampled_from([" um", " dois.", " 42", "!"]), TIME, TIME), max_size=30),
    st.lists(TIME, min_size=2, max_size=10, unique=True),
    st.floats(0, 70),
)
def test_words_are_in_order_and_only_invented_ones_are_missing(words: Words, edges: list[float], duration: float) -> None:
    """Whatever the alignment returns, and wherever there is speech."""
    speech = [pair for pair in zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False) if pair[1] - pair[0] > 0.001]
    original = result(words, speech or [(0.0, 1.0)])
    found = time_words([original], duration)
    assert len(found) == len(words) - count_invented_words([original])
    moments = [moment for item in found for moment in (item.start, item.end)]
    assert all(before <= after for before, after in pairwise(moments))
    assert all(0 <= moment <= duration for moment in moments)
