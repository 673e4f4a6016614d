"""TextGrid, read by Praat itself."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import parselmouth
from hypothesis import given
from parselmouth.praat import call

from tests.formats.documents import DIALOGUE, LESSON, PATIENT, SILENCE, any_transcript, segment, spoken, transcript
from transcribe_cli.formats import render
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.transcript import Transcript

Tiers = list[tuple[str, list[tuple[float, float, str]]]]


def read(document: Transcript) -> Tiers:
    """The name of each tier and its intervals, read by Praat."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "aula.TextGrid"
        path.write_text(str(render("textgrid", document)), encoding="utf-8", newline="")
        grid = parselmouth.read(str(path))
    tiers = []
    for tier in range(1, call(grid, "Get number of tiers") + 1):
        intervals = [
            (
                round(call(grid, "Get starting point", tier, number), 3),
                round(call(grid, "Get end point", tier, number), 3),
                call(grid, "Get label of interval", tier, number),
            )
            for number in range(1, call(grid, "Get number of intervals", tier) + 1)
        ]
        tiers.append((call(grid, "Get tier name", tier), intervals))
    return tiers


def test_every_speaker_has_a_tier() -> None:
    """Named after the speaker, with the text and pauses."""
    assert read(DIALOGUE) == [
        ("SPEAKER_00", [(0, 1.5, "Bom dia."), (1.5, 1.75, ""), (1.75, 2.48, "Tudo bem?"), (2.48, 3664, "")]),
        ("Ana <a&b>", [(0, 3663.25, ""), (3663.25, 3664, "Tudo.")]),
    ]


def test_words_have_their_own_tier() -> None:
    """If there are word times; quotation marks are escaped."""
    (sentences, found) = read(transcript(spoken('Diz "sim".', 1.0), duration=3.0))
    assert sentences == ("sentences", [(0, 1, ""), (1, 2, 'Diz "sim".'), (2, 3, "")])
    assert found == ("words", [(0, 1, ""), (1, 1.5, "Diz"), (1.5, 2, '"sim".'), (2, 3, "")])
    assert [name for name, _ in read(transcript(spoken("Sim.", speaker="Ana")))] == ["Ana", "Ana - words"]


def test_a_recording_without_speech_is_one_pause() -> None:
    """Praat rejects a file without tiers."""
    assert read(SILENCE) == [("sentences", [(0, 12, "")])]
    assert len(read(LESSON)) == 2


def test_overlapping_segments_are_cut() -> None:
    """A tier allows no overlap and no empty interval."""
    at_once = transcript(segment(" Um.", 0.0, 2.0), segment(" Dois.", 1.0, 1.0), segment(" Três.", 1.0, 3.0), duration=3.0)
    assert read(at_once) == [("sentences", [(0, 1, "Um."), (1, 1.001, "Dois."), (1.001, 3, "Três.")])]


@PATIENT
@given(any_transcript)
def test_praat_sees_every_segment(document: Transcript) -> None:
    """With any text, names and times; the tiers cover the recording without gaps."""
    tiers = dict(read(document))
    for speaker in {one_line(part.speaker or "") or "sentences" for part in document.segments}:
        said = [one_line(part.text) for part in document.segments if (one_line(part.speaker or "") or "sentences") == speaker]
        assert sorted(label for _, _, label in tiers[speaker] if label) == sorted(filter(None, said))
    for intervals in tiers.values():
        assert all(one[1] == two[0] for one, two in pairwise(intervals))
        assert all(start < end for start, end, _ in intervals)
        assert intervals[0][0] == 0
