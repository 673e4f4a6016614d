"""Plain text: paragraphs, with `Name: ` before each where the speakers are written, as this tool writes them."""

from __future__ import annotations

from collections.abc import Mapping

from transcribe_cli.scoring.document import Document, Utterance, spoken
from transcribe_cli.scoring.readers.speaker_labels import named_paragraphs


def read(text: str, name: str) -> Mapping[str, Document]:
    """The lines, with speakers when every line that is not blank begins with one; any text will do."""
    lines = [line for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    named = named_paragraphs(lines)
    if named is None:
        return {"": spoken([Utterance("\n".join(lines))])}
    return {"": spoken(Utterance(said, speaker) for speaker, said in named)}
