"""Encoder outputs that are kept for later: given back once, and never more than there is room for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import ctranslate2
import numpy as np
from numpy.typing import NDArray

from tests.fake_engine import clip
from transcribe_cli.audio import Waveform
from transcribe_cli.recognition.engines.encoder_cache import EncoderCache, to_host

Recorded = Callable[[], Waveform]


def outputs(*values: float, dtype: type[np.floating] = np.float32) -> ctranslate2.StorageView:
    """What an encoder would give for so many clips: three positions of width two, all of one value."""
    return ctranslate2.StorageView.from_array(np.array([np.full((3, 2), value) for value in values], dtype))


def values(rows: list[NDArray[np.floating] | None]) -> list[float | None]:
    """The value of each output."""
    return [None if row is None else float(row[0, 0]) for row in rows]


def test_an_output_is_given_back_once(recorded: Recorded) -> None:
    """Whoever has it needs it no longer here."""
    waveform = recorded()
    clips = [clip(waveform, 0, index) for index in range(3)]
    cache = EncoderCache(8)
    cache.put(clips, outputs(1, 2, 3))
    assert values(cache.pop([clips[2], clips[0]])) == [3, 1]
    assert values(cache.pop(clips)) == [None, 2, None]


def test_a_clip_is_known_again_in_its_language(recorded: Recorded) -> None:
    """It was encoded before its language was known: what counts is where it lies in which recording."""
    waveform = recorded()
    asked = clip(waveform, language="")
    cache = EncoderCache(8)
    cache.put([asked], outputs(1))
    others = [clip(waveform, 0, 1), replace(asked, part=1), clip(recorded())]
    assert values(cache.pop([*others, replace(asked, language="pt")])) == [None, None, None, 1]


def test_the_oldest_are_forgotten_when_there_is_no_more_room(recorded: Recorded) -> None:
    """They are made once more when they are wanted; memory does not grow with the run."""
    waveform = recorded()
    clips = [clip(waveform, 0, index) for index in range(10)]
    cache = EncoderCache(4)
    for number in range(0, 10, 2):
        cache.put(clips[number : number + 2], outputs(number, number + 1))
    assert values(cache.pop(clips)) == [None] * 6 + [6, 7, 8, 9]


def test_what_is_kept_does_not_hold_on_to_the_batch(recorded: Recorded) -> None:
    """On the host, in the type that the model computes in."""
    waveform = recorded()
    batch = outputs(1, 2, dtype=np.float16)
    cache = EncoderCache(2)
    cache.put([clip(waveform, 0, index) for index in range(2)], batch)
    [row] = cache.pop([clip(waveform, 0, 1)])
    assert row is not None
    assert (row.shape, row.dtype) == ((3, 2), np.float16)


def test_a_type_that_numpy_lacks_becomes_one_that_it_has() -> None:
    """CTranslate2 computes in bfloat16 on GPUs that have it."""
    made = to_host(outputs(1.5).to(ctranslate2.DataType.bfloat16))
    assert made.dtype == np.float32
    assert made.tolist() == np.full((1, 3, 2), 1.5).tolist()
