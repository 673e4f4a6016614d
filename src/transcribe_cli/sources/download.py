"""One file from a store to a scratch file: in ranges, several at once, each tried again when it breaks off, and checked at the end.

What arrived stays: after a dropped connection only the missing part is asked for again, in smaller pieces, so that a slow line gets there
too. A transfer that stands still is cut off by the store's time limits.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from transcribe_cli.audio import scratch
from transcribe_cli.errors import RecordingChanged, StorageUnreachable, Unreadable
from transcribe_cli.storage import Entry, Location, NoRanges

PIECE_BYTES, LEAST_BYTES = 4 << 20, 1 << 18
SIDE_BY_SIDE = 4
# Of a piece; the least one takes that long at 9 kB/s.
PIECE_SECONDS = 30.0
# Tries in a row that bring nothing new, with 0.5 to 15 s between them.
FRUITLESS_TRIES = 6
_BLOCK = 1 << 20


class Stopped(Exception):
    """Nobody wants the file any more."""


@dataclass
class Download:
    """A transfer under way.

    Args:
        entry: what the store says of the file now.
        most: bytes; a file that turns out longer fails.
        stop: set by whoever does not want it any more.
    """

    place: Location
    entry: Entry
    file: scratch.ScratchFile
    most: int
    stop: threading.Event
    _arrived: int = 0
    _errors: list[BaseException] = field(default_factory=list)

    def run(self) -> None:
        """Bring it here, whole and as it is in the store.

        Raises:
            RecordingChanged: it was replaced meanwhile.
            Unreadable: it arrived with other content than the store promises, twice.
            FileNotFoundError, StorageNotReady: the store does not give it.
            OSError: the scratch file cannot be written.
            Stopped: as asked.
        """
        first = self._attempt()
        if first is None:
            return
        if (second := self._attempt()) is None:
            return
        if first != second:
            name = self.place.name
            raise Unreadable(f"{name} arrived damaged, twice: its content is not what its store says.", "Check the network.")
        self.place.store.etags_are_md5 = False  # the same bytes twice: what looks like a checksum is none here

    def _attempt(self) -> str | None:
        """The MD5 of what arrived, if it is not the one that is promised."""
        self._arrived = 0
        os.ftruncate(self.file.fd, 0)
        try:
            if not self.place.store.parallel or self.entry.size is None:
                raise NoRanges  # noqa: TRY301 - joins those who find out later
            self._in_ranges(self.entry.size)
        except NoRanges:
            self._in_one_go()
        known = self.entry.md5 if self.place.store.etags_are_md5 else None
        found = _md5(self.file.fd) if known is not None else None
        if known is None or found != known:  # otherwise it is that very version, whatever is there by now
            self._check_unchanged()
        return None if found == known else found

    def _check_unchanged(self) -> None:
        now = self.place.store.info(self.place)
        if (now.size, now.etag or now.modified) != (self.entry.size, self.entry.etag or self.entry.modified):
            raise RecordingChanged(
                f"{self.place.name} changed while it was fetched.", "Run again when whatever writes it is done."
            )
        if self.entry.size not in (None, self.file.size()):
            raise StorageUnreachable(f"{self.place.uri} arrived incomplete.", "Try again.")

    def _in_ranges(self, size: int) -> None:
        pieces = deque((start, min(start + PIECE_BYTES, size)) for start in range(0, size, PIECE_BYTES))
        self._errors.clear()
        helpers = [
            threading.Thread(target=self._take, args=(pieces,), name="range", daemon=True)
            for _ in range(min(SIDE_BY_SIDE, len(pieces)) - 1)
        ]
        for helper in helpers:
            helper.start()
        self._take(pieces)
        for helper in helpers:
            helper.join()
        if self._errors:
            raise self._errors[0]

    def _take(self, pieces: deque[tuple[int, int]]) -> None:
        """Pieces, until there is none or somebody failed; never raises."""
        try:
            while not self._errors:
                try:
                    start, end = pieces.popleft()
                except IndexError:
                    return
                self._piece(start, end)
        except BaseException as error:
            self._errors.append(error)

    def _piece(self, start: int, end: int) -> None:
        """The bytes from start to before end."""
        step = end - start

        def go_on() -> int:
            nonlocal start, step
            before = start
            try:
                while start < end:
                    self._check_wanted()
                    data = self.place.store.read(self.place, start, min(end, start + step), seconds=PIECE_SECONDS, attempts=1)
                    if not data:
                        raise RecordingChanged(f"{self.place.name} became shorter while it was fetched.")
                    os.pwrite(self.file.fd, data, start)
                    start += len(data)
            except StorageUnreachable:
                step = max(LEAST_BYTES, step // 4)
                if start == before:
                    raise
            return start

        while start < end:
            self._patiently(go_on)

    def _in_one_go(self) -> None:
        """From the beginning to the end, on from where it broke off."""

        def go_on() -> None:
            before = self._arrived = self.file.size() if self.place.store.resumes else 0
            os.ftruncate(self.file.fd, before)
            with os.fdopen(os.dup(self.file.fd), "wb") as sink:
                sink.seek(before)
                self.place.store.download(self.place, sink, before, self._more)

        self._patiently(go_on)

    def _patiently(self, act: Callable[[], object]) -> None:
        """Do it, again when the network may be to blame."""
        from tenacity import Retrying, retry_if_exception_type, sleep_using_event, stop_after_attempt, wait_random_exponential

        retrying = Retrying(
            retry=retry_if_exception_type(StorageUnreachable),
            wait=wait_random_exponential(0.5, max=15.0),
            stop=stop_after_attempt(FRUITLESS_TRIES),
            sleep=sleep_using_event(self.stop),
            reraise=True,
        )
        retrying(act)

    def _more(self, count: int) -> None:
        self._check_wanted()
        self._arrived += count
        if self._arrived > self.most:
            raise Unreadable(f"{self.place.name} is larger than its store says, or than --scratch-limit allows.")

    def _check_wanted(self) -> None:
        if self.stop.is_set():
            raise Stopped


def _md5(descriptor: int) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    position = 0
    while block := os.pread(descriptor, _BLOCK, position):
        digest.update(block)
        position += len(block)
    return digest.hexdigest()
