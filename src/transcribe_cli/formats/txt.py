"""Plain text: paragraphs with speaker names."""

from __future__ import annotations

from transcribe_cli.formats.paragraphs import group_paragraphs
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.transcript import Transcript


def render(transcript: Transcript) -> str:
    """Paragraphs of one line each, separated by blank lines. Each begins with `Name: ` if the speaker is known."""
    lines = []
    for group in group_paragraphs(transcript):
        name = one_line(group[0].speaker or "")
        text = " ".join(one_line(segment.text) for segment in group)
        lines.append(f"{name}: {text}\n" if name else f"{text}\n")
    return "\n".join(lines)
