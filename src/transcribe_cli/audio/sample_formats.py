"""Samples of FFmpeg's frames as NumPy arrays, and back, in any of its formats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

_TYPES = {"u8": "u1", "s16": "<i2", "s32": "<i4", "flt": "<f4", "dbl": "<f8"}
_WIDE_TYPES = {"s32", "flt", "dbl"}
_SCALES = {"u8": 128.0, "s16": 32_768.0, "s32": 2_147_483_648.0}
"""Full scale of the formats of integers; those of unsigned ones have zero at this value."""

MAX_PLANES = 7


def is_known(name: str) -> bool:
    """Whether samples of this format can be read here."""
    return name.removesuffix("p") in _TYPES


def can_be_read(frame: AudioFrame) -> bool:
    """Whether the samples of this frame can be: PyAV miscounts the planes of frames with more than seven, and reading them crashes."""
    name = frame.format.name
    return is_known(name) and (not name.endswith("p") or len(frame.layout.channels) <= MAX_PLANES)


def is_wider_than_16_bits(frame: AudioFrame) -> bool:
    """Whether its samples can be read, and would lose bits in 16."""
    return can_be_read(frame) and frame.format.name.removesuffix("p") in _WIDE_TYPES


def peak(frame: AudioFrame) -> float:
    """The highest absolute value; full scale is 1. 0 for a frame with values that are no finite numbers."""
    name = frame.format.name
    plain = name.removesuffix("p")
    count = frame.samples * (1 if name != plain else len(frame.layout.channels))  # a plane is padded
    found = 0.0
    for plane in frame.planes:
        values = np.frombuffer(memoryview(plane), _TYPES[plain], count)
        found = max(found, float(values.max(initial=0)), -float(values.min(initial=0)))
    found /= _SCALES.get(plain, 1.0)
    return found if np.isfinite(found) else 0.0


def to_float(frames: Sequence[AudioFrame], step: int = 1) -> NDArray[np.float32]:
    """Consecutive frames of one format and layout as (channels, samples); full scale is 1. `step` n: only each n-th sample of a frame."""
    name, channels = frames[0].format.name, len(frames[0].layout.channels)
    plain = name.removesuffix("p")
    kind = np.dtype(_TYPES[plain])
    if name == plain:
        parts = [
            np.frombuffer(memoryview(frame.planes[0]), kind, frame.samples * channels).reshape(-1, channels)[::step]
            for frame in frames
        ]
        samples = np.concatenate(parts).T
    else:
        planes = [[np.frombuffer(memoryview(plane), kind, frame.samples)[::step] for plane in frame.planes] for frame in frames]
        samples = np.stack([np.concatenate(parts) for parts in zip(*planes, strict=True)])
    floats = np.array(samples, np.float32, order="C")
    if plain in _SCALES:
        floats *= np.float32(1 / _SCALES[plain])
    if plain == "u8":
        floats -= 1
    return floats


def from_float(samples: NDArray[np.float32], pattern: AudioFrame) -> AudioFrame:
    """A frame of these samples, (channels, samples), with the format, the layout and the rate of `pattern`."""
    name = pattern.format.name
    plain = name.removesuffix("p")
    values = samples.astype(np.float64) if plain in ("s32", "dbl") else samples
    if plain in _SCALES:
        scale = _SCALES[plain]
        values = np.clip(np.rint(values * scale), -scale, scale - 1) + (scale if plain == "u8" else 0)
    values = values.astype(_TYPES[plain])
    array: Any = values if name.endswith("p") else values.T.reshape(1, -1)
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(array), format=name, layout=pattern.layout.name)
    frame.sample_rate = pattern.sample_rate
    return frame
