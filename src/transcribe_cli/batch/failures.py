"""The last failure of each recording on this machine, kept for `transcribe status`: the files in a tree say what is done, not why not.

One small file for each in the user's state folder; it goes when the recording has its transcript. History, not state: no run reads it.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from transcribe_cli import state_folder
from transcribe_cli.errors import TranscribeError
from transcribe_cli.sinks import write_atomically
from transcribe_cli.sources import Recording
from transcribe_cli.state_folder import StateFiles

# After so long nobody remembers what it was about.
SWEEP_SECONDS = 90 * 24 * 3600.0


@dataclass(frozen=True)
class Failure:
    """Why a recording, of this size and modification time, has no transcript. `at` is UTC, ISO 8601; `code` the error's stable name."""

    uri: str
    size: int
    modified: str
    code: str
    message: str
    at: str


class Failures:
    """All of a state folder. A folder that cannot be written costs the record, never the run.

    Args:
        folder: None is the user's own.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._state_files = StateFiles(folder, "failures", ".failure.json", SWEEP_SECONDS)

    def remember(self, recording: Recording, error: TranscribeError) -> None:
        """Keep why it failed now."""
        at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        failure = Failure(recording.uri, recording.size, recording.modified, error.code, str(error), at)
        with contextlib.suppress(OSError, TranscribeError):
            self._state_files.create_folder()
            write_atomically(self._state_files.path(recording.uri), json.dumps(asdict(failure)).encode())

    def forget(self, recording: Recording) -> None:
        """It has its transcript."""
        state_folder.remove(self._state_files.path(recording.uri))

    def of(self, recording: Recording) -> Failure | None:
        """The last one, if the recording is still the same."""
        try:
            failure = Failure(**json.loads(self._state_files.path(recording.uri).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None
        return failure if (failure.size, failure.modified) == (recording.size, recording.modified) else None

    def sweep(self) -> None:
        """Remove what is long past."""
        self._state_files.remove_expired()
