"""The last failure of each recording on this machine, kept for `transcribe status`: the files in a tree say what is done, not why not.

One small file for each in the user's state folder; it goes when the recording has its transcript. History, not state: no run reads it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from platformdirs import user_state_path

from transcribe_cli.errors import TranscribeError
from transcribe_cli.sinks import write
from transcribe_cli.sources import Recording

# After so long nobody remembers what it was about.
SWEEP_SECONDS = 90 * 24 * 3600.0
_ENDING = ".failure.json"


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
        folder: None is the user's own, `~/.local/state/transcribe-cli` on Linux.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = (folder or user_state_path("transcribe-cli")) / "failures"

    def remember(self, recording: Recording, error: TranscribeError) -> None:
        """Keep why it failed now."""
        at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        failure = Failure(recording.uri, recording.size, recording.modified, error.code, str(error), at)
        with contextlib.suppress(OSError, TranscribeError):
            # Names of recordings are nobody else's business.
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write(self._path(recording), json.dumps(asdict(failure)).encode())

    def forget(self, recording: Recording) -> None:
        """It has its transcript."""
        with contextlib.suppress(OSError):
            self._path(recording).unlink(missing_ok=True)

    def of(self, recording: Recording) -> Failure | None:
        """The last one, if the recording is still the same."""
        try:
            failure = Failure(**json.loads(self._path(recording).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None
        return failure if (failure.size, failure.modified) == (recording.size, recording.modified) else None

    def sweep(self) -> None:
        """Remove what is long past."""
        with contextlib.suppress(OSError):
            for path in self._folder.glob(f"*{_ENDING}"):
                if time.time() - path.stat().st_mtime > SWEEP_SECONDS:
                    path.unlink(missing_ok=True)

    def _path(self, recording: Recording) -> Path:
        return self._folder / f"{hashlib.sha256(recording.uri.encode()).hexdigest()[:32]}{_ENDING}"
