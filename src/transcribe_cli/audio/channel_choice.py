"""Which channels of a block are mixed: all of them, unless the mix would lose what is spoken.

Three things spoil a mix. Channels with opposite polarity cancel (a cable that is wired the wrong way round, a "wide" stereo effect), a
channel that holds noise or hum alone drowns the others, and one that repeats another late doubles every word. They are decided for blocks
of two seconds, so that a recording in which only a part is wrong loses nothing. In doubt, all channels are mixed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio.channel_statistics import ChannelStatistics

BLOCK_SECONDS = 2.0

# A frame is cancelled if less than this share of its amplitude remains in the mix. Unrelated channels, two people or two microphones, have
# 0.9; a channel and half of its inverse 0.45, in which all is still heard.
_CANCELLED_SHARE = 0.4
# A block is cancelled if this share of its loud frames is, and at least so many of them.
_CANCELLED_FRAMES_SHARE, _MIN_CANCELLED_FRAMES = 0.2, 5
# Or so many frames in which nearly nothing remains, as where the polarity changes near the end of a block.
_GONE_SHARE, _MIN_GONE_FRAMES = 0.15, 2
# A frame is loud within this many decibels of the loudest one, and above this level.
_LOUD_DECIBELS, _MIN_LEVEL = 15.0, -80.0

# The dynamics of a channel are the decibels between its 10th and 95th percentile. Speech has 15 and more, steady noise and hum below 4.
_SPEECH_DYNAMICS, _NOISE_DYNAMICS = 12.0, 6.0
# A block in which no channel has more holds room noise, a pause, whose level wavers by up to 8; or a voice below a hum.
_STEADY_DYNAMICS, _CANCELLED_STEADY_SHARE = 9.0, 0.25
# Noise is left out if it costs the mix this many decibels of dynamics, and the mix has less than a clear voice.
_MIN_GAIN, _CLEAR_DYNAMICS = 6.0, 15.0
# The channel of the block before is kept unless another one is this many decibels better.
_SWITCH_DECIBELS = 6.0


class ChannelChooser:
    """Decides for one block after the other."""

    def __init__(self) -> None:
        self._kept: tuple[int, ...] | None = None

    def choose(self, block: ChannelStatistics) -> tuple[int, ...] | None:
        """The channels to mix in the next block; None: all of them."""
        loudest = block.levels[:, :-1].max(axis=1, initial=-np.inf)
        is_loud = loudest >= max(loudest.max(initial=-np.inf) - _LOUD_DECIBELS, _MIN_LEVEL)
        if not is_loud.any():
            return self._kept  # silence is no reason to switch
        is_cancelled = is_loud & (block.remaining < self._cancelled_share(block))
        is_gone = is_loud & (block.remaining < _GONE_SHARE)
        limit = max(_MIN_CANCELLED_FRAMES, _CANCELLED_FRAMES_SHARE * is_loud.sum())
        if is_cancelled.sum() >= limit or is_gone.sum() >= _MIN_GONE_FRAMES:
            self._kept = (self._clearest(block),)
        elif block.late:
            self._kept = tuple(channel for channel in range(len(block.levels[0]) - 1) if channel not in block.late)
        else:
            self._kept = self._without_noise(block)
        return self._kept

    def _cancelled_share(self, block: ChannelStatistics) -> float:
        """The share of its amplitude below which a frame is cancelled: room noise in wide stereo cancels in part, and loses no word."""
        low, high = _quiet_and_loud(block)
        is_steady = (high - low)[:-1].max() <= _STEADY_DYNAMICS
        return _CANCELLED_STEADY_SHARE if is_steady and self._kept is None else _CANCELLED_SHARE

    def _clearest(self, block: ChannelStatistics) -> int:
        """The channel with the clearest voice among the loud ones."""
        low, high = _quiet_and_loud(block)
        score = np.where(high >= high[:-1].max() - 2 * _SPEECH_DYNAMICS, high - low, -np.inf)[:-1]
        if self._kept is not None:
            score[list(self._kept)] += _SWITCH_DECIBELS
        return int(np.argmax(score))

    def _without_noise(self, block: ChannelStatistics) -> tuple[int, ...] | None:
        """The channels with a voice, if the others hold steady noise that drowns it in the mix."""
        low, high = _quiet_and_loud(block)
        dynamics = high - low
        channels, mix = dynamics[:-1], dynamics[-1]
        is_noise = (channels <= _NOISE_DYNAMICS) & (low[:-1] >= low[-1])  # and not silence, which does no harm
        if self._kept is not None and len(self._kept) < len(channels) and channels.max() < _SPEECH_DYNAMICS:
            left_out = np.delete(is_noise, self._kept)
            return self._kept if left_out.all() else None  # a pause: the noise goes on
        voices = np.flatnonzero(~is_noise)
        drowns = channels.max() - mix >= _MIN_GAIN and mix < _CLEAR_DYNAMICS and channels.max() >= _SPEECH_DYNAMICS
        return tuple(voices.tolist()) if drowns and is_noise.any() else None


def _quiet_and_loud(block: ChannelStatistics) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The 10th and the 95th percentile of the levels of each channel and of the mix."""
    # np.percentile imports a module at its first use, which the sandbox forbids.
    levels = np.sort(block.levels, axis=0)
    return levels[len(levels) // 10], levels[len(levels) * 19 // 20]
