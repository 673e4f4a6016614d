"""Provides a local, readable path of a recording, and checks that the recording did not change while it was read.

Local recordings are read in place. Others are fetched to the scratch folder, the next ones in advance. A limit applies to all copies
together.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from transcribe_cli.audio import scratch
from transcribe_cli.audio.recording_file import left_tree
from transcribe_cli.errors import RecordingChanged, StorageNotReady, TranscribeError, Unreadable
from transcribe_cli.sources import Recording, refresh
from transcribe_cli.sources.download import Cancelled, Download
from transcribe_cli.storage import Entry, Location

GB = 1_000_000_000
# Poll interval for a stopped run.
_POLL_SECONDS = 0.2


@dataclass(eq=False)
class _Copy:
    """The copy of a recording, complete or in progress. `in_use`: a reader uses it or waits for it."""

    recording: Recording
    bytes: int
    in_use: bool = False
    path: Path | None = None
    error: BaseException | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    file: scratch.ScratchFile | None = None


class Fetcher:
    """Fetches recordings for the decoders.

    Args:
        limit: maximum size of all copies on the scratch disk, in bytes.
        folder: the scratch folder. Default: the system's.
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
        """Provide the path to read, and the recording with its current size and time, which may differ from the listing.

        Raises:
            Unreadable: the recording was removed, is not in its tree any more, or its store cannot return it.
            RecordingChanged: the recording changed during the download, or (on exit) while it was read.
            StorageNotReady: the scratch disk is full.
        """
        if isinstance(recording.path, Location):
            copy = self._acquire(recording, recording.path)
            try:
                yield self._wait(copy), copy.recording
            finally:
                self._release(copy)
            return
        if recording.tree is not None and not recording.tree.holds(recording.path):
            raise left_tree(recording.name)
        current = _current(recording)
        yield recording.path, current
        if _current(recording) != current:
            raise RecordingChanged(
                f"{recording.name} changed while it was read.", "Run again when it is no longer being written."
            )

    def prefetch(self, recording: Recording) -> None:
        """Start to fetch a recording in advance, if there is room for it."""
        with self._changed:
            is_unneeded = recording.uri in self._copies or not isinstance(recording.path, Location)
            if is_unneeded or self._stopped or self._used + recording.size > self._limit:
                return
            copy = self._add(recording)
        self._start(copy)

    def cancel(self, recording: Recording) -> None:
        """Cancel a prefetch that is not needed after all."""
        with self._changed:
            copy = self._copies.get(recording.uri)
        if copy is not None and not copy.in_use:
            self._release(copy)

    def close(self) -> None:
        """Stop without waiting for downloads, and remove all copies."""
        with self._changed:
            self._stopped = True
            copies = list(self._copies.values())
            self._changed.notify_all()
        for copy in copies:
            self._release(copy)

    def _acquire(self, recording: Recording, location: Location) -> _Copy:
        """The copy of a recording for one reader. Starts the download unless it was prefetched."""
        with self._changed:
            copy = self._copies.get(recording.uri)
            if copy is not None and not copy.in_use:
                copy.in_use = True
                return copy
            if recording.size > self._limit:
                limit = f"{self._limit / GB:g} GB"
                raise Unreadable(f"{recording.name} is larger than the scratch limit of {limit}.", "Raise --scratch-limit.")
            while not self._stopped and self._used and self._used + recording.size > self._limit:
                self._make_room()
                self._changed.wait(_POLL_SECONDS)
            copy = self._add(recording)
            copy.in_use = True
        self._start(copy)
        return copy

    def _make_room(self) -> None:
        """Release prefetched copies."""
        for copy in [copy for copy in self._copies.values() if not copy.in_use]:
            self._release(copy)

    def _add(self, recording: Recording) -> _Copy:
        copy = self._copies[recording.uri] = _Copy(recording, recording.size)
        self._used += copy.bytes
        return copy

    def _start(self, copy: _Copy) -> None:
        # A daemon thread, so that the process does not wait for it on exit.
        threading.Thread(target=self._fetch, args=(copy,), name="fetch", daemon=True).start()

    def _fetch(self, copy: _Copy) -> None:
        """Fetch a copy in its thread. Never raises."""
        location = copy.recording.path
        try:
            if not isinstance(location, Location):
                raise TypeError("local recordings are read in place")  # noqa: TRY301
            self._fetch_current(copy, location)
        except Cancelled:
            pass
        except BaseException as error:
            copy.error = error
        copy.done.set()
        with self._changed:
            self._changed.notify_all()

    def _fetch_current(self, copy: _Copy, location: Location) -> None:
        """Download the recording. If a checksum identifies the listed version, the request for its metadata is skipped."""
        with suppress(RecordingChanged, FileNotFoundError):
            if (listed := _listed_entry(copy.recording, location)) is not None:
                self._download(copy, location, listed)
                return
        entry = location.store.info(location)
        copy.recording = copy.recording.with_entry(entry)
        self._download(copy, location, entry)

    def _download(self, copy: _Copy, location: Location, entry: Entry) -> None:
        folder = scratch.folder(self._folder)
        # Some formats are only recognized by their extension.
        copy.file = scratch.create(folder, scratch.copy_suffix(location.suffix))
        try:
            if not copy.cancelled.is_set():
                Download(location, entry, copy.file, entry.size or self._limit, copy.cancelled).run()
                copy.path = copy.file.path
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO):
                raise scratch.not_writable(folder, error) from error
            raise
        finally:
            if copy.path is None or copy.cancelled.is_set():
                copy.file.remove()

    def _wait(self, copy: _Copy) -> Path:
        while not copy.done.wait(_POLL_SECONDS):
            if self._stopped:
                raise Unreadable("The run was stopped.")
        if copy.error is not None:
            raise _as_recording_error(copy.recording, copy.error) from copy.error
        if copy.path is None:
            raise Unreadable("The run was stopped.")
        return copy.path

    def _release(self, copy: _Copy) -> None:
        """Remove a copy. A copy in progress is cancelled, and its thread removes it."""
        with self._changed:
            if self._copies.get(copy.recording.uri) is copy:
                del self._copies[copy.recording.uri]
                self._used -= copy.bytes
            self._changed.notify_all()
        copy.cancelled.set()
        if copy.done.is_set():
            if copy.file is not None:
                copy.file.remove()
        elif copy.file is not None:
            with suppress(OSError):
                copy.file.path.unlink()


def _listed_entry(recording: Recording, location: Location) -> Entry | None:
    md5 = recording.md5 if location.store.etags_are_md5 else None
    return Entry(location.key, recording.size, recording.modified, recording.etag, md5) if md5 is not None else None


def _current(recording: Recording) -> Recording:
    try:
        return refresh(recording)
    except OSError as error:
        raise Unreadable(f"{recording.name} cannot be read ({error.strerror}).") from error


def _as_recording_error(recording: Recording, error: BaseException) -> BaseException:
    """Convert an error of the download to a failure of this recording. A full scratch disk stays a failure of the run."""
    if isinstance(error, FileNotFoundError):
        return Unreadable(f"{recording.name} does not exist any more.")
    if isinstance(error, StorageNotReady) and error.message.startswith(recording.uri):
        return Unreadable(error.message, error.hint)
    if isinstance(error, TranscribeError):
        return error
    return Unreadable(f"{recording.name} cannot be fetched ({type(error).__name__}).")
