"""Advanced SubStation Alpha: exact lines, and independent parsers."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path

import pysubs2
from hypothesis import assume, given

from tests.formats.documents import DIALOGUE, PATIENT, SILENCE, any_transcript, segment, spoken, transcript
from transcribe_cli.formats import render
from transcribe_cli.formats.cues import make_cues
from transcribe_cli.subtitles.standards import DEFAULT_STYLE, Standard, SubtitleStyle
from transcribe_cli.transcript import Transcript

SENTENCES = transcript(spoken("Bom dia a todos."), spoken("Hoje falamos de <DNA> & RNA.", start=2.5))


def lines(document: Transcript, subtitles: SubtitleStyle = DEFAULT_STYLE) -> list[str]:
    """The lines of the cues."""
    return [line for line in str(render("ass", document, subtitles)).splitlines() if line.startswith("Dialogue: ")]


def as_shown(text: str) -> str:
    """Replaces braces and backslashes, which would be markup."""
    return text.translate(str.maketrans({"{": "｛", "}": "｝", "\\": "\\\u2060"}))


def test_a_cue_is_a_line_with_its_speaker() -> None:
    """The speaker is in the Name field, and in the text at a change of speaker; times are in hundredths."""
    one_by_one = SubtitleStyle(Standard.model_validate("plain"))
    assert lines(DIALOGUE, one_by_one) == [
        "Dialogue: 0,0:00:00.00,0:00:01.50,Default,SPEAKER_00,0,0,0,,SPEAKER_00: Bom dia.",
        "Dialogue: 0,0:00:01.75,0:00:02.48,Default,SPEAKER_00,0,0,0,,Tudo bem?",
        "Dialogue: 0,1:01:03.25,1:01:04.00,Default,Ana <a&b>,0,0,0,,Ana <a&b>: Tudo.",
    ]


def test_nothing_in_a_text_is_markup() -> None:
    """Tags, line breaks, a comma in a name."""
    (line,) = lines(transcript(segment(" {\\b1}oi\\Nlá, sim", 0.0, 1.5, speaker="A, {B}")))
    assert line.partition("Default,")[2] == "A {B},0,0,0,,A, ｛B｝: ｛\\\u2060b1｝oi\\\u2060Nlá, sim"


def test_karaoke_gives_the_times_of_words() -> None:
    """In hundredths, each until the start of the next word; the sum is the duration of the cue."""
    first, second = lines(SENTENCES, SubtitleStyle(karaoke=True))
    assert first.endswith(",{\\k0}{\\k50}Bom{\\k50} dia{\\k50} a{\\k50} todos.")
    assert second.endswith(",{\\k0}{\\k50}Hoje{\\k50} falamos{\\k50} de{\\k50} <DNA>{\\k50} &{\\k50} RNA.")


def test_a_recording_without_speech_results_in_the_header() -> None:
    """Which is a valid file."""
    assert list(pysubs2.SSAFile.from_string(str(render("ass", SILENCE)))) == []


@PATIENT
@given(any_transcript)
def test_an_independent_parser_finds_the_same_cues(document: Transcript) -> None:
    """With any text and names, `pysubs2` finds every cue, its times in hundredths, its text and speaker; none overlap."""
    expected = make_cues(document, DEFAULT_STYLE.standard, label="{}: ")
    assume(all(cue.end_ms < 99 * 3_600_000 for cue in expected))  # it reads no more than two digits of hours
    read = list(pysubs2.SSAFile.from_string(str(render("ass", document))))
    assert [event.start for event in read] == [cue.start_ms // 10 * 10 for cue in expected]
    assert all(0 <= event.end - cue.end_ms // 10 * 10 <= 10 for event, cue in zip(read, expected, strict=True))
    assert all(one.end <= max(two.start, one.start + 10) for one, two in pairwise(read))
    assert [event.plaintext.replace("\n", " ").strip() for event in read] == [
        as_shown(" ".join(cue.lines)).strip()
        for cue in expected  # a no-break space at an end is not seen
    ]
    karaoke = pysubs2.SSAFile.from_string(str(render("ass", document, SubtitleStyle(karaoke=True))))
    assert [event.plaintext.strip() for event in karaoke] == [event.plaintext.strip() for event in read]


def test_ffmpeg_reads_it(tmp_path: Path) -> None:
    """It converts the file without warnings, also with word times."""
    for subtitles in (DEFAULT_STYLE, SubtitleStyle(karaoke=True)):
        path = tmp_path / "aula.ass"
        path.write_text(str(render("ass", SENTENCES, subtitles)), encoding="utf-8", newline="")
        done = subprocess.run(
            ["ffmpeg", "-v", "warning", "-i", path, "-f", "srt", "-"], check=True, capture_output=True, text=True
        )
        assert done.stderr == ""
        assert "Bom dia a todos." in done.stdout
        assert "Hoje falamos de <DNA> & RNA." in done.stdout
