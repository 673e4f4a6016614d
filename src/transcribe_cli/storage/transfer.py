"""Parts of transfers: a file that counts its bytes, and the errors of transfers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import IO

# A download in one request that writes no byte for this long is stopped: a server may send headers or chunk sizes for ever.
STALL_SECONDS = 60.0


class RangesNotSupported(Exception):
    """The server sends only whole files."""


class RangeNotSatisfiable(Exception):
    """The file ends before the requested range."""


class ConditionNotMet(Exception):
    """A conditional change was rejected, because another process changed the file."""


class CallbackFailed(Exception):
    """The callback of a transfer raised `reason`. This wrapper passes through code that maps errors."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__()
        self.reason = reason


class CountingFile:
    """A file that reports the number of bytes of each write."""

    def __init__(self, file: IO[bytes], on_bytes: Callable[[int], None]) -> None:
        self._file, self._on_bytes = file, on_bytes

    def write(self, data: bytes) -> int:
        """Write the data.

        Raises:
            CallbackFailed: the callback raised.
        """
        try:
            self._on_bytes(len(data))
        except Exception as error:
            raise CallbackFailed(error) from error
        return self._file.write(data)

    def read(self, size: int = -1) -> bytes:
        """Exists so that fsspec recognizes a file object; always raises."""
        raise OSError("the file is write-only")

    def close(self) -> None:
        """Do nothing: the owner closes the file."""

    def tell(self) -> int:
        """The position in the file."""
        return self._file.tell()


async def unless_stalled(transfer: Callable[[], Awaitable[object]], position: Callable[[], int]) -> None:
    """Await a transfer for as long as its position changes in each `STALL_SECONDS`.

    Raises:
        TimeoutError: it stalled, and was cancelled.
        Exception: what it raises.
    """
    import asyncio  # 30 ms, which `transcribe --help` does not need

    task = asyncio.ensure_future(transfer())
    reached = position()
    try:
        while not (await asyncio.wait({task}, timeout=STALL_SECONDS))[0]:
            if (now := position()) == reached:
                raise TimeoutError
            reached = now
        await task
    finally:
        task.cancel()
