"""Checkpoints: finished clips of recordings in progress, saved to disk. A run killed after five hours of six loses one batch.

Each recording and spec has a file in the user's state folder, to which a JSON line is appended for each clip. A line survives a crash of
the process at once, and a crash of the machine after `SYNC_SECONDS`. The file is removed when the transcript is written.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from pydantic import FailFast, TypeAdapter

from transcribe_cli import state_folder
from transcribe_cli.plan import Job
from transcribe_cli.recognition.engines import Attempt, Clip, ClipResult, Phrase, SpokenWord
from transcribe_cli.sources import Recording
from transcribe_cli.state_folder import StateFiles
from transcribe_cli.text.numbers import checked_number
from transcribe_cli.transcript import Count, Measure, Seconds

# Fewer clips than this are one batch, which is repeated anyway, so nothing is written for them.
MIN_CLIPS = 5
SYNC_SECONDS = 5.0
# Checkpoints expire after this time.
MAX_AGE_SECONDS = 30 * 24 * 3600.0

_ATTEMPT = TypeAdapter(Attempt)
_WORDS = TypeAdapter(Annotated[list[tuple[str, Seconds, Seconds, Measure, Annotated[tuple[Count, ...], FailFast()]]], FailFast()])
_PHRASES = TypeAdapter(Annotated[list[tuple[str, Seconds, Seconds, Annotated[tuple[Count, ...], FailFast()]]], FailFast()])


class Checkpoint:
    """The finished clips of one recording, from this run and an interrupted one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._synced = time.monotonic()
        self._descriptor: int | None = None
        self._records = _read(path)
        self._pending: list[bytes] = []

    def find(self, clip: Clip) -> ClipResult | None:
        """The result of an earlier run for this clip; None if it did not get that far, or had other clip borders."""
        record = self._records.get(_key(clip))
        if record is None:
            return None
        with contextlib.suppress(ValueError, KeyError, TypeError):  # written by another version
            return _result(clip, record)
        return None

    def add(self, result: ClipResult) -> None:
        """Save a finished clip. On a full disk the checkpoint is lost, but the run continues."""
        self._pending.append(json.dumps(_record(result)).encode() + b"\n")
        if self._descriptor is None and not self._records and len(self._pending) < MIN_CLIPS:
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
        """Close the file and keep it for the next run."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def remove(self) -> None:
        """Remove the file, because the transcript is written."""
        self.close()
        state_folder.remove(self._path)


class Checkpoints:
    """All checkpoints of a state folder.

    Args:
        folder: the state folder. Default: the user's own.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._state_files = StateFiles(folder, "checkpoints", ".clips.jsonl", MAX_AGE_SECONDS)

    def open(self, job: Job, recording: Recording) -> Checkpoint:
        """The checkpoint of a recording as it is now. Diarization does not change clips, so it does not matter."""
        fingerprint = job.spec.model_copy(update={"diarize": False}).fingerprint
        return Checkpoint(
            self._state_files.path(recording.uri, recording.size, recording.etag or recording.modified, fingerprint)
        )

    def sweep(self) -> None:
        """Remove expired checkpoints."""
        self._state_files.remove_expired()


def _key(clip: Clip) -> str:
    channel = () if clip.channel is None else (clip.channel,)
    return json.dumps([clip.index, clip.part, clip.sample_ranges, clip.language, *channel])


def _record(result: ClipResult) -> dict[str, Any]:
    """A result without its waveform. Floats keep every digit, so that a resumed transcript is identical to the byte."""
    return {
        "clip": _key(result.clip),
        "attempt": asdict(result.attempt),
        "words": [[word.text, word.start, word.end, word.probability, word.tokens] for word in result.words],
        "phrases": [[phrase.text, phrase.start, phrase.end, phrase.tokens] for phrase in result.phrases],
    }


def _read(path: Path) -> dict[str, Mapping[str, Any]]:
    """The records of a file, by clip."""
    return {record["clip"]: record for record in state_folder.read_records(path) if isinstance(record.get("clip"), str)}


def _result(clip: Clip, record: Mapping[str, Any]) -> ClipResult:
    """The result in a record.

    Raises:
        ValueError, KeyError, TypeError: the record is not one of this version.
    """
    attempt = _ATTEMPT.validate_python(record["attempt"])
    heard = (probability for _, probability in attempt.heard)
    for number in (attempt.temperature, attempt.avg_logprob, attempt.compression_ratio, attempt.no_speech_prob, *heard):
        checked_number(number)
    words = tuple(SpokenWord(*values) for values in _WORDS.validate_python(record["words"]))
    phrases = tuple(Phrase(*values) for values in _PHRASES.validate_python(record["phrases"]))
    return ClipResult(clip, attempt, words, phrases)
