"""Answers that are paid for, on disk until their transcript is written: a run that is killed pays for none of them twice.

A file for each recording, spec and server in the user's state folder, with a JSON line for each answer. An answer is found by what was
sent: the samples of the clip and the fields of the form.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transcribe_cli import state_folder
from transcribe_cli.plan import Job
from transcribe_cli.state_folder import StateFiles

# Nobody comes back to a recording that long after its run was killed.
SWEEP_SECONDS = 30 * 24 * 3600.0


class Paid:
    """The answers about one recording, of this run and of those before. From any thread.

    Attributes:
        recalled: whether an earlier run left some.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._answers = _read(path)
        self.recalled = bool(self._answers)

    def find(self, key: str) -> Mapping[str, Any] | None:
        """The answer to a form that was sent before."""
        with self._lock:
            return self._answers.get(key)

    def keep(self, key: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer, through to the disk. A disk that is full costs the file, never the run."""
        line = json.dumps({"key": key, "answer": answer}, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            self._answers[key] = answer
            with contextlib.suppress(OSError):
                descriptor = state_folder.open_for_append(self._path)
                try:
                    os.write(descriptor, line)
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)

    def remove(self) -> None:
        """The transcript is written."""
        state_folder.remove(self._path)


class Answers:
    """All answers of a server.

    Args:
        folder: the state folder; None is the user's own.
        place: the server's URL.
    """

    def __init__(self, folder: Path | None, place: str) -> None:
        self._state_files = StateFiles(folder, "remote", ".answers.jsonl", SWEEP_SECONDS)
        self._place = place

    def of(self, job: Job) -> Paid:
        """Those about a recording as it is now; who spoke changes no answer."""
        text = job.spec.model_copy(update={"diarize": False}).fingerprint
        return Paid(self._state_files.path(job.recording.uri, *job.recording.identity, text, self._place))

    def sweep(self) -> None:
        """Remove what was left behind a month ago."""
        self._state_files.remove_expired()


def _read(path: Path) -> dict[str, Mapping[str, Any]]:
    """The answers of a file by their keys."""
    return {
        record["key"]: record["answer"]
        for record in state_folder.read_records(path)
        if isinstance(record.get("key"), str) and isinstance(record.get("answer"), dict)
    }
