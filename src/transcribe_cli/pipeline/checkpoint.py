"""Finished clips of recordings in progress, kept on disk as they come: a kill at hour five of six costs one batch.

One file for each recording and spec in the user's state folder, a JSON line for each clip, appended. What was written survives the
death of the process at once, and that of the machine after `SYNC_SECONDS`. The file goes when the transcript is written.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from transcribe_cli import state_folder
from transcribe_cli.plan import Job
from transcribe_cli.recognition.engines import Attempt, Clip, ClipResult, Phrase, SpokenWord
from transcribe_cli.sources import Recording
from transcribe_cli.state_folder import StateFiles

# Fewer clips than this are a batch, which is repeated anyway: nothing is written for them.
LEAST_CLIPS = 5
SYNC_SECONDS = 5.0
# Nobody comes back to a recording that long after its run was killed.
SWEEP_SECONDS = 30 * 24 * 3600.0


class Checkpoint:
    """The finished clips of one recording, of this run and of one that was killed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._synced = time.monotonic()
        self._descriptor: int | None = None
        self._records = _read(path)
        self._pending: list[bytes] = []

    def recall(self, clip: Clip) -> ClipResult | None:
        """What an earlier run made of this clip; None when it did not come so far, or cut its clips elsewhere."""
        record = self._records.get(_key(clip))
        if record is None:
            return None
        with contextlib.suppress(ValueError, KeyError, TypeError):  # written by another version
            return _result(clip, record)
        return None

    def add(self, result: ClipResult) -> None:
        """Keep a finished clip. A disk that is full costs the checkpoint, never the run."""
        self._pending.append(json.dumps(_record(result)).encode() + b"\n")
        if self._descriptor is None and not self._records and len(self._pending) < LEAST_CLIPS:
            return
        with contextlib.suppress(OSError):
            if self._descriptor is None:
                self._descriptor = state_folder.open_for_append(self._path)
            os.write(self._descriptor, b"".join(self._pending))
            if time.monotonic() - self._synced > SYNC_SECONDS:
                os.fsync(self._descriptor)
                self._synced = time.monotonic()
        self._pending.clear()

    def close(self) -> None:
        """Keep the file for the next run."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def remove(self) -> None:
        """The transcript is written: nothing needs to be kept."""
        self.close()
        state_folder.remove(self._path)


class Checkpoints:
    """All checkpoints of a state folder.

    Args:
        folder: None is the user's own.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._state_files = StateFiles(folder, "checkpoints", ".clips.jsonl", SWEEP_SECONDS)

    def of(self, job: Job, recording: Recording) -> Checkpoint:
        """The checkpoint of a recording as it is now; who spoke changes no clip."""
        text = job.spec.model_copy(update={"diarize": False}).fingerprint
        return Checkpoint(self._state_files.path(recording.uri, recording.size, recording.etag or recording.modified, text))

    def sweep(self) -> None:
        """Remove what was left behind a month ago."""
        self._state_files.remove_expired()


def _key(clip: Clip) -> str:
    channel = () if clip.channel is None else (clip.channel,)
    return json.dumps([clip.index, clip.part, clip.sample_ranges, clip.language, *channel])


def _record(result: ClipResult) -> dict[str, Any]:
    """A result without its waveform; floats keep every digit, so that a resumed transcript is the same to the byte."""
    return {
        "clip": _key(result.clip),
        "attempt": asdict(result.attempt),
        "words": [[word.text, word.start, word.end, word.probability, word.tokens] for word in result.words],
        "phrases": [[phrase.text, phrase.start, phrase.end, phrase.tokens] for phrase in result.phrases],
        "seconds": result.seconds,
    }


def _read(path: Path) -> dict[str, Mapping[str, Any]]:
    """The records of a file by their clips."""
    return {record["clip"]: record for record in state_folder.read_records(path) if isinstance(record.get("clip"), str)}


def _result(clip: Clip, record: Mapping[str, Any]) -> ClipResult:
    attempt = Attempt(**{**record["attempt"], "tokens": tuple(record["attempt"]["tokens"])})
    words = tuple(
        SpokenWord(text, start, end, probability, tuple(tokens)) for text, start, end, probability, tokens in record["words"]
    )
    phrases = tuple(Phrase(text, start, end, tuple(tokens)) for text, start, end, tokens in record["phrases"])
    return ClipResult(clip, attempt, words, phrases, record["seconds"])
