"""Transcripts for tests of files, without audio."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from transcribe_cli import sinks
from transcribe_cli.sources import Recording
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import JobRecord, Quality, Segment, Source, Transcript

SPEC = JobSpec()


def commit(output: sinks.Output, transcript: Transcript, rendered: Mapping[str, str], **options: Any) -> Transcript:
    """`sinks.commit` with renderings given as text."""
    return sinks.commit(output, transcript, _encoded(rendered), **options)


def add(output: sinks.Output, transcript: Transcript, rendered: Mapping[str, str], **options: Any) -> Transcript:
    """`sinks.add_renderings` with renderings given as text."""
    return sinks.add_renderings(output, transcript, _encoded(rendered), **options)


def _encoded(rendered: Mapping[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in rendered.items()}


def transcript_of(recording: Recording, spec: JobSpec = SPEC, text: str = " olá", segments: int = 1) -> Transcript:
    """A transcript as a run would write it for this recording."""
    return Transcript(
        source=Source(name=recording.name, uri=recording.uri, size=recording.size, modified=recording.modified),
        job=JobRecord(
            fingerprint=spec.fingerprint,
            spec=spec.canonical(),
            tool="transcribe-cli 0",
            backend="local",
            device="cpu/int8",
            finished_at=datetime.now(UTC).isoformat(),
        ),
        language="pt",
        language_probability=1.0,
        duration=float(segments),
        text=text * segments,
        segments=tuple(Segment(id=i, seek=0, start=float(i), end=i + 1.0, text=text) for i in range(segments)),
        quality=Quality(speech=1.0, covered=1.0),
    )
