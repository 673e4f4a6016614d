"""Which channels of a recording have their own speaker, and where one only contains crosstalk from another.

Both follow from comparing the levels of the channels in frames of 128 ms. The level of a copy differs from its original by a constant
number of decibels. Crosstalk is much quieter than the same speech in the speaker's own channel. Unlike a correlation of samples, levels
are robust to delay, reversed polarity and codecs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio import SAMPLE_RATE, Waveform
from transcribe_cli.vad.detector import WINDOW_SAMPLES

# Windows of the speech detector in a frame: one or two syllables.
FRAME_WINDOWS = 4
_FRAME_SAMPLES = FRAME_WINDOWS * WINDOW_SAMPLES
_BLOCK_FRAMES = 60 * SAMPLE_RATE // _FRAME_SAMPLES
# Lower levels count as silence, in decibels of full scale: the noise of 16 bits.
_FLOOR = -90.0

# Two channels are copies if the gap between their levels stays this close to its median, in decibels, in this share of the frames in which
# one of them is loud. benchmarks/channels.py: for copies the share is 0.98 or more, also for two microphones in one room, and for two
# people below 0.6. The limit is close to that of copies so that a person who speaks for a thirtieth of the time is kept.
COPY_DECIBELS = 5.0
COPY_SHARE = 0.97
# A frame is loud if it is at most this far below the 95th percentile, in decibels.
_LOUD_DECIBELS = 25.0
# Copies are mixed unless one of them loses more than this in the mix, in decibels; in-phase copies lose 6 at most.
_MAX_MIX_LOSS_DECIBELS = 9.0
# It is measured in parts of this length, in samples, in which the channel is not quieter than this, in decibels of full scale.
_MIX_SAMPLES = 2 * SAMPLE_RATE
_MIN_SPEECH_LEVEL = -60.0
# A frame that is this much quieter than in another channel is crosstalk, in decibels. benchmarks/channels.py: at 10, crosstalk of -12 dB or
# less is removed; a lower limit removes more of the speech of two people who talk at the same time.
CROSSTALK_DECIBELS = 10.0
# The maximum delay of an echo, as on telephone lines, in frames: 0.4 s.
_MAX_ECHO_FRAMES = 3
# A channel has its own speech if it is the loudest and this far above its own noise, in decibels, in at least this many frames.
_MIN_SPEECH_DECIBELS = 15.0
_MIN_SPEECH_FRAMES = 8


def channel_levels(waveform: Waveform) -> NDArray[np.float32]:
    """The level of each channel: (frames, channels) in decibels of full scale; a frame is four windows of the speech detector."""
    return np.concatenate([np.zeros((0, waveform.channels), np.float32), *_levels(waveform)])


def _levels(waveform: Waveform) -> Iterator[NDArray[np.float32]]:
    step = _BLOCK_FRAMES * _FRAME_SAMPLES
    for start in range(0, waveform.samples, step):
        block = waveform.read_channels(start, start + step)
        padded = np.pad(block, ((0, -len(block) % _FRAME_SAMPLES), (0, 0)))
        power = padded.reshape(-1, _FRAME_SAMPLES, waveform.channels).var(axis=1)
        yield (10 * np.log10(np.maximum(power, 10 ** (_FLOOR / 10)))).astype(np.float32)


def distinct_channels(levels: NDArray[np.float32]) -> tuple[list[int], bool]:
    """The channels that are neither silent nor copies, in order, and whether there were copies.

    Of several copies the loudest is kept.

    Args:
        levels: (frames, channels).
    """
    if not len(levels):
        return [], False
    loudness = np.percentile(levels, 95, axis=0)
    audible = [channel for channel in np.argsort(-loudness, kind="stable").tolist() if levels[:, channel].max() > _FLOOR]
    distinct: list[int] = []
    for channel in audible:
        if not any(stable_gap_share(levels[:, channel], levels[:, other]) >= COPY_SHARE for other in distinct):
            distinct.append(channel)
    return sorted(distinct), len(distinct) < len(audible)


def stable_gap_share(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The share of frames in which the gap between two levels is close to its median, of the frames in which one of them is loud."""
    louder = np.maximum(one, other)
    gap = (one - other)[louder >= np.percentile(louder, 95) - _LOUD_DECIBELS]
    return float(np.mean(np.abs(gap - np.median(gap)) <= COPY_DECIBELS))


def cancels_in_mix(waveform: Waveform, channel: int) -> bool:
    """Whether a channel is much quieter in the mix of all, in the whole recording or in part of it.

    The channels have opposite polarity there, or most are silent.
    """
    whole = np.zeros(2)
    for start in range(0, waveform.samples, _MIX_SAMPLES):
        block = waveform.read_channels(start, start + _MIX_SAMPLES)
        power = np.array([len(sound) * sound.var(dtype=np.float64) for sound in (block.mean(axis=1), block[:, channel])])
        whole += power
        if power[1] > len(block) * 10 ** (_MIN_SPEECH_LEVEL / 10) and _loses(power):
            return True
    return _loses(whole)


def _loses(power: NDArray[np.float64]) -> bool:
    """Whether the first of two powers is much less than the second."""
    return bool(10 * np.log10((power[0] + 1e-9) / (power[1] + 1e-9)) < -_MAX_MIX_LOSS_DECIBELS)


def crosstalk(levels: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The frames in which each channel only contains crosstalk from another: (frames, channels).

    Levels are normalized by the level of each channel's own speech, so that a quiet microphone loses nothing. A channel without own speech
    is normalized by the loudest of these levels.

    Args:
        levels: of distinct channels, (frames, channels).
    """
    if not len(levels) or levels.shape[1] < 2:
        return np.zeros(levels.shape, bool)
    normalized = levels - _own_speech_levels(levels)
    padded = np.pad(normalized, ((_MAX_ECHO_FRAMES, 1), (0, 0)), constant_values=-np.inf)
    nearby = np.max([padded[shift : shift + len(normalized)] for shift in range(_MAX_ECHO_FRAMES + 2)], axis=0)
    others = np.stack([np.delete(nearby, channel, axis=1).max(axis=1) for channel in range(levels.shape[1])], axis=1)
    is_crosstalk: NDArray[np.bool_] = normalized < others - CROSSTALK_DECIBELS
    return is_crosstalk


def _own_speech_levels(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The level of the speech that belongs to each channel: (channels,); the loudest of them for a channel without own speech."""
    noise = np.percentile(levels, 10, axis=0)
    speaks = (levels == levels.max(axis=1, keepdims=True)) & (levels > noise + _MIN_SPEECH_DECIBELS)
    own = [
        np.median(levels[speaks[:, channel], channel]) if speaks[:, channel].sum() >= _MIN_SPEECH_FRAMES else -np.inf
        for channel in range(levels.shape[1])
    ]
    return np.array([level if level > -np.inf else max(own) for level in own], np.float32)
