"""Comma-separated values for spreadsheets and data frames: one row per segment, always the same columns, so that files can be joined.

https://www.rfc-editor.org/rfc/rfc4180, with LF line ends.
"""

from __future__ import annotations

import csv
import io

from transcribe_cli.formats.spreadsheet_cells import text_cell
from transcribe_cli.transcript import Segment, Transcript

COLUMNS = ("recording", "start", "end", "speaker", "confidence", "text")


def render(transcript: Transcript) -> str:
    """A header, then one row per segment: times in seconds, the speaker if known, the mean probability of its words if known."""
    recording = text_cell(transcript.source.name)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(
        (
            recording,
            f"{segment.start:.3f}",
            f"{segment.end:.3f}",
            text_cell(segment.speaker or ""),
            _confidence(segment),
            text_cell(segment.text),
        )
        for segment in transcript.segments
    )
    return file.getvalue()


def _confidence(segment: Segment) -> str:
    if not segment.words:
        return ""
    return f"{sum(word.probability for word in segment.words) / len(segment.words):.3f}"
