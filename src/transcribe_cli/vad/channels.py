"""Which channels of a recording have a speaker of their own, and where one only overhears another.

Both are seen in how loud the channels are beside each other, in frames of 128 ms. A copy stays the same number of decibels away from
its original, whatever is said. A microphone that overhears somebody is much quieter than that person's own, at the same time. Levels do
not mind what correlation of the samples would: a delay, reversed polarity, a codec.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio import SAMPLE_RATE, Waveform
from transcribe_cli.vad.detector import WINDOW_SAMPLES

# Windows of the speech detector in a frame: a syllable or two.
FRAME_WINDOWS = 4
_FRAME_SAMPLES = FRAME_WINDOWS * WINDOW_SAMPLES
_BLOCK_FRAMES = 60 * SAMPLE_RATE // _FRAME_SAMPLES
# Below this nothing is told apart, in decibels of full scale: the noise of 16 bits.
_FLOOR = -90.0

# Channels whose levels stay this close to their usual distance, in decibels, in this share of the frames in which one of them is loud,
# are copies of each other. benchmarks/channels.py: for copies the share is 0.98 or more, also for two microphones in one room, and for two
# people below 0.6; the limit is so near to copies in order that somebody who speaks for a thirtieth of the time is not lost.
COPY_DECIBELS = 5.0
COPY_SHARE = 0.97
# Loud is what comes this close to the loudest twentieth, in decibels.
_LOUD_DECIBELS = 25.0
# Copies are mixed unless that leaves less than this much of one of them, in decibels: two that are in order leave 6 or more.
_LEFT_DECIBELS = 9.0
# A channel that is this much quieter than another one, in decibels, overhears it. benchmarks/channels.py: at 10 what is overheard 12 dB
# down or more is left out; a lower limit costs more of what two people say at the same time.
CROSSTALK_DECIBELS = 10.0
# So many frames late an echo may come, as telephones have it: 0.4 s.
_ECHO_FRAMES = 3
# A channel speaks by itself when it is the loudest and this far above its own noise, in decibels, in so many frames at least.
_SPEAKS_DECIBELS = 15.0
_SPEAKS_FRAMES = 8


def channel_levels(waveform: Waveform) -> NDArray[np.float32]:
    """How loud each channel is: (frames, channels) in decibels of full scale, a frame for each four windows of the speech detector."""
    return np.concatenate([np.zeros((0, waveform.channels), np.float32), *_levels(waveform)])


def _levels(waveform: Waveform) -> Iterator[NDArray[np.float32]]:
    step = _BLOCK_FRAMES * _FRAME_SAMPLES
    for start in range(0, waveform.samples, step):
        block = waveform.read_channels(start, start + step)
        padded = np.pad(block, ((0, -len(block) % _FRAME_SAMPLES), (0, 0)))
        power = padded.reshape(-1, _FRAME_SAMPLES, waveform.channels).var(axis=1)
        yield (10 * np.log10(np.maximum(power, 10 ** (_FLOOR / 10)))).astype(np.float32)


def distinct_channels(loud: NDArray[np.float32]) -> tuple[list[int], bool]:
    """The channels that are neither silent nor copies, in their order, and whether there were copies.

    Of channels that are alike the loudest is taken.

    Args:
        loud: levels, (frames, channels).
    """
    if not len(loud):
        return [], False
    loudness = np.percentile(loud, 95, axis=0)
    sounding = [channel for channel in np.argsort(-loudness, kind="stable").tolist() if loud[:, channel].max() > _FLOOR]
    found: list[int] = []
    for channel in sounding:
        if not any(stable_gap_share(loud[:, channel], loud[:, other]) >= COPY_SHARE for other in found):
            found.append(channel)
    return sorted(found), len(found) < len(sounding)


def stable_gap_share(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """In which share of the frames in which one of two channels is loud, their levels are as far apart as they mostly are."""
    louder = np.maximum(one, other)
    distance = (one - other)[louder >= np.percentile(louder, 95) - _LOUD_DECIBELS]
    return float(np.mean(np.abs(distance - np.median(distance)) <= COPY_DECIBELS))


def cancels_in_mix(waveform: Waveform, channel: int) -> bool:
    """Whether little is left of a channel when all are mixed: their polarity is reversed, or most of them are silent."""
    power = np.zeros(2)
    for start in range(0, waveform.samples, _BLOCK_FRAMES * _FRAME_SAMPLES):
        block = waveform.read_channels(start, start + _BLOCK_FRAMES * _FRAME_SAMPLES)
        power += [np.square(sound).sum(dtype=np.float64) for sound in (block.mean(axis=1), block[:, channel])]
    return bool(10 * np.log10((power[0] + 1e-9) / (power[1] + 1e-9)) < -_LEFT_DECIBELS)


def crosstalk(loud: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where each channel only overhears another one: (frames, channels).

    Channels are compared as if everybody spoke equally loudly into their own: a quiet microphone loses nothing. A channel in which nobody
    speaks louder than all others stays as it is.

    Args:
        loud: levels of channels that are distinct_channels, (frames, channels).
    """
    if not len(loud) or loud.shape[1] < 2:
        return np.zeros(loud.shape, bool)
    even = loud - _own(loud)
    padded = np.pad(even, ((_ECHO_FRAMES, 1), (0, 0)), constant_values=-np.inf)
    near = np.max([padded[shift : shift + len(even)] for shift in range(_ECHO_FRAMES + 2)], axis=0)
    others = np.stack([np.delete(near, channel, axis=1).max(axis=1) for channel in range(loud.shape[1])], axis=1)
    quiet: NDArray[np.bool_] = even < others - CROSSTALK_DECIBELS
    return quiet


def _own(loud: NDArray[np.float32]) -> NDArray[np.float32]:
    """How loud the speech is that each channel has for itself: (channels,), the loudest one's where there is none."""
    noise = np.percentile(loud, 10, axis=0)
    speaks = (loud == loud.max(axis=1, keepdims=True)) & (loud > noise + _SPEAKS_DECIBELS)
    own = [
        np.median(loud[speaks[:, channel], channel]) if speaks[:, channel].sum() >= _SPEAKS_FRAMES else -np.inf
        for channel in range(loud.shape[1])
    ]
    return np.array([level if level > -np.inf else max(own) for level in own], np.float32)
