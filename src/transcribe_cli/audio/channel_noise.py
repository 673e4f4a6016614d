"""Where in a block steady noise begins or ends, in the channels that the block beside it leaves out.

A block is decided as a whole, and noise in a part of it does not decide it; without this, up to a second of speech would be drowned.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio.channel_statistics import ChannelStatistics

# The level of noise stays within this many decibels.
_STEADY_DECIBELS = 6.0
# A shorter run of frames may be a syllable that is as loud as the noise: 0.2 s.
_MIN_FRAMES = 3


def start_of_noise(block: ChannelStatistics, following: ChannelStatistics, kept: tuple[int, ...]) -> float:
    """The share of the block after which the noise of the following one goes on without a break; 1 if it does not begin in it."""
    is_noise = _like_noise(block, following, kept)
    run = int(np.argmin(is_noise[::-1])) if not is_noise.all() else len(is_noise)
    return 1.0 if run < _MIN_FRAMES else max(0, len(is_noise) - run - 1) / len(is_noise)


def end_of_noise(block: ChannelStatistics, previous: ChannelStatistics, kept: tuple[int, ...]) -> float:
    """The share of the block at which the noise of the previous one ends; 0 if it ended before."""
    is_noise = _like_noise(block, previous, kept)
    run = int(np.argmin(is_noise)) if not is_noise.all() else len(is_noise)
    return 0.0 if run < _MIN_FRAMES else min(len(is_noise), run + 1) / len(is_noise)


def _like_noise(block: ChannelStatistics, noise: ChannelStatistics, kept: tuple[int, ...]) -> NDArray[np.bool_]:
    """The frames in which the channels that are left out have the steady level of the other block; none if theirs is not steady."""
    left_out = [channel for channel in range(block.levels.shape[1] - 1) if channel not in kept]
    levels = np.sort(noise.levels[:, left_out], axis=0)
    low, high = levels[len(levels) // 10], levels[len(levels) * 19 // 20]
    if not len(left_out) or (high - low > _STEADY_DECIBELS).any():
        return np.zeros(len(block.levels), bool)
    is_noise: NDArray[np.bool_] = (np.abs(block.levels[:, left_out] - (low + high) / 2) <= _STEADY_DECIBELS).all(axis=1)
    return is_noise
