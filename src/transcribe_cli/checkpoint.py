"""Finished clips of recordings in progress, kept on disk as they come: a kill at hour five of six costs one batch.

One file for each recording and spec in the user's state folder, a JSON line for each clip, appended. What was written survives the
death of the process at once, and that of the machine after `SYNC_SECONDS`. The file goes when the transcript is written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from platformdirs import user_state_path

from transcribe_cli.engines import Clip, ClipResult, Phrase, SpokenWord
from transcribe_cli.plan import Job
from transcribe_cli.sources import Recording

# Fewer clips than this are a batch, which is repeated anyway.
LEAST_CLIPS = 5
SYNC_SECONDS = 5.0
# Nobody comes back to a recording that long after its run was killed.
SWEEP_SECONDS = 30 * 24 * 3600.0
_ENDING = ".clips.jsonl"


class Checkpoint:
    """The finished clips of one recording.

    Attributes:
        results: those of an earlier run, for clips that are still the same.
    """

    def __init__(self, path: Path, clips: Sequence[Clip]) -> None:
        self._path = path
        self._synced = time.monotonic()
        self._descriptor: int | None = None
        self.results = _read(path, clips)

    def add(self, result: ClipResult) -> None:
        """Keep a finished clip. A disk that is full costs the checkpoint, never the run."""
        if result.error is not None:
            return
        with contextlib.suppress(OSError):
            if self._descriptor is None:
                self._descriptor = self._opened()
            os.write(self._descriptor, json.dumps(_record(result)).encode() + b"\n")
            if time.monotonic() - self._synced > SYNC_SECONDS:
                os.fsync(self._descriptor)
                self._synced = time.monotonic()

    def close(self) -> None:
        """Keep the file for the next run."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def remove(self) -> None:
        """The transcript is written: nothing needs to be kept."""
        self.close()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _opened(self) -> int:
        # Transcripts are nobody else's business.
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.fstat(descriptor).st_size:  # a crash may have cut the last line
            os.write(descriptor, b"\n")
        return descriptor


class Checkpoints:
    """All checkpoints of a state folder.

    Args:
        folder: None is the user's own, `~/.local/state/transcribe-cli` on Linux.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = (folder or user_state_path("transcribe-cli")) / "checkpoints"

    def of(self, job: Job, recording: Recording, clips: Sequence[Clip]) -> Checkpoint | None:
        """The checkpoint of a recording as it is now; None for one that is too short to need it."""
        if len(clips) < LEAST_CLIPS:
            return None
        identity = [recording.uri, recording.size, recording.modified, job.spec.fingerprint]
        key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]
        return Checkpoint(self._folder / f"{key}{_ENDING}", clips)

    def sweep(self) -> None:
        """Remove what was left behind a month ago."""
        with contextlib.suppress(OSError):
            for path in self._folder.glob(f"*{_ENDING}"):
                if time.time() - path.stat().st_mtime > SWEEP_SECONDS:
                    path.unlink(missing_ok=True)


def _record(result: ClipResult) -> dict[str, Any]:
    """A result without its waveform; floats keep every digit, so that a resumed transcript is the same to the byte."""
    clip = result.clip
    return {
        "clip": [clip.index, clip.speech[0].start, clip.speech[-1].end, clip.language],
        "words": [[word.text, word.start, word.end, word.probability, word.tokens] for word in result.words],
        "phrases": [[phrase.text, phrase.start, phrase.end, phrase.tokens] for phrase in result.phrases],
        "temperature": result.temperature,
        "avg_logprob": result.avg_logprob,
        "compression_ratio": result.compression_ratio,
        "no_speech_prob": result.no_speech_prob,
        "failed_gates": result.failed_gates,
        "seconds": result.seconds,
    }


def _read(path: Path, clips: Sequence[Clip]) -> list[ClipResult]:
    """The results that belong to these clips, each once; lines that a crash cut are passed over."""
    known = {(clip.index, clip.speech[0].start, clip.speech[-1].end, clip.language): clip for clip in clips}
    results = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    for line in lines:
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):  # a line that is no clip
            record = json.loads(line)
            if (clip := known.pop(tuple(record.pop("clip")), None)) is not None:
                results.append(_result(clip, record))
    return results


def _result(clip: Clip, record: Mapping[str, Any]) -> ClipResult:
    words = tuple(
        SpokenWord(text, start, end, probability, tuple(tokens)) for text, start, end, probability, tokens in record["words"]
    )
    phrases = tuple(Phrase(text, start, end, tuple(tokens)) for text, start, end, tokens in record["phrases"])
    return ClipResult(clip, **{**record, "words": words, "phrases": phrases})
