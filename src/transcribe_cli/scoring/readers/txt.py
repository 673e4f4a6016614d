"""Parses plain text: paragraphs, each with an optional `Name: ` of the speaker, as this tool writes them."""

from __future__ import annotations

from collections.abc import Mapping

from transcribe_cli.scoring.document import Document, Utterance, document_of
from transcribe_cli.scoring.readers.speaker_labels import named_paragraphs


def read(text: str, name: str) -> Mapping[str, Document]:
    """Parse any text. Lines have speakers if every non-blank line starts with a name."""
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    named = named_paragraphs(lines)
    if named is None:
        return {"": document_of([Utterance("\n".join(lines))])}
    return {"": document_of(Utterance(words, speaker) for speaker, words in named)}
