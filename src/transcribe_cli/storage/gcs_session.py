"""Responses of Google Cloud with a limit: gcsfs reads each body at once, after aiohttp has unpacked it (`Content-Encoding: gzip`)."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from transcribe_cli.storage.bounded import MAX_FILE_BYTES, FileTooLarge, read_up_to

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


@cache
def response_class() -> Any:
    """The class for `response_class` of aiohttp's session. A body ends where the requested range does.

    Raises:
        ImportError: aiohttp is not installed.
    """
    import aiohttp

    class BoundedResponse(aiohttp.ClientResponse):
        """A response whose body has a limit, in bytes after decompression."""

        async def read(self) -> bytes:
            """The body. That of a range is cut at its length.

            Raises:
                FileTooLarge: it has no range, and more than `MAX_FILE_BYTES`.
            """
            if self._body is None:
                wanted = _RANGE.fullmatch(self.request_info.headers.get("Range", ""))
                limit = int(wanted[2]) + 1 - int(wanted[1]) if wanted else MAX_FILE_BYTES + 1
                try:
                    body = await read_up_to(self.content.read, limit)
                finally:
                    if not self.content.at_eof():
                        self.close()  # what follows is not read
                if wanted is None and len(body) == limit:
                    raise FileTooLarge(MAX_FILE_BYTES)
                self._body = body
            return self._body

    return BoundedResponse
