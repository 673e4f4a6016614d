"""The line about a recording that pages begin with."""

from __future__ import annotations

from transcribe_cli.formats.timestamps import brief
from transcribe_cli.text.languages import LANGUAGES
from transcribe_cli.transcript import Transcript


def facts(transcript: Transcript) -> str:
    """`2:10 · Portuguese · 270 words · 2 speakers`, without what is not known; `no speech` where nobody speaks."""
    words = sum(len(segment.words or segment.text.split()) for segment in transcript.segments)
    speakers = len(transcript.speakers)
    known = [
        brief(transcript.duration),
        LANGUAGES.get(transcript.language, "").replace("-", " ").title() if words else "",
        _counted(words, "word") if words else "no speech",
        _counted(speakers, "speaker") if speakers else "",
    ]
    return " · ".join(filter(None, known))


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
