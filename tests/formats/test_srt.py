"""SubRip: exact bytes, and readers that are not ours."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import srt
from hypothesis import given

from tests.formats.documents import DIALOGUE, LESSON, SILENCE, any_transcript, segment, spoken, transcript
from transcribe_cli.formats import render
from transcribe_cli.formats.cues import cues
from transcribe_cli.transcript import Transcript


def test_srt_is_what_openai_whisper_writes() -> None:
    """Index from 1, hours always, a comma, text stripped, a blank line after each cue, also the last."""
    assert render("srt", LESSON) == (
        "1\n00:00:00,000 --> 00:00:02,000\nBom dia a todos.\n\n2\n00:00:02,500 --> 00:00:05,500\nHoje falamos de <DNA> & RNA.\n\n"
    )


def test_a_name_is_written_where_the_speaker_changes() -> None:
    """Not again before each cue of the same speaker."""
    assert render("srt", DIALOGUE) == (
        "1\n00:00:00,000 --> 00:00:01,500\nSPEAKER_00: Bom dia.\n\n"
        "2\n00:00:01,750 --> 00:00:02,480\nTudo bem?\n\n"
        "3\n01:01:03,250 --> 01:01:04,000\nAna <a&b>: Tudo.\n\n"
    )


def test_a_recording_without_speech_gives_an_empty_file() -> None:
    """SubRip has no header."""
    assert render("srt", SILENCE) == ""


def test_an_arrow_in_the_text_is_no_time_line() -> None:
    """It is shortened, as openai/whisper does; so is one that only appears when control characters go."""
    written = render("srt", transcript(segment(" a --> b -\x00-> c ---> d", 0.0, 1.0)))
    assert written == "1\n00:00:00,000 --> 00:00:01,000\na -> b -> c -> d\n\n"


def test_the_speaker_takes_room_in_the_lines() -> None:
    """Lines stay within 42 characters, prefix included."""
    long = transcript(segment(" Hoje vamos falar da divisão das células.", 0.0, 3.0, speaker="SPEAKER_00"))
    assert render("srt", long).split("\n")[2:4] == ["SPEAKER_00: Hoje vamos falar", "da divisão das células."]


def test_a_name_cannot_break_the_file() -> None:
    """Line breaks are spaces, an arrow is shortened, of a very long name the beginning is written, once."""
    hostile = transcript(
        segment(" um", 0.0, 1.0, speaker="A\n\n2\n00:00:05,000 --> 00:00:06,000\nB"),
        segment(" dois", 1.0, 2.0, speaker="N" * 500),
    )
    assert [cue.content for cue in srt.parse(render("srt", hostile))] == [
        "A 2 00:00:05,000 -> 00:00:06…: um",
        f"{'N' * 29}…: dois",
    ]


@given(any_transcript)
def test_an_independent_reader_sees_the_same_cues(document: Transcript) -> None:
    """Whatever the text is, the `srt` package finds every cue, its times and its number."""
    read = list(srt.parse(render("srt", document)))
    expected = cues(document, label="{}: ")
    assert [cue.index for cue in read] == list(range(1, len(expected) + 1))
    assert [round(cue.start.total_seconds() * 1000) for cue in read] == [cue.start_ms for cue in expected]
    assert [round(cue.end.total_seconds() * 1000) for cue in read] == [cue.end_ms for cue in expected]
    assert [cue.content.replace("\n", " ") for cue in read] == [re.sub("-{2,}>", "->", cue.text) for cue in expected]


def test_ffmpeg_reads_it(tmp_path: Path) -> None:
    """FFmpeg converts it to its own SubRip without a complaint, with all cues."""
    path = tmp_path / "aula.srt"
    path.write_text(render("srt", transcript(spoken("Bom dia a todos."), spoken("Olá.", 3.0))), encoding="utf-8", newline="")
    command = ["ffmpeg", "-v", "warning", "-i", path, "-f", "srt", "-"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stderr == ""
    assert [cue.content for cue in srt.parse(done.stdout)] == ["Bom dia a todos.", "Olá."]
