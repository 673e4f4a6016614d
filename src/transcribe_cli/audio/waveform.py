"""A recording's samples: int16 in a scratch file, read as float32, also while the decoder still appends to them.

Six hours take 691 MB on disk, and no memory except for the slices being read.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio.media_info import SAMPLE_RATE, Damage
from transcribe_cli.audio.scratch import ScratchFile, create, not_writable

FULL_SCALE = 32_768
"""int16 -32768 is float32 -1.0; the largest positive sample is 0.99997."""


class Waveform:
    """(samples,) of one recording at 16 kHz: mono, or several channels that are read one by one.

    Attributes:
        path: the scratch file, little-endian int16 without a header, channels interleaved; removed by `close`.
        samples: samples of each channel; grows while the recording is decoded.
        channels: number of channels; known once decoding is complete.
        damage: how this differs from what the file declared, once decoding is complete.
        decoder: "pyav" or "ffmpeg", once that is known.
    """

    def __init__(self, scratch: ScratchFile) -> None:
        self.path = scratch.path
        self.samples = 0
        self.channels = 1
        self.damage = Damage()
        self.decoder = ""
        self._scratch = scratch
        self._descriptor = scratch.fd
        self._finalizer = weakref.finalize(self, scratch.remove)

    @classmethod
    def from_samples(cls, array: NDArray[Any], scratch: Path) -> Self:
        """A complete waveform from samples in memory, for tests and other sources.

        Args:
            array: (samples,) mono or (samples, channels) at 16 kHz; int16, or floating point in [-1, 1) (values outside are clipped).
            scratch: the folder for the scratch file.
        """
        if array.dtype != np.int16:
            array = np.clip(np.rint(array * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
        file = create(scratch)
        try:
            try:
                file.path.write_bytes(array.astype("<i2").tobytes())
            except OSError as error:
                raise not_writable(scratch, error) from error
        except BaseException:
            file.remove()
            raise
        seconds = len(array) / SAMPLE_RATE
        waveform = cls(file)
        damage = Damage(header_seconds=seconds, decoded_seconds=seconds, reached_seconds=seconds)
        waveform.complete(damage, "pyav", array.shape[1] if array.ndim > 1 else 1)
        return waveform

    def complete(self, damage: Damage, decoder: str, channels: int = 1) -> None:
        """Mark decoding as complete: the length is that of the scratch file."""
        self.channels = channels
        self.samples = self._scratch.size() // (2 * channels)
        self.damage = damage
        self.decoder = decoder

    def open_to_write(self) -> int:
        """A descriptor of the scratch file, emptied, for the decoder. Raises StorageNotReady."""
        return self._scratch.open_to_write()

    @property
    def seconds(self) -> float:
        """Length of the part decoded so far."""
        return self.samples / SAMPLE_RATE

    def read(self, start: int, stop: int, channel: int | None = None) -> NDArray[np.float32]:
        """A copy of samples [start, stop) of one channel, or of the mean of all channels, in [-1, 1).

        Bounds outside the waveform are clamped.
        """
        frames = self.read_channels(start, stop)
        if self.channels == 1:
            return frames[:, 0]
        return np.ascontiguousarray(frames[:, channel]) if channel is not None else frames.mean(axis=1)

    def read_channels(self, start: int, stop: int) -> NDArray[np.float32]:
        """A copy of samples [start, stop) of all channels in [-1, 1): (samples, channels). See `read`."""
        if not self._finalizer.alive:
            raise ValueError("this waveform is closed")
        start = min(max(start, 0), self.samples)
        stop = min(max(stop, start), self.samples)
        # Read, not mapped: pages of a mapping count as memory of this process until the kernel reclaims them.
        width = 2 * self.channels
        data = os.pread(self._descriptor, width * (stop - start), width * start)
        # Silence that is still being filled in is a hole at the end of the file, which cannot be read yet.
        pcm: NDArray[np.int16] = np.frombuffer(data.ljust(width * (stop - start), b"\0"), dtype="<i2")
        samples: NDArray[np.float32] = np.multiply(pcm, np.float32(1 / FULL_SCALE), dtype=np.float32)
        return samples.reshape(-1, self.channels)

    def blocks(self, samples: int) -> Iterator[NDArray[np.float32]]:
        """The whole waveform in blocks of `samples`; the last block may be shorter."""
        for start in range(0, self.samples, samples):
            yield self.read(start, start + samples)

    def close(self) -> None:
        """Remove the scratch file. May be called twice."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
