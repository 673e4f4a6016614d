"""Speakers were requested, and nobody could tell them apart."""

from __future__ import annotations

from collections.abc import Iterator

from transcribe_cli.transcript import Reason, Transcript

# The flag of a transcript whose diarization was requested and failed.
NO_DIARIZATION = "no_diarization"


def no_speakers(transcript: Transcript) -> Iterator[Reason]:
    """Diarization failed; the text is not affected."""
    if NO_DIARIZATION in transcript.flags:
        yield Reason(code="speakers", level="check", detail="The speakers could not be identified.")
