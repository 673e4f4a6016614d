"""The scratch file as the child writes it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self


class ScratchError(Exception):
    """Scratch could not be written. Not an OSError, so that a *source* that cannot be read is never taken for a full disk.

    Attributes:
        error: what the system said.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


class Pcm:
    """Little-endian int16, written in order; silence is a hole that takes no room.

    Attributes:
        samples: how many there are so far, of each channel.
        channels: whose samples alternate; set before anything is written.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise ScratchError(error) from error
        self.samples = 0
        self.channels = 1

    def fileno(self) -> int:
        """The open file, for a program that writes into it."""
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

    def silence_until(self, sample: int) -> None:
        """Append zeros so that the next sample is number `sample`."""
        if sample > self.samples:
            self.samples = sample
            os.lseek(self._fd, 2 * self.channels * sample, os.SEEK_SET)

    def measure(self) -> int:
        """Samples in the file, after another program wrote into it."""
        self.samples = os.fstat(self._fd).st_size // (2 * self.channels)
        return self.samples

    def close(self) -> None:
        """End the file where the last sample ends, also when that was silence."""
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
