"""Answers that are paid for, on disk until their transcript is written: a run that is killed pays for none of them twice.

A file for each recording, spec and server in the user's state folder, with a JSON line for each answer. An answer is found by what was
sent: the samples of the clip and the fields of the form.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from platformdirs import user_state_path

from transcribe_cli.plan import Job

# Nobody comes back to a recording that long after its run was killed.
SWEEP_SECONDS = 30 * 24 * 3600.0
_ENDING = ".answers.jsonl"


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
                # Transcripts are nobody else's business.
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    # A kill may have cut the last line.
                    os.write(descriptor, b"\n" + line if os.fstat(descriptor).st_size else line)
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)

    def remove(self) -> None:
        """The transcript is written."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


class Answers:
    """All answers of a server.

    Args:
        folder: the state folder; None is the user's own.
        place: the server's URL.
    """

    def __init__(self, folder: Path | None, place: str) -> None:
        self._folder = (folder or user_state_path("transcribe-cli")) / "remote"
        self._place = place

    def of(self, job: Job) -> Paid:
        """Those about a recording as it is now; who spoke changes no answer."""
        text = job.spec.model_copy(update={"diarize": False}).fingerprint
        identity = [job.recording.uri, *job.recording.identity, text, self._place]
        key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]
        return Paid(self._folder / f"{key}{_ENDING}")

    def sweep(self) -> None:
        """Remove what was left behind a month ago."""
        with contextlib.suppress(OSError):
            for path in self._folder.glob(f"*{_ENDING}"):
                if time.time() - path.stat().st_mtime > SWEEP_SECONDS:
                    path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Mapping[str, Any]]:
    """The answers of a file; lines that a kill cut are passed over."""
    found: dict[str, Mapping[str, Any]] = {}
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return found
    for line in lines:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            record = json.loads(line)
            if isinstance(record["answer"], dict):
                found[record["key"]] = record["answer"]
    return found
