"""Text for people: paragraphs, and who speaks."""

from __future__ import annotations

from transcribe_cli.formats.paragraphs import paragraphs
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.transcript import Transcript


def render(transcript: Transcript) -> str:
    """Paragraphs of one line each, `Name: ` before them where the speaker is known, a blank line between them."""
    lines = []
    for group in paragraphs(transcript):
        name = one_line(group[0].speaker or "")
        text = " ".join(one_line(segment.text) for segment in group)
        lines.append(f"{name}: {text}\n" if name else f"{text}\n")
    return "\n".join(lines)
