"""Durations of recordings, from their headers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from transcribe_cli.errors import RecordingError
from transcribe_cli.plan import Job


def read_durations(jobs: Iterable[Job]) -> Mapping[str, float | None]:
    """Durations in seconds by the URI of the recording.

    None where the header has no duration or cannot be read (`run` reports why), and for recordings in a store without a transcript.
    """
    from transcribe_cli.audio import Decoder  # imports NumPy, which `--help` does not need

    by_uri: dict[str, float | None] = {}
    with Decoder() as decoder:
        for job in jobs:
            if not isinstance(path := job.recording.path, Path):  # reading it would need a download
                by_uri[job.recording.uri] = job.duration
                continue
            try:
                track = job.spec.audio_track if isinstance(job.spec.audio_track, int) else None
                by_uri[job.recording.uri] = decoder.probe(path, track=track, tree=job.recording.tree).duration
            except RecordingError:
                by_uri[job.recording.uri] = None
    return by_uri
