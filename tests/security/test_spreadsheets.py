"""No cell of a CSV or TSV is a formula for a spreadsheet.

The attacker says or plays something in a recording, names its file, or writes a label of a speaker. Somebody else opens the table in Excel,
LibreOffice or Google Sheets, which would execute `=cmd|'/c calc'!A0` or send the table to a server.
"""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.formats.documents import segment, transcript
from transcribe_cli.formats import render
from transcribe_cli.formats.spreadsheet_cells import text_cell
from transcribe_cli.transcript import Transcript

STARTS = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"
FORMULA = re.compile(f"[{re.escape(STARTS)}]")
OURS = re.compile(r"-?\d*\.?\d*")  # times and probabilities: numbers, whatever a spreadsheet does with them
PAYLOADS = [
    "=cmd|'/c calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\u200b=1+1",
    "\0=1+1",
    "\ufeff=1+1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff201",
    '"=1+1',
    '""=1+1"',
    "Bom dia;=1+1",
    "Bom dia,=1+1",
    'a";=1+1',
    "a\t=1+1",
    "a\n=1+1",
    "a;;@x",
    ";=1",
    "\u2028=1+1",
    "\x1e=1",
    "\x85=1",
]


def document(text: str, speaker: str | None, name: str) -> Transcript:
    """A transcript with one segment."""
    made = transcript(segment(text, 0.0, 1.0, speaker=speaker))
    return made.model_copy(update={"source": made.source.model_copy(update={"name": name})})


def cells(table: str) -> list[str]:
    """Every cell that any reader may see: with each separator, with quoting and without."""
    found: list[str] = []
    for separator in ",;\t":
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            for row in csv.reader(io.StringIO(table), delimiter=separator, quoting=quoting):
                # The tab that separates our own cells may follow a semicolon: what counts is what follows the tab.
                found += [part for cell in row for part in (cell.lstrip("\t"), cell.lstrip('"\t'))]
    return found


@pytest.mark.parametrize("format", ["csv", "tsv"])
@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_formula_in_a_text_cell_is_text(payload: str, format: str) -> None:
    """In the text, the speaker, and the name of the recording; whatever separates the cells, and with or without quoting."""
    table = str(render(format, document(payload, payload, f"{payload}.mp3")))
    assert [cell for cell in cells(table) if FORMULA.match(cell) and not OURS.fullmatch(cell)] == []


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.text(alphabet=st.sampled_from([*STARTS, *';,"\n| \u00a0\u200b\ufeff\0', "a", "'", "1"]), max_size=12))
def test_no_text_is_a_formula(text: str) -> None:
    """In any combination."""
    for format in ("csv", "tsv"):
        table = str(render(format, document(text, text, f"{text}.mp3")))
        assert [cell for cell in cells(table) if FORMULA.match(cell) and not OURS.fullmatch(cell)] == []


@pytest.mark.parametrize(
    "text", ["Bom dia a todos.", "1 + 1 = 2", "a-b", "e-mail: a@b.example", "custa 5,50; 3 = 2", "fim -", "'já'", "10 - 3"]
)
def test_other_text_is_unchanged(text: str) -> None:
    """Signs inside a text are no formulas."""
    assert text_cell(text) == text


def test_our_own_numbers_are_unchanged() -> None:
    """Times and probabilities are numbers for every reader."""
    for format in ("csv", "tsv"):
        row = str(render(format, document("- Bom dia.", None, "a.mp3"))).splitlines()[1]
        assert "'- Bom dia." in row
        assert row.count("'") == 1
