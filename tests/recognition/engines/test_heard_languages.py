"""Which clips are asked for the language of their audio, and what is kept of the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.fake_engine import attempt, clip
from transcribe_cli.audio import Waveform
from transcribe_cli.recognition.engines.gates import choose_attempt
from transcribe_cli.recognition.engines.heard_languages import is_asked, likeliest, with_heard_languages
from transcribe_cli.spec import JobSpec


def test_the_first_clips_and_every_fourth_are_asked(recorded: Callable[[], Waveform]) -> None:
    """By their number alone, so that batches do not matter; a second attempt is not asked again."""
    waveform = recorded()
    asked = [number for number in range(20) if is_asked(clip(waveform, index=number))]
    assert asked == [0, 1, 2, 3, 4, 8, 12, 16]
    assert not is_asked(replace(clip(waveform), part=1))


def test_the_likeliest_languages_are_kept_in_order() -> None:
    """Three of them."""
    assert likeliest({"en": 0.1, "pt": 0.7, "es": 0.15, "gl": 0.05}) == (("pt", 0.7), ("es", 0.15), ("en", 0.1))
    assert likeliest({"en": 1.0}) == (("en", 1.0),)


def test_a_batch_without_asked_clips_costs_nothing(recorded: Callable[[], Waveform]) -> None:
    """And in a mixed one, only the asked clips get the answer."""
    waveform = recorded()

    def refuse() -> list[list[tuple[str, float]]]:
        raise AssertionError("asked")

    attempts = [attempt(), attempt()]
    assert with_heard_languages([clip(waveform, index=5), clip(waveform, index=7)], attempts, refuse) == attempts
    scores = [[("<|pt|>", 0.9), ("<|gl|>", 0.1)], [("<|haw|>", 1.0)]]
    found = with_heard_languages([clip(waveform, index=5), clip(waveform, index=8)], attempts, lambda: scores)
    assert [one.heard for one in found] == [(), (("haw", 1.0),)]


def test_the_accepted_attempt_has_what_was_heard_at_the_first() -> None:
    """A retry at another temperature is not asked again."""
    spec = JobSpec(log_prob_threshold=-1.0)
    first = replace(attempt(), avg_logprob=-2.0, heard=(("pt", 0.9),))
    assert choose_attempt([first], spec, is_last=False) is None
    for second, is_last in [(attempt(0.2), False), (replace(attempt(0.2), avg_logprob=-3.0), True)]:
        accepted = choose_attempt([first, second], spec, is_last=is_last)
        assert accepted is not None
        assert accepted.heard == (("pt", 0.9),)
