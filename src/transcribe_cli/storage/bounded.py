"""Reads with a limit, which counts bytes after decompression: a server may send without end, or a gigabyte as a megabyte of gzip.

The time limit of a read is that of `Client.wait_for`; it includes redirects, headers and body.
"""

from __future__ import annotations

import errno
import io
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from transcribe_cli.errors import StorageNotReady
from transcribe_cli.storage.transfer import RangesNotSupported

# The limit of a whole file: transcripts, lists, results. A transcript of ten hours has 20 MB.
MAX_FILE_BYTES = 256 << 20
_BLOCK = 1 << 18


class FileTooLarge(OSError):
    """A file is larger than its reader accepts."""

    def __init__(self, limit: int) -> None:
        super().__init__(errno.EFBIG, f"it is larger than {limit >> 20} MiB")


async def read_http(fs: Any, url: str, start: int, end: int | None, limit: int) -> bytes:
    """Read the bytes from start up to end, at most `limit`. fsspec's own function returns the whole file if the server ignores the range.

    Raises:
        RangesNotSupported: the server ignores ranges, and the file is longer than the range.
        Exception: an error of aiohttp.
    """
    session = await fs.set_session()
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-{end - 1}"} if end is not None else {})
    async with session.get(fs.encode_url(url), headers=headers, **fs.kwargs) as response:
        if response.status == 416:
            return b""
        response.raise_for_status()
        if end is not None and response.status != 206 and (start or (response.content_length or end + 1) > end):
            raise RangesNotSupported
        return await read_up_to(response.content.read, limit)


async def read_s3(fs: Any, path: str, start: int, end: int | None, limit: int) -> bytes:
    """The same for an object of S3, whose server may be anybody's."""
    bucket, key, _ = fs.split_path(path)
    part = {"Range": f"bytes={start}-{end - 1}"} if end is not None else {}
    response = await fs._call_s3("get_object", Bucket=bucket, Key=key, **part)
    try:
        return await read_up_to(response["Body"].read, limit)
    finally:
        response["Body"].close()


async def read_azure(fs: Any, path: str, start: int, end: int | None, limit: int) -> bytes:
    """The same for a blob of Azure, as it is stored: its client would unpack `Content-Encoding: gzip` without a limit."""
    container, name, version = fs.split_path(path)
    length = limit if end is None else end - start
    async with fs.service_client.get_blob_client(container=container, blob=name) as blob:
        timeouts = getattr(fs, "_timeout_kwargs", {})
        stream = await blob.download_blob(offset=start, length=length, version_id=version, decompress=False, **timeouts)
        return bytes(await stream.readall())


async def read_all(read: Callable[..., Awaitable[bytes]], fs: Any, paths: Sequence[str], size: int) -> list[Any]:
    """Read the first bytes of all files, each of which may be an exception."""
    import asyncio  # 30 ms, which `transcribe --help` does not need

    return list(await asyncio.gather(*(read(fs, path, 0, size, size) for path in paths), return_exceptions=True))


# The functions for families whose servers are not trusted to keep to a range or a size.
BOUNDED = {"http": read_http, "s3": read_s3, "azure": read_azure}


async def read_up_to(read: Callable[[int], Awaitable[bytes]], limit: int) -> bytes:
    """Read a body to its end or to the limit."""
    data = bytearray()
    while len(data) < limit and (block := await read(min(_BLOCK, limit - len(data)))):
        data += block
    return bytes(data)


class RandomAccessFile(io.RawIOBase):
    """A file that is read in ranges, which archives need. Each range has the limits of a read.

    Args:
        read: reads the bytes from start up to end.
        size: bytes of the file.
        uri: its URL, for messages.
    """

    def __init__(self, read: Callable[[int, int], bytes], size: int, uri: str) -> None:
        super().__init__()
        self._read, self._size, self._uri = read, size, uri
        self._position = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read into the buffer, and return the number of bytes.

        Raises:
            StorageNotReady: the store cannot return ranges of the file.
        """
        target = memoryview(buffer).cast("B")
        end = min(self._position + len(target), self._size)
        if end <= self._position:
            return 0
        try:
            data = self._read(self._position, end)
        except RangesNotSupported:
            raise StorageNotReady(f"{self._uri} cannot be read in parts.", "Download the archive first.") from None
        target[: len(data)] = data
        self._position += len(data)
        return len(data)
