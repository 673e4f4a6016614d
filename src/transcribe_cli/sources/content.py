"""The digest of a recording's content: copied, moved, restored or touched, it is the same recording."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from transcribe_cli.errors import TranscribeError
from transcribe_cli.sources.recording import Recording, refresh
from transcribe_cli.text.links import Tree

_ALGORITHM = "sha256"
_BLOCK = 1 << 20
# Poll interval for a stopped run.
_POLL_SECONDS = 0.2


class DigestThread:
    """Computes the digest of a local file while the decoder reads it; use as a context manager, whose end stops it.

    Args:
        path: of the file.
        name: of the recording, for messages.
        tree: where the file must be.
    """

    def __init__(self, path: Path, name: str, tree: Tree | None) -> None:
        self._stopped = threading.Event()
        self._digest: str | None = None
        self._thread = threading.Thread(target=self._compute, args=(path, name, tree), name="digest", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopped.set()

    def result(self, is_stopped: Callable[[], bool]) -> str | None:
        """The digest, when the file is completely read; None when it cannot be read, or the run was stopped."""
        while self._thread.is_alive() and not is_stopped():
            self._thread.join(_POLL_SECONDS)
        return self._digest

    def _compute(self, path: Path, name: str, tree: Tree | None) -> None:
        self._digest = content_digest(path, name, tree, self._stopped)


def current_digest(recording: Recording) -> str | None:
    """The digest of a local recording, if it has not changed since it was found; None for others."""
    if not isinstance(recording.path, Path):
        return None
    digest = content_digest(recording.path, recording.name, recording.tree)
    try:
        return digest if refresh(recording).identity == recording.identity else None
    except OSError:
        return None


def content_digest(path: Path, name: str, tree: Tree | None = None, stopped: threading.Event | None = None) -> str | None:
    """The digest of a local file, such as `sha256:5f…`; one read, without decoding.

    None when it is not a regular file in the tree, cannot be read, or `stopped` was set.
    """
    from transcribe_cli.audio.recording_file import open_regular  # its room imports NumPy, which no --help needs

    try:
        descriptor = open_regular(path, name, tree)
    except TranscribeError:  # decoding it says why
        return None
    digest = hashlib.new(_ALGORITHM)
    try:
        with io.FileIO(descriptor) as file:
            while block := file.read(_BLOCK):
                if stopped is not None and stopped.is_set():
                    return None
                digest.update(block)
    except OSError:
        return None
    return f"{_ALGORITHM}:{digest.hexdigest()}"
