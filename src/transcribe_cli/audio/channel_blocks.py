"""Collects frames of several channels in blocks, and replaces the channels that would spoil the mix before they reach it.

A block in which nothing is wrong is passed on as the frames that it came in, so that its mix is the same to the last bit. Otherwise each
channel that is left out is replaced by the mean of those that are kept: any mix of such a block is a mix of those alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from transcribe_cli.audio.channel_choice import BLOCK_SECONDS, ChannelChooser
from transcribe_cli.audio.channel_noise import end_of_noise, start_of_noise
from transcribe_cli.audio.channel_statistics import ANALYSIS_RATE, ChannelStatistics, measure
from transcribe_cli.audio.sample_formats import from_float, to_float

_FADE_SECONDS = 0.02
_MIN_SECONDS = 0.5
"""A shorter rest at the end, or before a gap, is treated as the block before it."""


@dataclass(frozen=True)
class _Block:
    """Frames from a second of the audio on, what was measured in them, and the channels to mix; None: all, or not measured."""

    frames: list[AudioFrame]
    start: float
    seconds: float
    statistics: ChannelStatistics | None
    kept: tuple[int, ...] | None

    @property
    def rate(self) -> int:
        """Samples a second."""
        return self.frames[0].sample_rate


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
        self._held: _Block | None = None  # noise may begin in it: the next block says so
        self._before: _Block | None = None
        self._channels = 0
        self._mixed: tuple[int, ...] | None = None  # at the end of the block before

    def move(self, seconds: float) -> None:
        """The next frame is at this position."""
        self._start = seconds

    def add(self, frame: AudioFrame, weights: NDArray[np.float32]) -> Iterator[AudioFrame]:
        """Add a frame; yields frames that are ready to be mixed with these weights."""
        if len(weights) != self._channels:
            self._chooser, self._mixed, self._channels = ChannelChooser(), None, len(weights)
        self._frames.append(frame)
        self._seconds += frame.samples / frame.sample_rate
        if self._seconds >= BLOCK_SECONDS:
            yield from self._close_block(weights)

    def flush(self, weights: NDArray[np.float32]) -> Iterator[AudioFrame]:
        """Yield the rest, the last block as long as it is."""
        yield from self._close_block(weights)
        held, self._held = self._held, None
        if held is not None:
            yield from self._remixed(held, None)
        self._before = None

    def _close_block(self, weights: NDArray[np.float32]) -> Iterator[AudioFrame]:
        frames, self._frames = self._frames, []
        if not frames:
            return
        seconds, self._seconds = self._seconds, 0.0
        start, self._start = self._start, self._start + seconds
        statistics, kept = None, self._held.kept if self._held else self._mixed
        if seconds >= _MIN_SECONDS:
            rate = frames[0].sample_rate
            step = max(1, rate // ANALYSIS_RATE)
            statistics = measure(to_float(frames, step), rate / step, weights)
            kept = self._chooser.choose(statistics)
        held, self._held = self._held, _Block(frames, start, seconds, statistics, kept)
        if held is not None:
            yield from self._remixed(held, self._held)

    def _remixed(self, block: _Block, following: _Block | None) -> Iterator[AudioFrame]:
        """The frames of a block, with the channels replaced that are left out."""
        before, after, share = self._mixed, block.kept, 0.0  # from this share of the block on
        if block.statistics is not None and after is None:
            if before is not None and self._before is not None and self._before.statistics is not None:
                share = end_of_noise(block.statistics, self._before.statistics, before)
            elif before is None and following is not None and following.statistics is not None and following.kept is not None:
                share = start_of_noise(block.statistics, following.statistics, following.kept)
                after = following.kept if share < 1 else None
        self._mixed, self._before = after, block
        self._record(block, before, after, share)
        if before is None and after is None:
            yield from block.frames
            return
        samples = to_float(block.frames)
        at = round(share * samples.shape[1])
        old, new = (samples if kept is None else _keep_only(kept, len(samples)) @ samples for kept in (before, after))
        share_of_new = (np.arange(samples.shape[1], dtype=np.float32) - at) / max(1, round(_FADE_SECONDS * block.rate))
        share_of_new = np.clip(share_of_new, 0, 1, out=share_of_new)  # faded over without a click
        yield from_float(share_of_new * new + (1 - share_of_new) * old, block.frames[0])

    def _record(self, block: _Block, before: tuple[int, ...] | None, after: tuple[int, ...] | None, share: float) -> None:
        change, end = block.start + share * block.seconds, block.start + block.seconds
        for kept, first, last in ((before, block.start, change), (after, change, end)):
            if kept is None or first == last:
                continue
            if self.left_out and first - self.left_out[-1][1] < BLOCK_SECONDS / 2:
                first = self.left_out.pop()[0]
            self.left_out.append((first, last))


def _keep_only(kept: tuple[int, ...], channels: int) -> NDArray[np.float32]:
    """The matrix that replaces the other channels by the mean of those that are kept."""
    matrix = np.zeros((channels, channels), np.float32)
    matrix[:, list(kept)] = 1 / len(kept)
    for channel in kept:
        matrix[channel] = 0.0
        matrix[channel, channel] = 1.0
    return matrix
