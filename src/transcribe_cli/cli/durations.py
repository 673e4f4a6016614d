"""How long recordings are, by what their headers promise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from transcribe_cli.errors import RecordingError
from transcribe_cli.plan import Job


def durations(jobs: Iterable[Job]) -> Mapping[str, float | None]:
    """Seconds by the URI of the recording.

    None where the header does not say, or cannot be read (`run` says why), and for what is in a store and not done.
    """
    from transcribe_cli.audio import Decoder  # brings NumPy, which `--help` need not wait for

    found: dict[str, float | None] = {}
    with Decoder() as decoder:
        for job in jobs:
            if not isinstance(path := job.recording.path, Path):  # it would have to be fetched
                found[job.recording.uri] = job.duration
                continue
            try:
                found[job.recording.uri] = decoder.probe(path, track=job.spec.audio_track).duration
            except RecordingError:
                found[job.recording.uri] = None
    return found
