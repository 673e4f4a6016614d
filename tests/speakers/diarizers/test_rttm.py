"""Turns are read from RTTM; invalid lines are reported with their number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from transcribe_cli.audio import SAMPLE_RATE, Waveform
from transcribe_cli.errors import DiarizationFailed, TranscribeError
from transcribe_cli.speakers.diarizers.rttm import RttmDiarizer, parse
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import Turn

TEXT = """\
;; by hand
SPKR-INFO aula 1 <NA> <NA> <NA> unknown Ana <NA> <NA>
SPEAKER aula 1 3.000 2.500 <NA> <NA> Bruno <NA> <NA>

SPEAKER aula 1 0.500 2.000 <NA> <NA> Ana <NA> <NA>
SPEAKER aula 1 9.000 5.000 <NA> <NA> Ana 0.93
"""


def diarize(path: Path, waveform: Waveform, recording: str = "aula.mp3") -> tuple[Turn, ...]:
    progress: list[float] = []
    turns = RttmDiarizer(path, recording).diarize(waveform, JobSpec(diarize=True), progress.append).turns
    assert progress == [1.0]
    return turns


def test_turns_are_ordered_and_cut_to_the_recording_and_keep_their_names(
    tmp_path: Path, waveform_of: Callable[..., Waveform]
) -> None:
    path = tmp_path / "aula.rttm"
    path.write_text(TEXT, encoding="utf-8-sig")
    assert [(turn.start, turn.end, turn.speaker) for turn in diarize(path, waveform_of(np.zeros(10 * SAMPLE_RATE)))] == [
        (0.5, 2.5, "Ana"),
        (3.0, 5.5, "Bruno"),
        (9.0, 10.0, "Ana"),
    ]


def test_the_right_one_of_several_recordings_is_used() -> None:
    text = TEXT + "SPEAKER reuniao 1 1 2 <NA> <NA> Caio <NA> <NA>\nSPEAKER minha_aula 1 1 2 <NA> <NA> Davi <NA> <NA>\n"
    assert {turn.speaker for turn in parse(text, "reuniao.wav")} == {"Caio"}
    assert {turn.speaker for turn in parse(text, "aula")} == {"Ana", "Bruno"}
    assert {turn.speaker for turn in parse(text, "minha aula.wav")} == {"Davi"}
    with pytest.raises(TranscribeError, match="contains 3 recordings, but none is called palestra"):
        parse(text, "palestra.wav")


def test_a_single_recording_may_have_any_name() -> None:
    assert len(parse(TEXT, "audiencia.wav")) == 3
    assert parse("", "audiencia.wav") == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("SPEAKER aula 1 0.5", "line 2: 4 fields instead of 8 or more"),
        ("SPEAKER aula 1 x 2 <NA> <NA> Ana", "line 2: 'x' is not a start in seconds"),
        ("SPEAKER aula 1 1 -2 <NA> <NA> Ana", "line 2: '-2' is not a duration in seconds"),
        ("SPEAKER aula 1 nan 2 <NA> <NA> Ana", "line 2: 'nan' is not a start in seconds"),
        ("SPEAKER aula 1 1 inf <NA> <NA> Ana", "line 2: 'inf' is not a duration in seconds"),
        ("1\n00:00:01,000 --> 00:00:02,000", "line 2: '1' is not an RTTM line type"),
    ],
)
def test_an_invalid_line_is_reported(tmp_path: Path, waveform_of: Callable[..., Waveform], line: str, said: str) -> None:
    path = tmp_path / "aula.rttm"
    path.write_text(f";; first\n{line}\n")
    with pytest.raises(DiarizationFailed) as caught:
        diarize(path, waveform_of(np.zeros(SAMPLE_RATE)))
    assert str(caught.value).startswith(f"aula.rttm, {said}")


def test_an_unreadable_file_is_reported(tmp_path: Path, waveform_of: Callable[..., Waveform]) -> None:
    path = tmp_path / "aula.rttm"
    with pytest.raises(DiarizationFailed, match="cannot be read"):
        diarize(path, waveform_of(np.zeros(SAMPLE_RATE)))
    path.write_bytes(b"SPEAKER \xff\xfe")
    with pytest.raises(DiarizationFailed, match="it is not UTF-8"):
        diarize(path, waveform_of(np.zeros(SAMPLE_RATE)))
