"""Limits of a listing that comes in pages: the server says whether there is a next one, and may say so forever."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from transcribe_cli.errors import StorageNotReady

# A name takes about a kilobyte in memory. The largest archives of calls have a few millions.
MAX_NAMES = 5_000_000
# Of waiting for all pages together.
MAX_SECONDS = 1800.0
_HINT = "Name a folder in it, or pass a list of the recordings."


def within_limits(pages: Iterator[Sequence[dict[str, Any]]], uri: str) -> Iterator[dict[str, Any]]:
    """The entries of all pages, none of which is empty. `uri` is the subject of error messages.

    Raises:
        StorageNotReady: there are too many, they take too long, or a page begins like the one before.
    """
    count, waited, previous = 0, 0.0, None
    while True:
        started = time.monotonic()
        if (page := next(pages, None)) is None:
            return
        waited += time.monotonic() - started
        count += len(page)
        first = page[0].get("name")
        if first == previous:
            raise StorageNotReady(f"{uri} cannot be listed: the server repeats the same names.", _HINT)
        if count > MAX_NAMES:
            raise StorageNotReady(f"{uri} cannot be listed: it has more than {MAX_NAMES:,} names.", _HINT)
        if waited > MAX_SECONDS:
            raise StorageNotReady(f"{uri} cannot be listed: that takes more than {MAX_SECONDS / 60:.0f} minutes.", _HINT)
        previous = first
        yield from page
