"""Paid answers on disk until the transcript is written, so a run that is killed pays for none of them twice.

One file per recording, spec and server in the user's state folder, with one JSON line per answer. The key of an answer is made from what
was sent: the samples of the clip and the fields of the form.
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

# Answers of recordings that were not resumed by then are removed.
MAX_AGE_SECONDS = 30 * 24 * 3600.0


class RecordingAnswers:
    """The answers for one recording, of this run and earlier ones. Thread-safe.

    Attributes:
        has_earlier: whether an earlier run left some.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._answers = _read(path)
        self.has_earlier = bool(self._answers)

    def get(self, key: str) -> Mapping[str, Any] | None:
        """The answer to a form that was sent before."""
        with self._lock:
            return self._answers.get(key)

    def add(self, key: str, answer: Mapping[str, Any]) -> None:
        """Add an answer and sync it to disk. A full disk loses the file, not the run."""
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
        """Remove the file, once the transcript is written."""
        state_folder.remove(self._path)


class AnswerCache:
    """The answers of a server.

    Args:
        folder: the state folder; None is the user's default one.
        base_url: the server's.
    """

    def __init__(self, folder: Path | None, base_url: str) -> None:
        self._state_files = StateFiles(folder, "remote", ".answers.jsonl", MAX_AGE_SECONDS)
        self._base_url = base_url

    def for_job(self, job: Job) -> RecordingAnswers:
        """The answers for a recording in its present version. They do not depend on diarization."""
        fingerprint = job.spec.model_copy(update={"diarize": False}).fingerprint
        return RecordingAnswers(self._state_files.path(job.recording.uri, *job.recording.identity, fingerprint, self._base_url))

    def sweep(self) -> None:
        """Remove expired files."""
        self._state_files.remove_expired()


def _read(path: Path) -> dict[str, Mapping[str, Any]]:
    """The answers of a file by their keys."""
    return {
        record["key"]: record["answer"]
        for record in state_folder.read_records(path)
        if isinstance(record.get("key"), str) and isinstance(record.get("answer"), dict)
    }
