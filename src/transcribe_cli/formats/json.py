"""The transcript document. docs/formats.md describes its fields, docs/transcript.schema.json is its schema."""

from __future__ import annotations

from transcribe_cli.transcript import Transcript


def render(transcript: Transcript) -> str:
    """The document that `Transcript.loads` reads."""
    return transcript.dumps()
