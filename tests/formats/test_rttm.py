"""RTTM: exact lines, and an independent parser."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.documents import ALPHABET, SILENCE, transcript
from transcribe_cli.formats import render
from transcribe_cli.transcript import Source, Transcript, Turn

TURNS = (
    Turn(start=1.25, end=3.0004, speaker="SPEAKER_01"),
    Turn(start=0.2, end=2.5, speaker="SPEAKER_00"),
)


def of(*turns: Turn, name: str = "aula.mp3", **names: str) -> Transcript:
    """A transcript of a recording with this name, these turns and these speaker names."""
    source = Source(name=name, uri=f"/{name}", size=1)
    return transcript(turns=turns, source=source, speaker_names=names)


def test_a_line_for_each_turn() -> None:
    """Ten fields; start and duration in seconds with three decimals; ordered by start; also without text."""
    assert render("rttm", of(*TURNS)) == (
        "SPEAKER aula 1 0.200 2.300 <NA> <NA> SPEAKER_00 <NA> <NA>\nSPEAKER aula 1 1.250 1.750 <NA> <NA> SPEAKER_01 <NA> <NA>\n"
    )


def test_without_diarization_the_file_is_empty() -> None:
    """Turns shorter than a millisecond are omitted, because scorers reject them."""
    assert render("rttm", SILENCE) == ""
    assert render("rttm", of(Turn(start=1.0, end=1.0004, speaker="A"))) == ""


def test_a_field_contains_no_space() -> None:
    """A space would begin the next field. Names that differ only in spaces get numbers."""
    named = of(
        *TURNS, Turn(start=9.0, end=9.5, speaker="x"), name="aula de 3ª.mp3", SPEAKER_00="Ana\xa0Sá", SPEAKER_01="Ana_Sá", x=" \n"
    )
    assert [line.split(" ")[1::6] for line in render("rttm", named).splitlines()] == [
        ["aula_de_3ª", "Ana_Sá"],
        ["aula_de_3ª", "Ana_Sá_2"],
        ["aula_de_3ª", "_"],
    ]


def test_nobody_is_called_unknown() -> None:
    """`<NA>` means a field without a value."""
    assert " _ <NA> <NA>\n" in render("rttm", of(TURNS[0], SPEAKER_01="<NA>"))


@given(
    st.lists(
        st.builds(
            lambda start, length, speaker: Turn(start=start, end=start + length, speaker=speaker),
            st.floats(0, 90_000),
            st.floats(0, 900),
            st.text(ALPHABET, max_size=20),
        ),
        max_size=8,
    ),
    st.text(ALPHABET, max_size=20),
)
def test_every_line_has_ten_fields(turns: list[Turn], name: str) -> None:
    """With any names and labels, and with the same number of speakers."""
    lines = [line.split() for line in render("rttm", of(*turns, name=name)).split("\n")[:-1]]
    kept = [turn for turn in turns if round(turn.end * 1000) > round(turn.start * 1000)]
    assert len(lines) == len(kept)
    assert {len(line) for line in lines} <= {10}
    assert len({line[7] for line in lines}) == len({turn.speaker for turn in kept})
    assert sorted(float(line[3]) for line in lines) == sorted(round(turn.start * 1000) / 1000 for turn in kept)


def test_pyannote_reads_it(tmp_path: Path) -> None:
    """With the same turns and speakers, and the name of the recording."""
    util = pytest.importorskip("pyannote.database.util", reason="comes with the extra diarization")
    path = tmp_path / "aula.rttm"
    path.write_text(render("rttm", of(*TURNS, SPEAKER_00="Ana Sá <a&b>")), encoding="utf-8")
    read = util.load_rttm(path)["aula"]
    assert [(round(span.start, 3), round(span.end, 3), name) for span, _, name in read.itertracks(yield_label=True)] == [
        (0.2, 2.5, "Ana_Sá_<a&b>"),
        (1.25, 3.0, "SPEAKER_01"),
    ]
