"""The scratch file as the child writes it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from types import TracebackType
from typing import Self


class ScratchError(Exception):
    """The scratch file could not be written. Not an OSError, so that an unreadable *source* is never reported as a full disk.

    Attributes:
        error: the error of the operating system.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


class PcmFile:
    """Little-endian int16, written in order. Silence is a hole that takes no disk space.

    Attributes:
        samples: samples of each channel so far.
        channels: number of interleaved channels; set before the first write.
    """

    def __init__(self, descriptor: int) -> None:
        """Takes over the descriptor of an empty file."""
        self._fd = descriptor
        self.samples = 0
        self.channels = 1

    def fileno(self) -> int:
        """The descriptor of the open file, for a program that writes into it."""
        return self._fd

    def write_all(self, blocks: Iterable[memoryview]) -> None:
        """Append blocks of samples."""
        for block in blocks:
            self.samples += len(block) // (2 * self.channels)
            while block:
                try:
                    block = block[os.write(self._fd, block) :]
                except OSError as error:
                    raise ScratchError(error) from error

    def pad_with_silence(self, sample: int) -> None:
        """Append zeros so that the next sample is number `sample`."""
        if sample > self.samples:
            self.samples = sample
            os.lseek(self._fd, 2 * self.channels * sample, os.SEEK_SET)

    def update_length(self) -> int:
        """Set `samples` from the file size, after another program wrote into the file; returns it."""
        self.samples = os.fstat(self._fd).st_size // (2 * self.channels)
        return self.samples

    def close(self) -> None:
        """Set the file size to the last sample, which may be silence, and close the file."""
        try:
            os.ftruncate(self._fd, 2 * self.channels * self.samples)
        except OSError as error:
            raise ScratchError(error) from error
        finally:
            os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
