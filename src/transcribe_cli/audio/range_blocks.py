"""Brings sound that 16 bits cannot hold into their range: far too quiet, or over full scale, in formats with more bits.

A waveform has 16 bits. Speech 70 dB below the usual level is a few steps of them, which nothing makes audible again, and what is over
full scale is clipped. Both are mended before the samples are rounded, in steps of 12 dB up and of 6 dB down, which lose no bit of a float.
The level of a minute before a block and of eight seconds behind it decides, so that a pause is no quiet recording. Where nothing is wrong,
the frames are passed on as they came in, and the waveform is the same to the last bit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from transcribe_cli.audio.sample_formats import from_float, is_wider_than_16_bits, peak, to_float

# A block has about this length; a window is a tenth of a syllable.
_BLOCK_SECONDS, _WINDOW_SECONDS = 1.0, 0.032
# How much counts before and after a block.
_BEFORE_BLOCKS, _AFTER_BLOCKS = 60, 8
# Enough samples a second to measure levels.
_MEASURED_RATE = 8_000

# Sound is too quiet for 16 bits if no more than a third of a second around it is louder than this, in decibels of full scale. Below the
# other levels is nothing but noise: that of lossy codecs, which leave out what nobody hears, and that of 20 bits.
_QUIET_DECIBELS, _LOSSY_ABSENT_DECIBELS, _ABSENT_DECIBELS = -60.0, -90.0, -112.0
_LOUD_WINDOWS = 10
# What varies less than this is noise, which is not made louder.
_MIN_DYNAMICS = 10.0
# It becomes louder in steps of 2 bits, up to this level.
_STEP_BITS, _TARGET_DECIBELS = 2, -36.0
_BIT_DECIBELS = 20 * float(np.log10(2))
_FLOOR = 1e-15  # power of full scale; -150 dB

# Peaks of lossy codecs over full scale are clipped up to this one: they come from rounding, and nobody hears it.
_LOSSY_MAX_PEAK = 1.25
_LOSSLESS = {"flac", "alac", "wavpack", "tta", "ape", "tak", "truehd", "mlp"}
# A block whose peak is so many times higher than any other around it holds garbage, which is clipped.
_GARBAGE = 8.0
_FADE_SECONDS = 0.02


@dataclass(frozen=True)
class _Block:
    """Frames, with the levels of their windows in decibels, of the loudest channel, and their peak."""

    frames: list[AudioFrame]
    seconds: float
    levels: NDArray[np.float32]
    peak: float


class RangeBlocks:
    """The blocks of one track. Add frames of one rate, format and layout; `flush` before they change.

    Attributes:
        louder: seconds [start, end) of the audio that was added which were made louder.
    """

    def __init__(self, codec: str) -> None:
        """`codec`: FFmpeg's name of the track's."""
        is_lossless = codec.startswith("pcm_") or codec in _LOSSLESS
        self._absent = _ABSENT_DECIBELS if is_lossless else _LOSSY_ABSENT_DECIBELS
        self._max_peak = 1.0 if is_lossless else _LOSSY_MAX_PEAK
        self.louder: list[tuple[float, float]] = []
        self._frames: list[AudioFrame] = []
        self._seconds = 0.0  # of these
        self._waiting: deque[_Block] = deque()
        self._before: deque[_Block] = deque(maxlen=_BEFORE_BLOCKS)  # without frames
        self._start = 0.0  # of the first waiting block
        self._bits = 0  # by which the block before was scaled
        self._has_begun = False
        self._offset: NDArray[np.float32] | None = None  # of its channels

    def move(self, seconds: float) -> None:
        """The next frame is at this position."""
        self._start = seconds

    def add(self, frame: AudioFrame) -> Iterator[AudioFrame]:
        """Add a frame; yields frames that are ready to be mixed."""
        if not is_wider_than_16_bits(frame):
            yield frame
            return
        self._frames.append(frame)
        self._seconds += frame.samples / frame.sample_rate
        if self._seconds >= _BLOCK_SECONDS:
            self._close_block()
            if len(self._waiting) > _AFTER_BLOCKS:
                yield from self._next()

    def flush(self) -> Iterator[AudioFrame]:
        """Yield the rest."""
        self._close_block()
        while self._waiting:
            yield from self._next()

    def _close_block(self) -> None:
        frames, self._frames = self._frames, []
        seconds, self._seconds = self._seconds, 0.0
        if frames:
            self._waiting.append(_Block(frames, seconds, _levels(frames), max(peak(frame) for frame in frames)))

    def _next(self) -> Iterator[AudioFrame]:
        near = [*self._before, *self._waiting]
        block = self._waiting.popleft()
        self._before.append(_Block([], block.seconds, block.levels, block.peak))
        start, self._start = self._start, self._start + block.seconds
        bits = self._bits_for(near)
        before, self._bits = self._bits if self._has_begun else bits, bits
        self._has_begun = True
        if not before and not self._bits:
            self._offset = None
            yield from block.frames
            return
        if self._bits > 0:
            if self.louder and start - self.louder[-1][1] < _BLOCK_SECONDS / 2:
                start = self.louder.pop()[0]
            self.louder.append((start, self._start))
        yield self._scaled(block, before)

    def _bits_for(self, near: list[_Block]) -> int:
        """The bits by which the sound is shifted, up if it is positive, given the blocks around it."""
        peaks = sorted((block.peak for block in near), reverse=True)
        high = peaks[1] if len(peaks) > 1 and peaks[0] > _GARBAGE * max(peaks[1], 1.0) else peaks[0]
        if high > self._max_peak:
            return -int(np.ceil(np.log2(high)))
        levels = np.sort(np.concatenate([block.levels for block in near]))
        if not len(levels):
            return 0
        loud = float(levels[max(0, len(levels) - 1 - _LOUD_WINDOWS)])
        if not self._absent < loud < _QUIET_DECIBELS or loud - levels[len(levels) // 10] < _MIN_DYNAMICS:
            return 0
        return int((_TARGET_DECIBELS - loud) / (_STEP_BITS * _BIT_DECIBELS)) * _STEP_BITS

    def _scaled(self, block: _Block, before: int) -> AudioFrame:
        """The block scaled by so many bits, faded over from those of the block before, and without an offset that would be scaled."""
        samples = to_float(block.frames)
        rate = block.frames[0].sample_rate
        if self._bits > 0:
            offset = samples.mean(axis=1)
            first = offset if self._offset is None else self._offset
            samples -= np.linspace(first, offset, samples.shape[1], axis=1, dtype=np.float32)
            self._offset = offset
            while self._bits > 0 and np.abs(samples).max() * 2.0**self._bits > 1:
                self._bits -= _STEP_BITS  # a cough or a door in quiet speech
        scales = np.full(samples.shape[1], 2.0**self._bits, np.float32)
        fade = min(len(scales), round(_FADE_SECONDS * rate))
        scales[:fade] = np.linspace(2.0**before, 2.0**self._bits, fade)
        return from_float(samples * scales, block.frames[0])


def _levels(frames: list[AudioFrame]) -> NDArray[np.float32]:
    """Of the windows of a block, without offset, in decibels of full scale: (windows,)."""
    rate = frames[0].sample_rate
    step = max(1, rate // _MEASURED_RATE)
    samples = to_float(frames, step)
    size = max(1, round(_WINDOW_SECONDS * rate / step))
    count = samples.shape[1] // size
    power = samples[:, : count * size].reshape(len(samples), count, size).var(axis=2).max(axis=0)
    levels: NDArray[np.float32] = (10 * np.log10(np.maximum(power, _FLOOR))).astype(np.float32)
    return levels
