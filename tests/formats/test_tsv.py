"""Tab-separated values."""

from __future__ import annotations

import csv
import io

from hypothesis import given

from tests.formats.documents import DIALOGUE, LESSON, SILENCE, any_transcript, segment, transcript
from transcribe_cli.formats import render
from transcribe_cli.transcript import Transcript


def test_tsv_has_the_layout_of_openai_whisper() -> None:
    """A header, then start and end in whole milliseconds and the stripped text."""
    assert render("tsv", LESSON) == "start\tend\ttext\n0\t2000\tBom dia a todos.\n3500\t6500\tHoje falamos de <DNA> & RNA.\n"


def test_speakers_are_a_fourth_column_if_there_are_any() -> None:
    """Empty for segments without a speaker."""
    mixed = transcript(*DIALOGUE.segments[:1], segment(" Quem?", 2.0, 3.0))
    assert render("tsv", mixed) == "start\tend\ttext\tspeaker\n0\t1500\tBom dia.\tSPEAKER_00\n2000\t3000\tQuem?\t\n"


def test_a_name_cannot_break_a_line() -> None:
    """Tabs and line breaks become spaces."""
    hostile = transcript(segment(" Sim.", 0.0, 1.0, speaker="A\tna\r\n9\t9\tx"))
    assert render("tsv", hostile).splitlines()[1:] == ["0\t1000\tSim.\tA na 9 9 x"]


def test_a_recording_without_speech_results_in_the_header() -> None:
    """So that programs can use the column names."""
    assert render("tsv", SILENCE) == "start\tend\ttext\n"


@given(any_transcript)
def test_every_segment_is_one_row_of_the_same_width(document: Transcript) -> None:
    """With any text: tabs and line breaks become spaces."""
    rows = list(csv.reader(io.StringIO(render("tsv", document)), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert len(rows) == 1 + len(document.segments)
    assert {len(row) for row in rows} == {len(rows[0])}
