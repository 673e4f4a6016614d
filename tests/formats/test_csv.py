"""Comma-separated values."""

from __future__ import annotations

import csv
import io

from hypothesis import given

from tests.formats.documents import DIALOGUE, LESSON, PATIENT, SILENCE, any_transcript, segment, transcript
from transcribe_cli.formats import render
from transcribe_cli.formats.spreadsheet_cells import text_cell
from transcribe_cli.transcript import Transcript


def test_a_segment_is_a_row_with_fixed_columns() -> None:
    """Probability and speaker are empty if unknown."""
    assert render("csv", transcript(*LESSON.segments[:1], *DIALOGUE.segments[2:])) == (
        "recording,start,end,speaker,confidence,text\n"
        "aula.mp3,0.000,2.000,,0.900,Bom dia a todos.\n"
        "aula.mp3,3663.250,3664.000,Ana <a&b>,,Tudo.\n"
    )


def test_commas_and_quotes_are_quoted() -> None:
    """As in RFC 4180."""
    written = str(render("csv", transcript(segment(' Sim, "claro".', 0.0, 1.0))))
    assert written.splitlines()[1] == 'aula.mp3,0.000,1.000,,,"Sim, ""claro""."'


def test_a_recording_without_speech_results_in_the_header() -> None:
    """So that files can be joined."""
    assert render("csv", SILENCE) == "recording,start,end,speaker,confidence,text\n"


@PATIENT
@given(any_transcript)
def test_every_segment_is_one_row(document: Transcript) -> None:
    """With any text and names, Python's reader finds one row per segment."""
    written = str(render("csv", document))
    rows = list(csv.DictReader(io.StringIO(written)))
    assert [row["text"] for row in rows] == [text_cell(part.text) for part in document.segments]
    assert [row["speaker"] for row in rows] == [text_cell(part.speaker or "") for part in document.segments]
    assert written.count("\n") == 1 + len(rows)
