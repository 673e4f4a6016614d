"""What a contender recognized in one recording: the JSON of openai/whisper, which all contenders write."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from transcribe_cli.errors import TranscribeError
from transcribe_cli.scoring.document import Document, document_of
from transcribe_cli.scoring.readers import read_one


@dataclass(frozen=True)
class Hypothesis:
    """One transcript.

    Attributes:
        document: its text with speakers, as `transcribe score` reads it.
        words: start and end of each word, or of each segment without words, in seconds.
        has_word_times: whether they are those of words.
        failed: whether there is no transcript.
    """

    document: Document
    language: str = ""
    words: tuple[tuple[float, float], ...] = ()
    has_word_times: bool = False
    failed: bool = False

    @property
    def text(self) -> str:
        """All that was recognized."""
        return " ".join(part.text.strip() for part in self.document.utterances or ())


FAILED = Hypothesis(document_of([]), failed=True)


def from_file(path: Path) -> Hypothesis:
    """The transcript in this file; `FAILED` if there is none."""
    try:
        document = read_one(path)
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, TranscribeError):
        return FAILED
    segments = content.get("segments") or []
    words = [word for segment in segments for word in segment.get("words") or () if "start" in word and "end" in word]
    spans = words or [segment for segment in segments if segment["text"].strip()]
    times = tuple(sorted((float(span["start"]), float(span["end"])) for span in spans))
    return Hypothesis(document, content.get("language") or "", times, bool(words))
