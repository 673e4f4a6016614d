"""The summary line of a recording at the top of documents."""

from __future__ import annotations

from transcribe_cli.formats.timestamps import short_clock
from transcribe_cli.text.languages import LANGUAGES
from transcribe_cli.transcript import Transcript


def summarize(transcript: Transcript) -> str:
    """`2:10 · Portuguese · 270 words · 2 speakers`; unknown values are omitted. `no speech` if there are no words."""
    words = sum(len(segment.words or segment.text.split()) for segment in transcript.segments)
    speakers = len(transcript.speakers)
    items = [
        short_clock(transcript.duration),
        LANGUAGES.get(transcript.language, "").replace("-", " ").title() if words else "",
        _count(words, "word") if words else "no speech",
        _count(speakers, "speaker") if speakers else "",
    ]
    return " · ".join(filter(None, items))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
