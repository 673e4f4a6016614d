"""LRC: exact lines, and an independent parser."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from hypothesis import given

from tests.formats.documents import DIALOGUE, PATIENT, SILENCE, any_transcript, segment, transcript
from transcribe_cli.formats import render
from transcribe_cli.formats.cues import make_cues
from transcribe_cli.subtitles.standards import DEFAULT_STYLE
from transcribe_cli.transcript import Transcript


def test_a_line_begins_with_its_time() -> None:
    """Minutes can exceed 99; an empty line clears the previous one before a pause and at the end."""
    late = transcript(segment(" Bom dia.", 0.0, 1.5, speaker="Ana"), segment(" Sim.", 7263.25, 7264.5, speaker="Ana"))
    assert render("lrc", late) == (
        "[ti:aula.mp3]\n[length:00:12]\n\n[00:00.00]Ana: Bom dia.\n[00:01.50]\n[121:03.25]Sim.\n[121:04.50]\n"
    )


def test_text_that_looks_like_a_time_is_escaped() -> None:
    """It would change the time of the line."""
    odd = transcript(segment(" [01:00.00] lá", 0.0, 2.0), source=DIALOGUE.source.model_copy(update={"name": "a]b.mp3"}))
    assert str(render("lrc", odd)).startswith("[ti:a)b.mp3]\n[length:00:12]\n\n[00:00.00]\u2060[01:00.00] lá\n")


def test_a_recording_without_speech_results_in_the_header() -> None:
    """Which is a valid file."""
    assert render("lrc", SILENCE) == "[ti:aula.mp3]\n[length:00:12]\n\n"


@PATIENT
@given(any_transcript)
def test_every_line_has_a_time(document: Transcript) -> None:
    """With any text and names: the times of all cues, in order, each with its text."""
    written = [re.fullmatch(r"\[(\d\d+):(\d\d)\.(\d\d)\](.*)", line) for line in str(render("lrc", document)).split("\n")[3:-1]]
    assert all(written)
    said = [(int(one[1]) * 6000 + int(one[2]) * 100 + int(one[3]), one[4].lstrip("\u2060")) for one in written if one and one[4]]
    expected = make_cues(document, DEFAULT_STYLE.standard, label="{}: ")
    assert said == [(cue.start_ms // 10, cue.text) for cue in expected]


def test_ffmpeg_reads_it(tmp_path: Path) -> None:
    """Title, times and text."""
    path = tmp_path / "aula.lrc"
    path.write_text(str(render("lrc", DIALOGUE)), encoding="utf-8", newline="")
    command = ["ffprobe", "-v", "warning", "-of", "json", "-show_format", "-show_packets", "-show_data", path]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    read = json.loads(done.stdout)
    assert (done.stderr, read["format"]["tags"]["title"]) == ("", "aula.mp3")
    assert [packet["pts_time"] for packet in read["packets"]] == ["0.000000", "2.480000", "3663.250000", "3664.190000"]
