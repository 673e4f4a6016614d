"""Which decoding of a clip stands, and what is speech that goes round in circles."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake_engine import attempt
from transcribe_cli.recognition.engines.gates import (
    MAX_LOOP_LENGTH,
    MIN_LOOP_REPEATS,
    MIN_LOOP_WORDS,
    choose_attempt,
    has_loop,
    is_repetitive,
)
from transcribe_cli.spec import JobSpec

SPEC = JobSpec()
GOOD = attempt()
LOOPING = replace(GOOD, repeats=True)
IMPROBABLE = replace(GOOD, avg_logprob=-1.5)


@pytest.mark.parametrize(
    "text",
    [
        "obrigado " * 12,
        "vamos começar a aula " * 4,
        "Bom dia a todos. " + "a lição de hoje " * 5 + "terminou.",
        "Um dois TRÊS um dois três Um dois três um dois três",
        "um dois três quatro cinco seis sete oito nove dez " * 4,
    ],
)
def test_a_text_that_goes_round_in_circles_is_a_loop(text: str) -> None:
    """Also where it is too short to compress well, in the middle of other text, and whatever the capitals."""
    assert has_loop(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "não",
        "não, não, não, não",
        "sim sim sim sim sim sim sim",
        "Bom dia, bom dia, bom dia! Como está? Bom dia.",
        "vamos começar a aula vamos começar a aula vamos começar a aula",
        "de um lado para o outro, de um lado para o outro, e outra vez de um lado para o outro",
        "two times two is four, two times three is six, two times four is eight, two times five is ten",
        " ".join(str(number) for number in range(100)),
    ],
)
def test_ordinary_repetition_is_speech(text: str) -> None:
    """People say things twice, and three times; they count, and they greet."""
    assert not has_loop(text)


@given(
    phrase=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=MAX_LOOP_LENGTH),
    before=st.lists(st.sampled_from("xyz"), max_size=10),
    after=st.lists(st.sampled_from("xyz"), max_size=10),
)
def test_whatever_is_said_often_enough_in_a_row_is_a_loop(phrase: list[str], before: list[str], after: list[str]) -> None:
    """One to ten words, wherever they stand."""
    times = max(MIN_LOOP_REPEATS, -(-MIN_LOOP_WORDS // len(phrase)))
    assert has_loop(" ".join([*before, *phrase * times, *after]))


@given(st.lists(st.integers(0, 10**9), unique=True, max_size=80), st.integers(1, MIN_LOOP_REPEATS - 1))
def test_what_is_said_less_often_is_none(words: list[int], times: int) -> None:
    """No word comes back more than twice."""
    assert not has_loop(" ".join(str(word) for word in words * times if len(words) > 1))


def test_a_loop_repeats_itself_also_where_it_compresses_badly() -> None:
    """Unless the spec has no threshold: then nothing does."""
    text = "lição de hoje " * 4
    assert is_repetitive(text, 1.0, SPEC)
    assert is_repetitive("olá", 2.5, SPEC)
    assert not is_repetitive("olá", 2.3, SPEC)
    assert not is_repetitive(text, 9.0, SPEC.model_copy(update={"compression_ratio_threshold": None}))


def test_what_passes_the_gates_stands_at_once() -> None:
    """The first rung is the last one for nearly every clip."""
    assert choose_attempt([GOOD], SPEC, is_last=False) is GOOD


@pytest.mark.parametrize("bad", [LOOPING, IMPROBABLE], ids=["loop", "improbable"])
def test_what_fails_a_gate_is_tried_at_the_next_temperature(bad: object) -> None:
    """And what passes then stands."""
    assert choose_attempt([bad], SPEC, is_last=False) is None  # type: ignore[list-item]
    assert choose_attempt([bad, GOOD], SPEC, is_last=False) is GOOD  # type: ignore[list-item]


def test_at_the_end_of_the_ladder_the_most_probable_attempt_stands() -> None:
    """And says so; one that does not repeat itself is preferred to any that does."""
    worse = replace(IMPROBABLE, avg_logprob=-3.0, text="pior")
    assert choose_attempt([worse, IMPROBABLE], SPEC, is_last=True) == replace(IMPROBABLE, failed_gates=True)
    assert choose_attempt([worse, LOOPING], SPEC, is_last=True) == replace(worse, failed_gates=True)
    assert choose_attempt([replace(LOOPING, avg_logprob=-2.0), LOOPING], SPEC, is_last=True) == replace(
        LOOPING, failed_gates=True
    )


def test_a_clip_without_speech_has_no_text() -> None:
    """When the model doubts that there is speech, and its own text as well; one of the two is not enough."""
    doubted = replace(IMPROBABLE, no_speech_prob=0.9)
    assert choose_attempt([doubted], SPEC, is_last=False) == replace(doubted, tokens=(), text="")
    assert choose_attempt([replace(GOOD, no_speech_prob=0.9)], SPEC, is_last=False) == replace(GOOD, no_speech_prob=0.9)
    assert choose_attempt([replace(doubted, no_speech_prob=0.5)], SPEC, is_last=False) is None


def test_gates_can_be_taken_away() -> None:
    """`none` in the configuration: every text stands."""
    open_ = SPEC.model_copy(update={"log_prob_threshold": None, "no_speech_threshold": None})
    worst = replace(IMPROBABLE, avg_logprob=-9.0, no_speech_prob=1.0)
    assert choose_attempt([worst], open_, is_last=False) is worst
