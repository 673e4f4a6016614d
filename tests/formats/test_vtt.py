"""WebVTT: exact bytes, and independent parsers."""

from __future__ import annotations

import io
import re
import subprocess
from html import unescape
from pathlib import Path

import webvtt
from hypothesis import given

from tests.formats.documents import DIALOGUE, LESSON, PATIENT, SILENCE, any_transcript, segment, spoken, transcript
from transcribe_cli.formats import render
from transcribe_cli.formats.cues import make_cues
from transcribe_cli.formats.timestamps import clock
from transcribe_cli.subtitles.standards import DEFAULT_STYLE, SubtitleStyle
from transcribe_cli.transcript import Transcript


def test_vtt_has_its_header_and_escapes_markup() -> None:
    """Times always have hours; `<`, `>` and `&` are escaped."""
    assert render("vtt", LESSON) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nBom dia a todos.\n\n"
        "00:00:03.500 --> 00:00:06.500\nHoje falamos de &lt;DNA&gt; &amp; RNA.\n\n"
    )


def test_a_speaker_is_a_voice() -> None:
    """Names are escaped like text."""
    assert render("vtt", DIALOGUE) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:02.480\n<v SPEAKER_00>Bom dia. Tudo bem?\n\n"
        "01:01:03.250 --> 01:01:04.083\n<v Ana &lt;a&amp;b&gt;>Tudo.\n\n"
    )


def test_a_very_long_name_is_not_shortened() -> None:
    """Players do not display it, so it takes no space; it cannot end the tag."""
    name = "<v>" * 200
    (cue,) = webvtt.from_buffer(io.StringIO(render("vtt", transcript(segment(" Sim.", 0.0, 1.0, speaker=name)))))
    assert (unescape(cue.voice or ""), cue.text) == (name, "Sim.")


def test_a_recording_without_speech_results_in_the_header() -> None:
    """Which is a valid file."""
    assert render("vtt", SILENCE) == "WEBVTT\n\n"


def test_a_cue_contains_no_blank_line() -> None:
    """A blank line would end the cue."""
    written = render("vtt", transcript(segment(" um\n\n00:00:00.000 --> 00:00:09.000\ndois", 0.0, 3.0, speaker="A\n\nB")))
    assert written == "WEBVTT\n\n00:00:00.000 --> 00:00:03.000\n<v A B>um 00:00:00.000 --&gt; 00:00:09.000 dois\n\n"


@PATIENT
@given(any_transcript)
def test_an_independent_parser_finds_the_same_cues(document: Transcript) -> None:
    """With any text and names, `webvtt-py` finds every cue, its times, text and voice."""
    read = list(webvtt.from_buffer(io.StringIO(render("vtt", document))))
    expected = make_cues(document, DEFAULT_STYLE.standard)
    assert [(cue.start, cue.end) for cue in read] == [(clock(cue.start_ms), clock(cue.end_ms)) for cue in expected]
    bare = [re.sub("^<v [^>]*>", "", cue.raw_text) for cue in read]
    assert [unescape(text) for text in bare] == ["\n".join(cue.lines) for cue in expected]
    assert [unescape(cue.voice or "") for cue in read] == [cue.speaker or "" for cue in expected]


def test_karaoke_contains_the_start_of_each_word() -> None:
    """Except the first, which starts with the cue; the time is between the space and the word."""
    assert render("vtt", LESSON, SubtitleStyle(karaoke=True)) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nBom <00:00:00.500>dia <00:00:01.000>a <00:00:01.500>todos.\n\n"
        "00:00:03.500 --> 00:00:06.500\nHoje <00:00:04.000>falamos <00:00:04.500>de <00:00:05.000>&lt;DNA&gt; "
        "<00:00:05.500>&amp; <00:00:06.000>RNA.\n\n"
    )


@PATIENT
@given(any_transcript)
def test_word_times_increase_within_their_cue(document: Transcript) -> None:
    """As the standard requires; without them the cue has the same text."""
    read = list(webvtt.from_buffer(io.StringIO(render("vtt", document, SubtitleStyle(karaoke=True)))))
    plain = list(webvtt.from_buffer(io.StringIO(render("vtt", document))))
    stamp = re.compile(r"<(\d\d+:\d\d:\d\d\.\d{3})>")
    for cue, bare in zip(read, plain, strict=True):
        times = stamp.findall(cue.raw_text)
        assert [cue.start, *times] == sorted({cue.start, *times}, key=lambda time: (len(time), time))
        assert not times or (len(times[-1]), times[-1]) < (len(cue.end), cue.end)
        assert stamp.sub("", cue.raw_text) == bare.raw_text


def test_each_word_is_underlined_in_its_own_cue() -> None:
    """With the voice before each, and markup in the text escaped."""
    said = transcript(spoken("Bom <dia>", speaker="Ana"))
    assert render("vtt", said, SubtitleStyle(highlight_words=True)) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:00.500\n<v Ana><u>Bom</u> &lt;dia&gt;\n\n"
        "00:00:00.500 --> 00:00:01.000\n<v Ana>Bom <u>&lt;dia&gt;</u>\n\n"
    )


def test_ffmpeg_reads_it(tmp_path: Path) -> None:
    """FFmpeg converts it without warnings and unescapes the text."""
    path = tmp_path / "aula.vtt"
    path.write_text(render("vtt", LESSON), encoding="utf-8", newline="")
    done = subprocess.run(["ffmpeg", "-v", "warning", "-i", path, "-f", "srt", "-"], check=True, capture_output=True, text=True)
    assert done.stderr == ""
    assert "Hoje falamos de <DNA> & RNA." in done.stdout
