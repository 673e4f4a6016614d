"""Tab-separated values, as in openai/whisper: one row per segment, times in whole milliseconds."""

from __future__ import annotations

from transcribe_cli.formats.spreadsheet_cells import text_cell
from transcribe_cli.formats.timestamps import milliseconds
from transcribe_cli.transcript import Transcript


def render(transcript: Transcript) -> str:
    """A header, then one row per segment. A fourth column `speaker` is added if any segment has one."""
    with_speakers = any(segment.speaker for segment in transcript.segments)
    rows = [["start", "end", "text", "speaker"]]
    rows += [
        [
            str(milliseconds(segment.start)),
            str(milliseconds(segment.end)),
            text_cell(segment.text),
            text_cell(segment.speaker or ""),
        ]
        for segment in transcript.segments
    ]
    return "".join("\t".join(row if with_speakers else row[:3]) + "\n" for row in rows)
