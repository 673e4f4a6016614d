"""SubRip: exact bytes, and independent parsers."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pysubs2
import pytest
import srt
from hypothesis import given

from tests.formats.documents import DIALOGUE, LESSON, PATIENT, SILENCE, any_transcript, segment, spoken, talk, transcript, words
from transcribe_cli.formats import render
from transcribe_cli.formats.cues import make_cues
from transcribe_cli.subtitles.standards import DEFAULT_STYLE, SubtitleStyle
from transcribe_cli.transcript import Transcript


def test_srt_has_the_layout_of_openai_whisper() -> None:
    """Numbers from 1, always with hours, a comma, stripped text, a blank line after each cue."""
    assert render("srt", LESSON) == (
        "1\n00:00:00,000 --> 00:00:02,000\nBom dia a todos.\n\n2\n00:00:03,500 --> 00:00:06,500\nHoje falamos de <DNA> & RNA.\n\n"
    )


def test_a_name_is_written_where_the_speaker_changes() -> None:
    """Not repeated before each cue of the same speaker."""
    assert render("srt", DIALOGUE) == (
        "1\n00:00:00,000 --> 00:00:02,480\nSPEAKER_00: Bom dia. Tudo bem?\n\n"
        "2\n01:01:03,250 --> 01:01:04,192\nAna <a&b>: Tudo.\n\n"
    )


def test_a_recording_without_speech_results_in_an_empty_file() -> None:
    """SubRip has no header."""
    assert render("srt", SILENCE) == ""


def test_an_arrow_in_the_text_is_shortened() -> None:
    """As in openai/whisper; also one that appears only after control characters were removed."""
    written = render("srt", transcript(segment(" a --> b -\x00-> c ---> d", 0.0, 2.0)))
    assert written == "1\n00:00:00,000 --> 00:00:02,000\na -> b -> c -> d\n\n"


def test_the_speaker_counts_toward_the_line_length() -> None:
    """Lines stay within 42 characters, the name included."""
    long = transcript(segment(" Hoje vamos falar da divisão das células.", 0.0, 3.0, speaker="SPEAKER_00"))
    assert render("srt", long).split("\n")[2:4] == ["SPEAKER_00: Hoje vamos falar", "da divisão das células."]


def test_a_name_cannot_break_the_file() -> None:
    """Line breaks become spaces, an arrow is shortened, and a very long name is shortened and written once."""
    hostile = transcript(
        segment(" um", 0.0, 1.0, speaker="A\n\n2\n00:00:05,000 --> 00:00:06,000\nB"),
        segment(" dois", 1.0, 2.0, speaker="N" * 500),
    )
    assert [cue.content for cue in srt.parse(render("srt", hostile))] == [
        "A 2 00:00:05,000 -> 00:…: um",
        f"{'N' * 24}…: dois",
    ]


@PATIENT
@given(any_transcript)
def test_an_independent_parser_finds_the_same_cues(document: Transcript) -> None:
    """With any text, the `srt` package finds every cue, its times and its number."""
    read = list(srt.parse(render("srt", document)))
    expected = make_cues(document, DEFAULT_STYLE.standard, label="{}: ")
    assert [cue.index for cue in read] == list(range(1, len(expected) + 1))
    assert [round(cue.start.total_seconds() * 1000) for cue in read] == [cue.start_ms for cue in expected]
    assert [round(cue.end.total_seconds() * 1000) for cue in read] == [cue.end_ms for cue in expected]
    assert [cue.content for cue in read] == [re.sub("-{2,}>", "->", "\n".join(cue.lines)) for cue in expected]


def test_each_word_is_underlined_in_its_own_cue() -> None:
    """As in openai/whisper: the words keep their positions, and none is underlined in pauses."""
    paused = transcript(segment(" Bom dia <b>.", 0.0, 2.0, words=(*words("Bom", 0.0), *words("dia", 0.5), *words("<b>.", 1.25))))
    assert render("srt", paused, SubtitleStyle(highlight_words=True)) == (
        "1\n00:00:00,000 --> 00:00:00,500\n<u>Bom</u> dia <b>.\n\n"
        "2\n00:00:00,500 --> 00:00:01,000\nBom <u>dia</u> <b>.\n\n"
        "3\n00:00:01,000 --> 00:00:01,250\nBom dia <b>.\n\n"
        "4\n00:00:01,250 --> 00:00:01,750\nBom dia <u><b>.</u>\n\n"
    )


@PATIENT
@given(talk())
def test_underlined_words_fill_the_time_of_their_cue(document: Transcript) -> None:
    """Stages do not overlap, and all have the text of the cue."""
    read = list(srt.parse(render("srt", document, SubtitleStyle(highlight_words=True))))
    bare = [(cue.start, cue.end, re.sub("</?u>", "", cue.content)) for cue in read]
    merged: list[tuple[timedelta, timedelta, str]] = []
    for start, end, text in bare:
        if merged and merged[-1][1] == start and merged[-1][2] == text:
            merged[-1] = (merged[-1][0], end, text)
        else:
            merged.append((start, end, text))
    plain = [(cue.start, cue.end, cue.content) for cue in srt.parse(render("srt", document))]
    assert merged == plain or len({text for *_, text in plain}) < len(plain)


@pytest.mark.parametrize("name", ["srt", "vtt"])
@PATIENT
@given(document=talk())
def test_pysubs2_reads_the_same_cues(document: Transcript, name: str) -> None:
    """An independent parser of both formats."""
    read = pysubs2.SSAFile.from_string(render(name, document), format_=name)
    expected = make_cues(document, DEFAULT_STYLE.standard, label="{}: " if name == "srt" else "")
    assert [(event.start, event.end) for event in read] == [(cue.start_ms, cue.end_ms) for cue in expected]
    assert [event.plaintext for event in read] == ["\n".join(cue.lines) for cue in expected]


def test_ffmpeg_reads_it(tmp_path: Path) -> None:
    """FFmpeg converts it to its own SubRip without warnings, with all cues."""
    path = tmp_path / "aula.srt"
    path.write_text(render("srt", transcript(spoken("Bom dia a todos."), spoken("Olá.", 3.0))), encoding="utf-8", newline="")
    command = ["ffmpeg", "-v", "warning", "-i", path, "-f", "srt", "-"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stderr == ""
    assert [cue.content for cue in srt.parse(done.stdout)] == ["Bom dia a todos.", "Olá."]
