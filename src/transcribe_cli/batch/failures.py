"""The last failure of each recording on this machine, for `transcribe status`. The files in a tree do not contain it.

The state folder holds one small file for each failure. It is removed when the recording has its transcript. No run reads it.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from transcribe_cli import state_folder
from transcribe_cli.errors import TranscribeError
from transcribe_cli.sinks import write_atomically
from transcribe_cli.sources import Recording
from transcribe_cli.state_folder import StateFiles
from transcribe_cli.text.json_data import parse_json
from transcribe_cli.text.regular_files import read_regular_file

# Older failures are removed.
SWEEP_SECONDS = 90 * 24 * 3600.0


@dataclass(frozen=True)
class Failure:
    """Why a recording with this size and modification time has no transcript. `at` is UTC, ISO 8601; `code` is that of the error."""

    uri: str
    size: int
    modified: str
    code: str
    message: str
    at: str


_FAILURE = TypeAdapter(Failure)


class Failures:
    """The failures in a state folder. If the folder cannot be written, failures are not stored; the run goes on.

    Args:
        folder: the state folder. Default: the user's own.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._state_files = StateFiles(folder, "failures", ".failure.json", SWEEP_SECONDS)

    def remember(self, recording: Recording, error: TranscribeError) -> None:
        """Store why the recording failed just now."""
        at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        failure = Failure(recording.uri, recording.size, recording.modified, error.code, str(error), at)
        with contextlib.suppress(OSError, TranscribeError):
            self._state_files.create_folder()
            write_atomically(self._state_files.path(recording.uri), json.dumps(asdict(failure)).encode())

    def forget(self, recording: Recording) -> None:
        """Remove the failure: the recording has its transcript."""
        state_folder.remove(self._state_files.path(recording.uri))

    def of(self, recording: Recording) -> Failure | None:
        """The last failure, if the recording has not changed since; otherwise None."""
        try:
            failure = _FAILURE.validate_python(parse_json(read_regular_file(self._state_files.path(recording.uri))))
        except (OSError, ValueError):  # pydantic's error is a ValueError
            return None
        return failure if (failure.size, failure.modified) == (recording.size, recording.modified) else None

    def sweep(self) -> None:
        """Remove failures that are older than `SWEEP_SECONDS`."""
        self._state_files.remove_expired()
