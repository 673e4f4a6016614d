"""Labels for Audacity (File > Import > Labels), one for each segment, shown under the waveform.

https://manual.audacityteam.org/man/importing_and_exporting_labels.html
"""

from __future__ import annotations

from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.formats.timestamps import milliseconds
from transcribe_cli.transcript import Transcript


def render(transcript: Transcript) -> str:
    """`start`, `end` in seconds and the text, separated by tabs. The text begins with `Name: ` if the speaker is known."""
    lines = []
    for segment in transcript.segments:
        name, text = one_line(segment.speaker or ""), one_line(segment.text)
        if text:
            start, end = milliseconds(segment.start) / 1000, milliseconds(segment.end) / 1000
            lines.append(f"{start:.3f}\t{end:.3f}\t{name}: {text}\n" if name else f"{start:.3f}\t{end:.3f}\t{text}\n")
    return "".join(lines)
