"""Parts of transfers: an HTTP range request that detects missing support, a file that counts its bytes, and their errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any


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


async def read_http_range(fs: Any, url: str, start: int, end: int) -> bytes:
    """Read the bytes from start up to end. fsspec's own function returns the whole file if the server ignores the range.

    Raises:
        RangesNotSupported: the server ignores ranges, and the file is longer than the range.
        Exception: an error of aiohttp.
    """
    session = await fs.set_session()
    options = dict(fs.kwargs)
    headers = {**options.pop("headers", {}), "Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
    async with session.get(fs.encode_url(url), headers=headers, **options) as response:
        if response.status == 416:
            return b""
        response.raise_for_status()
        if response.status != 206 and (start or (response.content_length or end + 1) > end):
            raise RangesNotSupported
        data: bytes = await response.read()
        return data


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
