"""Downloads a file from a store to a scratch file: ranges in parallel, with retries, and a check of the content at the end.

After a lost connection, only the missing part is requested again, in smaller chunks, so that slow connections make progress. The time
limits of the store end stalled transfers.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from transcribe_cli.audio import scratch
from transcribe_cli.errors import RecordingChanged, StorageUnreachable, Unreadable
from transcribe_cli.storage import Entry, Location, RangesNotSupported

CHUNK_BYTES, MIN_CHUNK_BYTES = 4 << 20, 1 << 18
CONCURRENCY = 4
# Time limit of a chunk. The smallest chunk takes that long at 9 kB/s.
CHUNK_SECONDS = 30.0
# Maximum number of consecutive attempts without new data, 0.5 to 15 s apart.
MAX_FAILED_ATTEMPTS = 6
_BLOCK = 1 << 20


class Cancelled(Exception):
    """The download was cancelled."""


@dataclass
class Download:
    """A download.

    Args:
        entry: the current metadata of the file.
        max_bytes: maximum size; a longer file fails.
        cancelled: set by the caller to cancel the download.
    """

    location: Location
    entry: Entry
    file: scratch.ScratchFile
    max_bytes: int
    cancelled: threading.Event
    _received: int = 0
    # When the pace of a whole download was checked last, and the bytes received by then.
    _pace: tuple[float, int] = (0.0, 0)
    _errors: list[BaseException] = field(default_factory=list)

    def run(self) -> None:
        """Download the file and check its content.

        Raises:
            RecordingChanged: the file changed during the download.
            Unreadable: the content differed from the store's checksum, twice.
            FileNotFoundError, StorageNotReady: the store cannot return the file.
            OSError: the scratch file cannot be written.
            Cancelled: the download was cancelled.
        """
        first = self._attempt()
        if first is None:
            return
        if (second := self._attempt()) is None:
            return
        if first != second:
            name = self.location.name
            raise Unreadable(
                f"{name} was damaged in transfer, twice: its content does not match the store's checksum.", "Check the network."
            )
        self.location.store.etags_are_md5 = False  # the same bytes twice: the ETag is not a checksum here

    def _attempt(self) -> str | None:
        """Download once. Returns the MD5 of the content if it differs from the expected one."""
        self._received = 0
        os.ftruncate(self.file.fd, 0)
        try:
            if not self.location.store.supports_parallel_reads or self.entry.size is None:
                raise RangesNotSupported  # noqa: TRY301 - the same fallback as for servers that turn out to ignore ranges
            self._download_ranges(self.entry.size)
        except RangesNotSupported:
            self._download_whole()
        expected = self.entry.md5 if self.location.store.etags_are_md5 else None
        actual = _md5(self.file.fd) if expected is not None else None
        if expected is None or actual != expected:  # otherwise it is the expected version, even if the file has changed since
            self._check_unchanged()
        return None if actual == expected else actual

    def _check_unchanged(self) -> None:
        current = self.location.store.info(self.location)
        if (current.size, current.etag or current.modified) != (self.entry.size, self.entry.etag or self.entry.modified):
            raise RecordingChanged(
                f"{self.location.name} changed during the download.", "Run again when it is no longer being written."
            )
        if self.entry.size not in (None, self.file.size()):
            raise StorageUnreachable(f"{self.location.uri} was incomplete after the download.", "Try again.")

    def _download_ranges(self, size: int) -> None:
        chunks = deque((start, min(start + CHUNK_BYTES, size)) for start in range(0, size, CHUNK_BYTES))
        self._errors.clear()
        threads = [
            threading.Thread(target=self._worker, args=(chunks,), name="range", daemon=True)
            for _ in range(min(CONCURRENCY, len(chunks)) - 1)
        ]
        for thread in threads:
            thread.start()
        self._worker(chunks)
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def _worker(self, chunks: deque[tuple[int, int]]) -> None:
        """Download chunks until none is left or a thread fails. Never raises."""
        try:
            while not self._errors:
                try:
                    start, end = chunks.popleft()
                except IndexError:
                    return
                self._download_chunk(start, end)
        except BaseException as error:
            self._errors.append(error)

    def _download_chunk(self, start: int, end: int) -> None:
        """Download the bytes from start up to end."""
        size = end - start

        def resume() -> int:
            nonlocal start, size
            first = start
            try:
                while start < end:
                    self._check_cancelled()
                    data = self.location.store.read(
                        self.location, start, min(end, start + size), seconds=CHUNK_SECONDS, attempts=1
                    )
                    if not data:
                        raise RecordingChanged(f"{self.location.name} became shorter during the download.")
                    os.pwrite(self.file.fd, data, start)
                    start += len(data)
                    if start < end and len(data) < MIN_CHUNK_BYTES:
                        raise StorageUnreachable(f"{self.location.uri} sends less than was requested.", "Try again.")  # noqa: TRY301
            except StorageUnreachable:
                size = max(MIN_CHUNK_BYTES, size // 4)
                if start - first < MIN_CHUNK_BYTES:  # a server may send a byte each time
                    raise
            return start

        while start < end:
            self._retry(resume)

    def _download_whole(self) -> None:
        """Download the whole file in one request, and resume it after a lost connection."""

        def resume() -> None:
            offset = self._received = self.file.size() if self.location.store.can_resume else 0
            self._pace = (time.monotonic(), offset)
            os.ftruncate(self.file.fd, offset)
            with os.fdopen(os.dup(self.file.fd), "wb") as output:
                output.seek(offset)
                self.location.store.download(self.location, output, offset, self._count)

        self._retry(resume)

    def _retry(self, function: Callable[[], object]) -> None:
        """Call a function, and again after network errors."""
        from tenacity import Retrying, retry_if_exception_type, sleep_using_event, stop_after_attempt, wait_random_exponential

        retrying = Retrying(
            retry=retry_if_exception_type(StorageUnreachable),
            wait=wait_random_exponential(0.5, max=15.0),
            stop=stop_after_attempt(MAX_FAILED_ATTEMPTS),
            sleep=sleep_using_event(self.cancelled),
            reraise=True,
        )
        retrying(function)

    def _count(self, count: int) -> None:
        self._check_cancelled()
        self._received += count
        if self._received > self.max_bytes:
            raise Unreadable(f"{self.location.name} is larger than its store reported, or than --scratch-limit allows.")
        since, received = self._pace
        if (now := time.monotonic()) - since > CHUNK_SECONDS:
            if self._received - received < MIN_CHUNK_BYTES:
                raise StorageUnreachable(f"{self.location.uri} sends too slowly.", "Try again later.")
            self._pace = (now, self._received)

    def _check_cancelled(self) -> None:
        if self.cancelled.is_set():
            raise Cancelled


def _md5(descriptor: int) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    position = 0
    while block := os.pread(descriptor, _BLOCK, position):
        digest.update(block)
        position += len(block)
    return digest.hexdigest()
