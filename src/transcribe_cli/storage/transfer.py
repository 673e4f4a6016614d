"""Pieces that `store` needs to move bytes: a range over HTTP that says when there are none, and a file that counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any


class NoRanges(Exception):
    """The server gives whole files only."""


class Beyond(Exception):
    """A file ends before the range that was asked for."""


class Unmet(Exception):
    """A file was to be changed only if nobody else changed it meanwhile, and somebody did."""


class Refused(Exception):
    """Whoever counts does not want more; `reason` is what they raised. It passes through code that maps errors."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__()
        self.reason = reason


async def http_range(fs: Any, url: str, start: int, end: int) -> bytes:
    """The bytes from start to before end. fsspec's own would take the whole file for the range, from a server that ignores it.

    Raises:
        NoRanges: as it says.
        Exception: aiohttp's.
    """
    session = await fs.set_session()
    options = dict(fs.kwargs)
    headers = {**options.pop("headers", {}), "Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
    async with session.get(fs.encode_url(url), headers=headers, **options) as answer:
        if answer.status == 416:
            return b""
        answer.raise_for_status()
        if answer.status != 206 and (start or (answer.content_length or end + 1) > end):
            raise NoRanges
        data: bytes = await answer.read()
        return data


class Counted:
    """A file that tells how much is written to it."""

    def __init__(self, file: IO[bytes], more: Callable[[int], None]) -> None:
        self._file, self._more = file, more

    def write(self, data: bytes) -> int:
        """As a file. Raises Refused with what `more` raises."""
        try:
            self._more(len(data))
        except Exception as error:
            raise Refused(error) from error
        return self._file.write(data)

    def read(self, size: int = -1) -> bytes:
        """What makes fsspec take it for a file."""
        raise OSError("it is only written")

    def close(self) -> None:
        """Its owner closes it."""

    def tell(self) -> int:
        """As a file."""
        return self._file.tell()
