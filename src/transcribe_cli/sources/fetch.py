"""A local, readable copy of a recording, and the proof that it did not change while it was read.

Local recordings are read in place; nothing is copied. Others are fetched to the scratch folder, the next ones while this one is decoded,
within a limit for all of them together.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from transcribe_cli.audio import scratch
from transcribe_cli.errors import RecordingChanged, StorageNotReady, TranscribeError, Unreadable
from transcribe_cli.sources import Recording, refresh
from transcribe_cli.sources.download import Download, Stopped
from transcribe_cli.storage import Entry, Location

GB = 1_000_000_000
# How often somebody who waits looks whether the run was stopped, in seconds.
_WATCH_SECONDS = 0.2


@dataclass(eq=False)
class _Copy:
    """A recording on its way here, or here. `taken` says that somebody reads it or waits for it."""

    recording: Recording
    bytes: int
    taken: bool = False
    path: Path | None = None
    error: BaseException | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    file: scratch.ScratchFile | None = None


class Fetcher:
    """Fetches recordings for those who decode them.

    Args:
        limit: bytes that copies may take on the scratch disk together.
        folder: the scratch folder; None is the system's.
    """

    def __init__(self, limit: int = 50 * GB, folder: Path | None = None) -> None:
        self._limit = limit
        self._folder = folder
        self._copies: dict[str, _Copy] = {}
        self._used = 0
        self._changed = threading.Condition()
        self._stopped = False

    @contextmanager
    def fetch(self, recording: Recording) -> Iterator[tuple[Path, Recording]]:
        """The path to read, and the recording as it is now: its size and time may differ from when it was found.

        Raises:
            Unreadable: it vanished, or its store does not give it.
            RecordingChanged: it changed while it was fetched; or on leaving, when size or modification time are not what they were.
            StorageNotReady: the scratch disk is full.
        """
        if isinstance(recording.path, Location):
            copy = self._taken(recording, recording.path)
            try:
                yield self._waited_for(copy), copy.recording
            finally:
                self._release(copy)
            return
        now = _now(recording)
        yield recording.path, now
        if _now(recording) != now:
            raise RecordingChanged(f"{recording.name} changed while it was read.", "Run again when whatever writes it is done.")

    def prefetch(self, recording: Recording) -> None:
        """Begin to fetch what will be asked for soon, when there is room for it now."""
        with self._changed:
            known = recording.uri in self._copies or not isinstance(recording.path, Location)
            if known or self._stopped or self._used + recording.size > self._limit:
                return
            copy = self._begin(recording)
        self._start(copy)

    def cancel(self, recording: Recording) -> None:
        """Nobody will ask for it after all."""
        with self._changed:
            copy = self._copies.get(recording.uri)
        if copy is not None and not copy.taken:
            self._release(copy)

    def close(self) -> None:
        """Stop, and remove all copies: nobody is waited for."""
        with self._changed:
            self._stopped = True
            copies = list(self._copies.values())
            self._changed.notify_all()
        for copy in copies:
            self._release(copy)

    def _taken(self, recording: Recording, place: Location) -> _Copy:
        """The copy of a recording, for one reader; begun now unless it was before."""
        with self._changed:
            copy = self._copies.get(recording.uri)
            if copy is not None and not copy.taken:
                copy.taken = True
                return copy
            if recording.size > self._limit:
                limit = f"{self._limit / GB:g} GB"
                raise Unreadable(
                    f"{recording.name} is larger than the limit for the scratch disk, {limit}.", "See --scratch-limit."
                )
            while not self._stopped and self._used and self._used + recording.size > self._limit:
                self._make_room()
                self._changed.wait(_WATCH_SECONDS)
            copy = self._begin(recording)
            copy.taken = True
        self._start(copy)
        return copy

    def _make_room(self) -> None:
        """Give up what nobody asked for yet."""
        for copy in [copy for copy in self._copies.values() if not copy.taken]:
            self._release(copy)

    def _begin(self, recording: Recording) -> _Copy:
        copy = self._copies[recording.uri] = _Copy(recording, recording.size)
        self._used += copy.bytes
        return copy

    def _start(self, copy: _Copy) -> None:
        # Not waited for at the end: a daemon.
        threading.Thread(target=self._fetch, args=(copy,), name="fetch", daemon=True).start()

    def _fetch(self, copy: _Copy) -> None:
        """The thread of a copy; never raises."""
        place = copy.recording.path
        try:
            if not isinstance(place, Location):
                raise TypeError("local recordings are read in place")  # noqa: TRY301
            self._bring(copy, place)
        except Stopped:
            pass
        except BaseException as error:
            copy.error = error
        copy.done.set()
        with self._changed:
            self._changed.notify_all()

    def _bring(self, copy: _Copy, place: Location) -> None:
        """Without a question before, where a checksum proves that what comes is what the listing told of."""
        with suppress(RecordingChanged, FileNotFoundError):
            if (listed := _as_listed(copy.recording, place)) is not None:
                self._download(copy, place, listed)
                return
        entry = place.store.info(place)
        copy.recording = copy.recording.with_entry(entry)
        self._download(copy, place, entry)

    def _download(self, copy: _Copy, place: Location, entry: Entry) -> None:
        folder = scratch.folder(self._folder)
        # Some formats are known by their ending only.
        copy.file = scratch.create(folder, scratch.copy_suffix(place.suffix))
        try:
            if not copy.stop.is_set():
                Download(place, entry, copy.file, entry.size or self._limit, copy.stop).run()
                copy.path = copy.file.path
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO):
                raise scratch.not_writable(folder, error) from error
            raise
        finally:
            if copy.path is None or copy.stop.is_set():
                copy.file.remove()

    def _waited_for(self, copy: _Copy) -> Path:
        while not copy.done.wait(_WATCH_SECONDS):
            if self._stopped:
                raise Unreadable("The run was stopped.")
        if copy.error is not None:
            raise _of_recording(copy.recording, copy.error) from copy.error
        if copy.path is None:
            raise Unreadable("The run was stopped.")
        return copy.path

    def _release(self, copy: _Copy) -> None:
        """Remove a copy; one that is still under way removes itself."""
        with self._changed:
            if self._copies.get(copy.recording.uri) is copy:
                del self._copies[copy.recording.uri]
                self._used -= copy.bytes
            self._changed.notify_all()
        copy.stop.set()
        if copy.done.is_set():
            if copy.file is not None:
                copy.file.remove()
        elif copy.file is not None:
            with suppress(OSError):
                copy.file.path.unlink()


def _as_listed(recording: Recording, place: Location) -> Entry | None:
    promised = recording.md5 if place.store.etags_are_md5 else None
    return Entry(place.key, recording.size, recording.modified, recording.etag, promised) if promised is not None else None


def _now(recording: Recording) -> Recording:
    try:
        return refresh(recording)
    except OSError as error:
        raise Unreadable(f"{recording.name} cannot be read ({error.strerror}).") from error


def _of_recording(recording: Recording, error: BaseException) -> BaseException:
    """What fetching raised, as this recording's failure; a scratch disk that is full is everybody's."""
    if isinstance(error, FileNotFoundError):
        return Unreadable(f"{recording.name} is not there any more.")
    if isinstance(error, StorageNotReady) and error.message.startswith(recording.uri):
        return Unreadable(error.message, error.hint)
    if isinstance(error, TranscribeError):
        return error
    return Unreadable(f"{recording.name} cannot be fetched ({type(error).__name__}).")
