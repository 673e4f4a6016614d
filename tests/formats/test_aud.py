"""Labels for Audacity."""

from __future__ import annotations

import csv
import io

from hypothesis import given

from tests.formats.documents import DIALOGUE, PATIENT, SILENCE, any_transcript
from transcribe_cli.formats import render
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.transcript import Transcript


def test_a_segment_is_a_label() -> None:
    """Start, end, and the text after the name."""
    assert render("aud", DIALOGUE) == (
        "0.000\t1.500\tSPEAKER_00: Bom dia.\n1.750\t2.480\tSPEAKER_00: Tudo bem?\n3663.250\t3664.000\tAna <a&b>: Tudo.\n"
    )
    assert render("aud", SILENCE) == ""


@PATIENT
@given(any_transcript)
def test_every_label_has_two_times_and_a_text(document: Transcript) -> None:
    """As Audacity reads them: three fields, separated by tabs, the first two numbers, the end not before the start."""
    rows = list(csv.reader(io.StringIO(str(render("aud", document))), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert len(rows) == sum(bool(one_line(part.text)) for part in document.segments)
    assert all(len(row) == 3 and 0 <= float(row[0]) <= float(row[1]) and row[2] for row in rows)
