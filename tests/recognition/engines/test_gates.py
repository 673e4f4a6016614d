"""The quality gates: which attempt is accepted, and which text is a loop."""

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
def test_a_repeated_phrase_is_a_loop(text: str) -> None:
    """Even if it is too short to compress well or inside other text; case does not matter."""
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
    """People say things two or three times; they count, and they greet."""
    assert not has_loop(text)


@given(
    phrase=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=MAX_LOOP_LENGTH),
    before=st.lists(st.sampled_from("xyz"), max_size=10),
    after=st.lists(st.sampled_from("xyz"), max_size=10),
)
def test_any_phrase_repeated_often_enough_is_a_loop(phrase: list[str], before: list[str], after: list[str]) -> None:
    """One to ten words, at any position."""
    times = max(MIN_LOOP_REPEATS, -(-MIN_LOOP_WORDS // len(phrase)))
    assert has_loop(" ".join([*before, *phrase * times, *after]))


@given(st.lists(st.integers(0, 10**9), unique=True, max_size=80), st.integers(1, MIN_LOOP_REPEATS - 1))
def test_fewer_repetitions_are_no_loop(words: list[int], times: int) -> None:
    """No word occurs more than three times."""
    assert not has_loop(" ".join(str(word) for word in words * times if len(words) > 1))


def test_a_loop_is_repetitive_even_if_it_compresses_badly() -> None:
    """Without a threshold no text is."""
    text = "lição de hoje " * 4
    assert is_repetitive(text, 1.0, SPEC)
    assert is_repetitive("olá", 2.5, SPEC)
    assert not is_repetitive("olá", 2.3, SPEC)
    assert not is_repetitive(text, 9.0, SPEC.model_copy(update={"compression_ratio_threshold": None}))


def test_an_attempt_that_passes_the_gates_is_accepted() -> None:
    """Nearly every clip passes at the first temperature."""
    assert choose_attempt([GOOD], SPEC, is_last=False) is GOOD


@pytest.mark.parametrize("bad", [LOOPING, IMPROBABLE], ids=["loop", "improbable"])
def test_a_clip_that_fails_a_gate_is_retried_at_the_next_temperature(bad: object) -> None:
    """An attempt that passes there is accepted."""
    assert choose_attempt([bad], SPEC, is_last=False) is None  # type: ignore[list-item]
    assert choose_attempt([bad, GOOD], SPEC, is_last=False) is GOOD  # type: ignore[list-item]


def test_after_the_last_temperature_the_most_probable_attempt_is_accepted() -> None:
    """It is marked; attempts without repetition are preferred."""
    worse = replace(IMPROBABLE, avg_logprob=-3.0, text="pior")
    assert choose_attempt([worse, IMPROBABLE], SPEC, is_last=True) == replace(IMPROBABLE, failed_gates=True)
    assert choose_attempt([worse, LOOPING], SPEC, is_last=True) == replace(worse, failed_gates=True)
    assert choose_attempt([replace(LOOPING, avg_logprob=-2.0), LOOPING], SPEC, is_last=True) == replace(
        LOOPING, failed_gates=True
    )


def test_a_clip_without_speech_has_no_text() -> None:
    """If the model reports no speech, and its text is improbable; one of the two is not enough."""
    doubted = replace(IMPROBABLE, no_speech_prob=0.9)
    assert choose_attempt([doubted], SPEC, is_last=False) == replace(doubted, tokens=(), text="")
    assert choose_attempt([replace(GOOD, no_speech_prob=0.9)], SPEC, is_last=False) == replace(GOOD, no_speech_prob=0.9)
    assert choose_attempt([replace(doubted, no_speech_prob=0.5)], SPEC, is_last=False) is None


def test_gates_can_be_disabled() -> None:
    """With `none` in the configuration, every text is accepted."""
    open_ = SPEC.model_copy(update={"log_prob_threshold": None, "no_speech_threshold": None})
    worst = replace(IMPROBABLE, avg_logprob=-9.0, no_speech_prob=1.0)
    assert choose_attempt([worst], open_, is_last=False) is worst
