"""A small file does not keep `score` busy for hours.

The attacker wrote a reference or a hypothesis: RTTM, STM, subtitles, text or JSON. They want the evaluation of everybody else's files to
stand still: assignments of speakers, alignments and Unicode normalization take time with the square of what they get, or worse.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Ran
from transcribe_cli.audio import Waveform
from transcribe_cli.errors import DiarizationFailed, RecordingError, Unreadable
from transcribe_cli.scoring import Options
from transcribe_cli.scoring.compare import compare
from transcribe_cli.scoring.document import Document, Utterance, document_of
from transcribe_cli.scoring.normalize import normalizer
from transcribe_cli.scoring.readers import read
from transcribe_cli.scoring.speaker_errors import count_pieces
from transcribe_cli.speakers.diarizers.rttm import RttmDiarizer
from transcribe_cli.spec import JobSpec
from transcribe_cli.text import encodings
from transcribe_cli.text.combining_marks import MAX_MARKS, without_endless_marks
from transcribe_cli.transcript import Turn

WORDS = document_of([Utterance("um dois", "A", 0, 1)])


def turns_of(count: int, *, speakers: int, seconds: float) -> tuple[Turn, ...]:
    """Turns that start one after the other every second."""
    return tuple(Turn(start=float(index), end=index + seconds, speaker=f"s{index % speakers}") for index in range(count))


CROWDS = {
    "speakers": (turns_of(5_000, speakers=5_000, seconds=5_000.0), "more than 100 speakers in the hypothesis"),
    "turns": (turns_of(20_001, speakers=2, seconds=0.5), "more than 20,000 turns in the hypothesis"),
    "overlaps": (turns_of(12_000, speakers=100, seconds=98.5), "too many turns overlap"),
}


@pytest.mark.parametrize("kind", CROWDS)
def test_turns_of_a_crowd_are_not_assigned(kind: str) -> None:
    """The words of the same recording are scored all the same, and the line says why there is no DER."""
    turns, reason = CROWDS[kind]
    result = compare(WORDS, WORDS.with_turns(turns), Options())
    assert (result.der, result.not_measured["der"]) == (None, reason)
    assert result.wer is not None
    with pytest.raises(RecordingError, match=f"der cannot be measured: {reason}"):
        compare(WORDS, WORDS.with_turns(turns), Options(metrics=("der",)))
    with pytest.raises(RecordingError, match="Nothing can be compared: "):
        compare(Document(None, turns), Document(None, turns), Options())


def test_overlaps_that_both_sides_make_together() -> None:
    """Long turns on one side are cut by short ones on the other."""
    long = tuple(Turn(start=0.0, end=20_000.0, speaker=f"s{index}") for index in range(100))
    short = turns_of(20_000, speakers=2, seconds=0.5)
    for pair in ((long, short), (short, long)):
        with pytest.raises(RecordingError, match="too many turns overlap"):
            compare(*(Document(None, turns) for turns in pair), Options())


def test_the_command_says_it_in_one_line(tmp_path: Path, transcribe: Callable[..., Ran]) -> None:
    """5,000 speakers in an RTTM of 200 kB; the recording beside it is scored."""
    for side in ("ref", "hyp"):
        folder = tmp_path / side
        folder.mkdir()
        lines = [f"SPEAKER a 1 {index / 5_000:.4f} 100 <NA> <NA> s{index} <NA> <NA>" for index in range(5_000)]
        (folder / "a.rttm").write_text("\n".join(lines))
        (folder / "b.rttm").write_text("SPEAKER b 1 0 100 <NA> <NA> s <NA> <NA>")
    ran = transcribe("score", tmp_path / "ref", tmp_path / "hyp")
    assert ran.code == 3
    assert ran.err.count("\n") == 1
    assert "more than 100 speakers" in ran.err
    assert "1 recording scored" in ran.out


@pytest.mark.parametrize("text", ["a " * 300_001, "a" * 1_200_001, "[x]" * 2_000_000, "!" * 4_800_001])
def test_long_texts_are_refused_before_they_are_aligned(text: str) -> None:
    """Counted before normalization, and after."""
    with pytest.raises(RecordingError, match="the maximum for scoring is"):
        compare(WORDS, document_of([Utterance(text)]), Options())


@pytest.mark.parametrize("marks", ["\u0301\u0327", "\u0301", "\u0327\u0301\u0334"])
def test_endless_marks_on_a_letter(marks: str) -> None:
    """Unicode sorts them, in time with the square of their number; a letter of any language keeps its own."""
    assert len(without_endless_marks("a" + marks * 500_000 + "b")) == MAX_MARKS + 2
    assert len(normalizer("pt")("a" + marks * 500_000)) <= MAX_MARKS + 1
    assert without_endless_marks("é\u0327 ệ") == "é\u0327 ệ"


@pytest.mark.parametrize("suffix", [".rttm", ".srt", ".vtt", ".stm", ".txt", ".json"])
def test_huge_files_are_refused_before_they_are_parsed(suffix: str, tmp_path: Path) -> None:
    """A sparse file costs its author nothing."""
    path = tmp_path / f"a{suffix}"
    with path.open("wb") as file:
        file.truncate(encodings.MAX_TEXT_BYTES + 1)
    with pytest.raises(Unreadable, match="too large, at most 100 MB"):
        read(path)


@pytest.mark.parametrize("distinct", [True, False])
def test_given_turns_of_a_crowd(distinct: bool, tmp_path: Path) -> None:
    """`run --diarize-model rttm` compares each word with each speaker."""
    lines = [
        f"SPEAKER a 1 {index / 1000:.3f} 5 <NA> <NA> s{index if distinct else index % 7} <NA> <NA>" for index in range(5_000)
    ]
    path = tmp_path / "a.rttm"
    path.write_text("\n".join(lines))
    with Waveform.from_samples(np.zeros(16_000), tmp_path) as waveform:
        diarizer = RttmDiarizer(path, "a.mp3")
        if distinct:
            with pytest.raises(DiarizationFailed, match=r"a\.rttm has 5,000 speakers; the maximum is 1,000"):
                diarizer.diarize(waveform, JobSpec(model="small"), lambda _: None)
        else:
            assert len({turn.speaker for turn in diarizer.diarize(waveform, JobSpec(model="small"), lambda _: None).turns}) == 7


def test_the_pieces_are_counted_exactly() -> None:
    """Two overlapping turns are cut into four pieces by their own borders, and more by those of the other side."""
    one = (Turn(start=0, end=2, speaker="A"), Turn(start=1, end=3, speaker="B"))
    assert count_pieces(one, ()) == 4
    assert count_pieces(one, (Turn(start=1.5, end=1.7, speaker="C"),)) == 8
    assert count_pieces((), one) == 0
