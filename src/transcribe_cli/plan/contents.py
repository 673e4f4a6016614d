"""Whether a recording is the one of a transcript, by its content when only its time or its name says otherwise."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from transcribe_cli.errors import ConfigError
from transcribe_cli.sinks import Header
from transcribe_cli.sources import Recording
from transcribe_cli.sources.content import content_digest
from transcribe_cli.state_folder import StateFiles
from transcribe_cli.text.printable import printable
from transcribe_cli.text.regular_files import read_regular_file

# FAT stores times in steps of two seconds.
_TOLERANCE_SECONDS = 2.0
_SLOW_SECONDS = 3.0
_MAX_AGE_SECONDS = 365 * 86400.0


def is_same_recording(header: Header, recording: Recording) -> bool:
    """Whether the transcript is of what the recording is now.

    The digest decides where both have one, see `Contents.identified`. Without it, the time may differ as between file systems.
    """
    if header.size != recording.size:
        return False
    if header.digest is not None and recording.digest is not None:
        return header.digest == recording.digest
    if header.identity == recording.identity:
        return True
    is_comparable = header.name == recording.name and not header.etag and not recording.etag
    return is_comparable and _is_near(header.modified, recording.modified)


class Contents:
    """The digests of recordings, computed only where nothing else tells that a recording is unchanged.

    They are kept in the state folder for the file as it is (inode, size and times), so that a copied tree is read once.

    Args:
        state_dir: the state folder. Default: the user's.
        say: receives one line if reading takes long.
    """

    def __init__(self, state_dir: Path | None, say: Callable[[str], None] | None = None) -> None:
        self._state_dir = state_dir
        self._say = say
        self._seconds = 0.0
        self._files: StateFiles | None = None

    def identified(self, recording: Recording, header: Header | None) -> Recording:
        """The recording with its digest, if that decides about the transcript: the size fits, the name or the time does not."""
        if header is None or header.digest is None or header.size != recording.size or header.identity == recording.identity:
            return recording
        if not isinstance(recording.path, Path) or recording.problem is not None:
            return recording
        return replace(recording, digest=self._digest(recording, recording.path))

    def _digest(self, recording: Recording, path: Path) -> str | None:
        try:
            info = path.stat()
        except OSError:
            return None
        kept = self._kept_in(os.fspath(path), info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
        with suppress(OSError, UnicodeDecodeError):
            if kept is not None and (text := read_regular_file(kept).decode()):
                return text
        digest = self._compute(recording, path)
        if kept is not None and digest is not None:
            with suppress(OSError):
                kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                temporary = kept.with_name(f"{kept.name}.{os.getpid()}")
                temporary.write_text(digest)
                temporary.replace(kept)
        return digest

    def _compute(self, recording: Recording, path: Path) -> str | None:
        if self._say is not None and self._seconds > _SLOW_SECONDS:
            self._say(f"Times have changed; reading the recordings to compare their content, now {printable(recording.label)}.")
            self._say = None
        began = time.monotonic()
        digest = content_digest(path, recording.name, recording.tree)
        self._seconds += time.monotonic() - began
        return digest

    def _kept_in(self, *identity: str | int) -> Path | None:
        if self._files is None:
            with suppress(ConfigError):
                self._files = StateFiles(self._state_dir, "digests", ".digest", _MAX_AGE_SECONDS)
                self._files.remove_expired()
        return self._files.path(*identity) if self._files else None


def _is_near(one: str | None, other: str) -> bool:
    try:
        difference = datetime.fromisoformat(one or "") - datetime.fromisoformat(other)
    except (ValueError, TypeError):
        return False
    return abs(difference.total_seconds()) <= _TOLERANCE_SECONDS
