"""RTTM: exact lines, and a reader that is not ours."""

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
    """A transcript of a recording of this name, with these turns and names of speakers."""
    source = Source(name=name, uri=f"/{name}", size=1)
    return transcript(turns=turns, source=source, speaker_names=names)


def test_a_line_for_each_turn() -> None:
    """Ten fields; start and length in seconds with three decimals; in the order of their starts; also where nobody was recognized."""
    assert render("rttm", of(*TURNS)) == (
        "SPEAKER aula 1 0.200 2.300 <NA> <NA> SPEAKER_00 <NA> <NA>\nSPEAKER aula 1 1.250 1.750 <NA> <NA> SPEAKER_01 <NA> <NA>\n"
    )


def test_without_diarization_there_is_nothing() -> None:
    """A turn that lasts no millisecond is nothing either: scorers refuse it."""
    assert render("rttm", SILENCE) == ""
    assert render("rttm", of(Turn(start=1.0, end=1.0004, speaker="A"))) == ""


def test_a_field_has_no_space() -> None:
    """It would begin the next one; that is why two names are told apart when only their spaces did."""
    named = of(
        *TURNS, Turn(start=9.0, end=9.5, speaker="x"), name="aula de 3ª.mp3", SPEAKER_00="Ana\xa0Sá", SPEAKER_01="Ana_Sá", x=" \n"
    )
    assert [line.split(" ")[1::6] for line in render("rttm", named).splitlines()] == [
        ["aula_de_3ª", "Ana_Sá"],
        ["aula_de_3ª", "Ana_Sá_2"],
        ["aula_de_3ª", "_"],
    ]


def test_nobody_is_called_unknown() -> None:
    """`<NA>` stands for a field without a value."""
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
    """Whatever names and labels are, and as many voices as there were."""
    lines = [line.split() for line in render("rttm", of(*turns, name=name)).split("\n")[:-1]]
    kept = [turn for turn in turns if round(turn.end * 1000) > round(turn.start * 1000)]
    assert len(lines) == len(kept)
    assert {len(line) for line in lines} <= {10}
    assert len({line[7] for line in lines}) == len({turn.speaker for turn in kept})
    assert sorted(float(line[3]) for line in lines) == sorted(round(turn.start * 1000) / 1000 for turn in kept)


def test_pyannote_reads_it(tmp_path: Path) -> None:
    """The same turns of the same speakers, of the recording's name."""
    util = pytest.importorskip("pyannote.database.util", reason="comes with the extra diarization")
    path = tmp_path / "aula.rttm"
    path.write_text(render("rttm", of(*TURNS, SPEAKER_00="Ana Sá <a&b>")), encoding="utf-8")
    read = util.load_rttm(path)["aula"]
    assert [(round(span.start, 3), round(span.end, 3), name) for span, _, name in read.itertracks(yield_label=True)] == [
        (0.2, 2.5, "Ana_Sá_<a&b>"),
        (1.25, 3.0, "SPEAKER_01"),
    ]
