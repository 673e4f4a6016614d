"""Collects frames of several channels in blocks, and replaces the channels that would spoil the mix before they reach it.

A block in which nothing is wrong is passed on as the frames that it came in, so that its mix is the same to the last bit. Otherwise each
channel that is left out is replaced by the mean of those that are kept: any mix of such a block is a mix of those alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from transcribe_cli.audio.channel_choice import BLOCK_SECONDS, ChannelChooser
from transcribe_cli.audio.channel_statistics import ANALYSIS_RATE, measure
from transcribe_cli.audio.sample_formats import from_float, to_float

_FADE_SECONDS = 0.02
_MIN_SECONDS = 0.5
"""A shorter rest at the end, or before a gap, is treated as the block before it."""


class ChannelBlocks:
    """The blocks of one track. Add frames of one rate, format and layout; `flush` before they change.

    Attributes:
        left_out: seconds [start, end) of the audio that was added in which channels were left out.
    """

    def __init__(self) -> None:
        self.left_out: list[tuple[float, float]] = []
        self._chooser = ChannelChooser()
        self._frames: list[AudioFrame] = []
        self._seconds = 0.0  # of the frames in this block
        self._start = 0.0  # of this block
        self._mixing: NDArray[np.float32] | None = None  # of the block before; None: all channels as they are

    def move(self, seconds: float) -> None:
        """The next frame is at this position."""
        self._start = seconds

    def add(self, frame: AudioFrame, weights: NDArray[np.float32]) -> Iterator[AudioFrame]:
        """Add a frame; yields frames that are ready to be mixed with these weights."""
        self._frames.append(frame)
        self._seconds += frame.samples / frame.sample_rate
        if self._seconds >= BLOCK_SECONDS:
            yield from self.flush(weights)

    def flush(self, weights: NDArray[np.float32]) -> Iterator[AudioFrame]:
        """Yield the rest, as a block of its own."""
        frames, self._frames = self._frames, []
        if not frames:
            return
        seconds, self._seconds = self._seconds, 0.0
        start, self._start = self._start, self._start + seconds
        rate = frames[0].sample_rate
        before, after = self._mixing, self._mixing
        if seconds >= _MIN_SECONDS:
            step = max(1, rate // ANALYSIS_RATE)
            kept = self._chooser.choose(measure(to_float(frames, step), rate / step, weights))
            self._mixing = after = None if kept is None else _keep_only(kept, len(weights))
        if after is not None:
            self._record(start, start + seconds)
        if before is None and after is None:
            yield from frames
        else:
            yield from_float(_remix(to_float(frames), before, after, rate), frames[0])

    def _record(self, start: float, end: float) -> None:
        if self.left_out and start - self.left_out[-1][1] < BLOCK_SECONDS / 2:
            start = self.left_out.pop()[0]
        self.left_out.append((start, end))


def _keep_only(kept: tuple[int, ...], channels: int) -> NDArray[np.float32]:
    """The matrix that replaces the other channels by the mean of those that are kept."""
    matrix = np.zeros((channels, channels), np.float32)
    matrix[:, list(kept)] = 1 / len(kept)
    for channel in kept:
        matrix[channel] = 0.0
        matrix[channel, channel] = 1.0
    return matrix


def _remix(
    samples: NDArray[np.float32], before: NDArray[np.float32] | None, after: NDArray[np.float32] | None, rate: int
) -> NDArray[np.float32]:
    """The samples in the new mixing, faded over from that of the block before, without a click."""
    mixed = samples if after is None else after @ samples
    if before is after or (before is not None and after is not None and np.array_equal(before, after)):
        return mixed
    fade = min(samples.shape[1], round(_FADE_SECONDS * rate))
    share = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    start = samples[:, :fade]
    result = mixed.copy()
    result[:, :fade] = share * mixed[:, :fade] + (1 - share) * (start if before is None else before @ start)
    return result
