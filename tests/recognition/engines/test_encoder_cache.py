"""The cache of encoder outputs: each is returned once, and the size is limited."""

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
    """The encoder output of a clip for each value: three positions of width two, all of this value."""
    return ctranslate2.StorageView.from_array(np.array([np.full((3, 2), value) for value in values], dtype))


def values(rows: list[NDArray[np.floating] | None]) -> list[float | None]:
    """The value of each output."""
    return [None if row is None else float(row[0, 0]) for row in rows]


def test_an_output_is_returned_once(recorded: Recorded) -> None:
    """It is removed from the cache."""
    waveform = recorded()
    clips = [clip(waveform, 0, index) for index in range(3)]
    cache = EncoderCache(8)
    cache.put(clips, outputs(1, 2, 3))
    assert values(cache.pop([clips[2], clips[0]])) == [3, 1]
    assert values(cache.pop(clips)) == [None, 2, None]


def test_the_language_is_not_part_of_the_key(recorded: Recorded) -> None:
    """A clip is encoded before its language is known; its key is its position in the recording."""
    waveform = recorded()
    asked = clip(waveform, language="")
    cache = EncoderCache(8)
    cache.put([asked], outputs(1))
    others = [clip(waveform, 0, 1), replace(asked, part=1), clip(recorded())]
    assert values(cache.pop([*others, replace(asked, language="pt")])) == [None, None, None, 1]


def test_the_oldest_outputs_are_evicted(recorded: Recorded) -> None:
    """So memory does not grow with the run."""
    waveform = recorded()
    clips = [clip(waveform, 0, index) for index in range(10)]
    cache = EncoderCache(4)
    for number in range(0, 10, 2):
        cache.put(clips[number : number + 2], outputs(number, number + 1))
    assert values(cache.pop(clips)) == [None] * 6 + [6, 7, 8, 9]


def test_cached_outputs_are_copies_on_the_host(recorded: Recorded) -> None:
    """In the compute type of the model; the batch can be freed."""
    waveform = recorded()
    batch = outputs(1, 2, dtype=np.float16)
    cache = EncoderCache(2)
    cache.put([clip(waveform, 0, index) for index in range(2)], batch)
    [row] = cache.pop([clip(waveform, 0, 1)])
    assert row is not None
    assert (row.shape, row.dtype) == ((3, 2), np.float16)


def test_bfloat16_becomes_float32() -> None:
    """NumPy lacks bfloat16, in which CTranslate2 computes on GPUs that support it."""
    made = to_host(outputs(1.5).to(ctranslate2.DataType.bfloat16))
    assert made.dtype == np.float32
    assert made.tolist() == np.full((1, 3, 2), 1.5).tolist()
