"""Which clips are asked for the language of their audio, and what is kept of the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.fake_engine import clip
from transcribe_cli.audio import Waveform
from transcribe_cli.recognition.engines.heard_languages import is_asked, likeliest


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
