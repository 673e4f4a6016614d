"""Tab-separated values, as openai/whisper writes them: a segment a line, times in whole milliseconds."""

from __future__ import annotations

from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.formats.timestamps import milliseconds
from transcribe_cli.transcript import Transcript


def render(transcript: Transcript) -> str:
    """A header, then a line for each segment; a fourth column `speaker` when any segment has one."""
    with_speakers = any(segment.speaker for segment in transcript.segments)
    rows = [["start", "end", "text", "speaker"]]
    rows += [
        [
            str(milliseconds(segment.start)),
            str(milliseconds(segment.end)),
            one_line(segment.text),
            one_line(segment.speaker or ""),
        ]
        for segment in transcript.segments
    ]
    return "".join("\t".join(row if with_speakers else row[:3]) + "\n" for row in rows)
