"""Readers of all formats, with files as written by the tools, and with damaged files."""

from __future__ import annotations

import json
import os
from itertools import groupby
from pathlib import Path

import pytest

from tests.cli.recordings import check_harmless
from tests.formats.documents import DIALOGUE, segment, transcript
from transcribe_cli.errors import Unreadable, UsageError
from transcribe_cli.formats import render
from transcribe_cli.scoring.document import Document
from transcribe_cli.scoring.readers import READERS, check_suffix, read, read_one
from transcribe_cli.transcript import Turn

# https://github.com/openai/whisper/blob/main/whisper/transcribe.py
WHISPER = {
    "text": " Bom dia. Hoje falamos.",
    "segments": [
        {
            "id": 0,
            "seek": 0,
            "start": 0.0,
            "end": 1.5,
            "text": " Bom dia.",
            "tokens": [1],
            "temperature": 0.0,
            "avg_logprob": -0.1,
        },
        {"id": 1, "seek": 0, "start": 1.5, "end": 3, "text": " Hoje falamos.", "tokens": [2], "words": []},
    ],
    "language": "pt",
}
# https://github.com/m-bain/whisperX: numbers have no times, and segments are not split where the speaker changes.
WHISPERX = {
    "segments": [
        {
            "start": 0.5,
            "end": 4.0,
            "text": " Tem 42 anos? Tenho sim.",
            "words": [
                {"word": "Tem", "start": 0.5, "end": 0.9, "score": 0.9, "speaker": "SPEAKER_01"},
                {"word": "42"},
                {"word": "anos?", "start": 1.4, "end": 2.0, "score": 0.9, "speaker": "SPEAKER_01"},
                {"word": "Tenho", "start": 2.5, "end": 3.0, "score": 0.9, "speaker": "SPEAKER_00"},
                {"word": "sim.", "start": 3.1, "end": 3.6, "score": 0.9, "speaker": "SPEAKER_00"},
            ],
            "speaker": "SPEAKER_01",
        }
    ],
    "word_segments": [],
}
VTT = """\ufeffWEBVTT - a title

STYLE
::cue { color: red }

NOTE not --- said

intro
00:01.000 --> 00:02.500 align:start
<v.loud Ana Maria>Bom <i>dia</i></v> todos
<v Bruno>A &lt; B &amp; C

01:00:00.000 --> 01:00:01.000
<00:00:00.500>sem <c.red>ninguém</c>
"""


def file(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    text = content if isinstance(content, str | bytes) else json.dumps(content)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def said(document: Document) -> list[tuple[str | None, str]]:
    return [(utterance.speaker, utterance.text.strip()) for utterance in document.utterances or ()]


def words(document: Document) -> list[str]:
    return " ".join(text for _, text in said(document)).split()


@pytest.mark.parametrize("suffix", ["json", "srt", "vtt", "txt"])
@pytest.mark.parametrize("names", [(None, None), ("SPEAKER_00", "SPEAKER_01"), ("Ana Sá", "Dr. Rui da Mata")])
def test_our_own_formats_are_read_back(suffix, names, tmp_path):
    """Words and speakers in every format, and times in those that have them."""
    texts = [" Bom dia a todos.", " Veja: são <dois> & meio.", " Foi assim: dez.", " Tudo bem?", " Tudo."]
    speakers = [names[0], names[0], names[1], names[0], names[1]]
    segments = [
        segment(text, 2.0 * at, 2 * at + 1.5, speaker=who) for at, (text, who) in enumerate(zip(texts, speakers, strict=True))
    ]
    document = read_one(file(tmp_path, f"a.{suffix}", render(suffix, transcript(*segments))))
    assert words(document) == "".join(texts).split()
    assert [speaker for speaker, _ in groupby(said(document), key=lambda pair: pair[0])] == [
        speaker for speaker, _ in groupby(speakers)
    ]
    assert (document.turns is not None) == (names[0] is not None and suffix != "txt")


def test_labels_with_the_same_name_are_one_speaker(tmp_path):
    """As in all output formats."""
    content = json.loads(
        transcript(segment(" um", 0, 1, speaker="SPEAKER_00"), segment(" dois", 1, 2, speaker="SPEAKER_01")).dumps()
    )
    content |= {
        "speaker_names": {"SPEAKER_01": "Ana", "SPEAKER_00": "Ana"},
        "turns": [{"start": 0, "end": 2, "speaker": "SPEAKER_01"}],
    }
    document = read_one(file(tmp_path, "a.json", content))
    assert said(document) == [("Ana", "um"), ("Ana", "dois")]
    assert document.turns == (Turn(start=0, end=2, speaker="Ana"),)


def test_turns_come_from_the_document_when_it_has_them(tmp_path):
    """They are finer than segments. A diarized transcript without turns has no speakers, which is known."""
    turns = (Turn(start=0, end=1.25, speaker="SPEAKER_00"),)
    assert read_one(file(tmp_path, "a.json", DIALOGUE.model_copy(update={"turns": turns}).dumps())).turns == turns
    silent = json.loads(transcript().dumps())
    assert read_one(file(tmp_path, "b.json", silent)).turns is None
    silent["job"]["spec"]["diarize"] = True
    assert read_one(file(tmp_path, "c.json", silent)).turns == ()
    assert read_one(file(tmp_path, "d.json", silent | {"flags": ["no_diarization"]})).turns is None


def test_json_of_whisper_has_words_and_no_speakers(tmp_path):
    """Also without segments, as in the API's plain `json`."""
    document = read_one(file(tmp_path, "a.json", WHISPER))
    assert said(document) == [(None, "Bom dia."), (None, "Hoje falamos.")]
    assert (document.turns, document.language, document.has_speakers) == (None, "pt", False)
    assert said(read_one(file(tmp_path, "b.json", {"text": "Bom dia.", "language": "portuguese"}))) == [(None, "Bom dia.")]
    assert read_one(file(tmp_path, "c.json", {"text": "", "segments": []})).utterances == ()


def test_segments_of_whisperx_are_split_where_the_speaker_changes(tmp_path):
    """A word without speaker or times belongs to the previous word."""
    document = read_one(file(tmp_path, "a.json", WHISPERX))
    assert said(document) == [("SPEAKER_01", "Tem 42 anos?"), ("SPEAKER_00", "Tenho sim.")]
    assert document.turns == (Turn(start=0.5, end=2.0, speaker="SPEAKER_01"), Turn(start=2.5, end=3.6, speaker="SPEAKER_00"))


def test_vtt_voices_are_speakers(tmp_path):
    """Several in a cue, closed or not. Tags, notes and styles are removed, and entities are decoded."""
    document = read_one(file(tmp_path, "a.vtt", VTT))
    assert said(document) == [("Ana Maria", "Bom dia"), (None, "todos"), ("Bruno", "A < B & C"), (None, "sem ninguém")]
    assert document.turns
    assert [(turn.speaker, turn.start, turn.end) for turn in document.turns] == [("Ana Maria", 1.0, 2.5), ("Bruno", 1.0, 2.5)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1\r\n00:00:01,000 --> 00:00:02,000\r\nBom dia\r\na todos\r\n\r\n", [(None, "Bom dia\na todos")]),
        ("1\n00:00:01,0 --> 00:00:02,0\n[SPEAKER_00]: {\\an8}<i>Bom</i> 1 < 2\n", [("SPEAKER_00", "Bom 1 < 2")]),
        ("1\n0:01.5 --> 0:02.5\num\n2\n00:00:03,000 --> 00:00:04,000\ndois\n", [(None, "um"), (None, "dois")]),
        ("2\n00:00:03,000 --> 00:00:04,000\ndois\n\n1\n00:00:01,000 --> 00:00:02,000\num", [(None, "um"), (None, "dois")]),
        ("1\n00:00:03,000 --> 00:00:04,000\n1984\n\n", [(None, "1984")]),
        ("\ufeff", []),
    ],
)
def test_subrip_is_parsed_as_leniently_as_by_players(text, expected, tmp_path):
    """CRLF, short times, no blank line between cues, cues out of order, numbers that are text, an empty file."""
    assert said(read_one(file(tmp_path, "a.srt", text))) == expected


def test_utf16_is_read(tmp_path):
    """Subtitle editors on Windows write it, with a byte order mark."""
    assert said(read_one(file(tmp_path, "a.txt", "olá".encode("utf-16")))) == [(None, "olá")]


def cues(*texts: str) -> str:
    return "".join(f"{n}\n00:00:{n:02},000 --> 00:00:{n:02},900\n{text}\n\n" for n, text in enumerate(texts, start=1))


@pytest.mark.parametrize(
    ("texts", "speakers"),
    [
        (
            ("SPEAKER_00: um", "dois", "- três", "quatro", "SPEAKER_01: cinco"),
            ["SPEAKER_00", "SPEAKER_00", None, None, "SPEAKER_01"],
        ),
        (
            ("um", "Ana: dois", "três", "Rui: quatro", "Ana: Veja: 5", "Rui: 6", "Olhe: 7"),
            [None, "Ana", "Ana", "Rui", "Ana", "Rui", "Rui"],
        ),
        (("[Ana]: um", "dois"), ["Ana", None]),
        (("Aviso: um", "dois", "Foi assim: três"), [None, None, None]),
        (("resultado: um", "resultado: dois"), [None, None]),
        (("- um\n- dois",), [None]),
    ],
)
def test_names_in_subrip_are_accepted_if_they_look_like_names(texts, speakers, tmp_path):
    """Numbered as by a diarizer, or occurring twice; each applies until the next."""
    assert [speaker for speaker, _ in said(read_one(file(tmp_path, "a.srt", cues(*texts))))] == speakers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ana: Bom dia.\n\nBruno Sá: Tudo: bem?\n", [("Ana", "Bom dia."), ("Bruno Sá", "Tudo: bem?")]),
        ("SPEAKER_00: Bom dia.", [("SPEAKER_00", "Bom dia.")]),
        ("Aviso: hoje não há aula.", [(None, "Aviso: hoje não há aula.")]),
        ("Ana: Bom dia.\ne tchau", [(None, "Ana: Bom dia.\ne tchau")]),
        ("São 10:30.\nFoi assim. Ela disse: não", [(None, "São 10:30.\nFoi assim. Ela disse: não")]),
        ("", []),
    ],
)
def test_names_in_plain_text_must_precede_every_line(text, expected, tmp_path):
    """Otherwise a colon is part of the text."""
    assert said(read_one(file(tmp_path, "a.txt", text))) == expected


def test_rttm_has_speakers_without_words(tmp_path):
    """Other types of lines are ignored. A file may contain many recordings, or none."""
    text = ";; c\nSPKR-INFO a 1 <NA> <NA> <NA> unknown Ana <NA> <NA>\nSPEAKER a 1 0.5 1.5 <NA> <NA> Ana <NA> <NA>\n"
    (turns,) = [document.turns for document in read(file(tmp_path, "a.rttm", text)).values()]
    assert turns == (Turn(start=0.5, end=2.0, speaker="Ana"),)
    two = file(tmp_path, "b.rttm", text + "SPEAKER b 1 0 1 <NA> <NA> X <NA>\n")
    assert list(read(two)) == ["a", "b"]
    with pytest.raises(Unreadable, match="contains 2 recordings"):
        read_one(two)
    silent = read_one(file(tmp_path, "c.rttm", ""))
    assert (silent.utterances, silent.turns) == (None, ())


def test_stm_has_speakers_words_and_times(tmp_path):
    """In order of time, without labels and unscored intervals."""
    text = (
        ";; comment\na 1 Bruno 4.0 8 <o,f0,male> Tudo bem\na 1 Ana 0.0 4.0 Bom <dia>\n"
        "a 1 inter_segment_gap 8 9 <o,,unknown> IGNORE_TIME_SEGMENT_IN_SCORING\na 1 Ana 9 10\n"
    )
    document = read_one(file(tmp_path, "a.stm", text))
    assert said(document) == [("Ana", "Bom <dia>"), ("Bruno", "Tudo bem")]
    assert document.turns
    assert [turn.end for turn in document.turns] == [4.0, 8.0]


BROKEN = {
    "cut.json": '{"segments": [{"text": "um"',
    "list.json": [1, 2],
    "number.json": "5",
    "other.json": {"name": "package", "version": "1"},
    "deep.json": "[" * 100_000,
    "segments.json": {"segments": "x\x1b[2J"},
    "no_text.json": {"segments": [{"start": 1}]},
    "nan.json": '{"segments": [{"text": "um", "start": NaN, "end": 1}]}',
    "infinite.json": '{"segments": [{"text": "um", "start": 0, "end": 1e999}]}',
    "negative.json": {"segments": [{"text": "um", "start": -1, "end": 1}]},
    "huge.json": '{"segments": [{"text": "um", "start": ' + "9" * 5000 + "}]}",
    "empty.json": "",
    "latin.txt": b"caf\xe9",
    "binary.srt": bytes(range(256)),
    "plain.srt": "Bom dia a todos.",
    "times.srt": "1\n00:00:xx,000 --> 00:00:02,000\nBom dia\x1b]0;owned\x07\n",
    "plain.vtt": "1\n00:00:01,000 --> 00:00:02,000\nBom dia\n",
    "times.vtt": "WEBVTT\n\n00:01 --> 00:02\nBom dia\n",
    "empty.vtt": "",
    "words.rttm": "Bom dia a todos\n",
    "short.rttm": "SPEAKER a 1 0.5\n",
    "time.rttm": "SPEAKER a 1 \x1b[31m 1.5 <NA> <NA> Ana <NA> <NA>\n",
    "minus.rttm": "SPEAKER a 1 5 -1.5 <NA> <NA> Ana <NA> <NA>\n",
    "nan.rttm": "SPEAKER a 1 nan 1 <NA> <NA> Ana <NA> <NA>\n",
    "short.stm": "a 1 Ana\n",
    "back.stm": "a 1 Ana 5 4 um\n",
    "inf.stm": "a 1 Ana 5 inf um\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_damaged_file_is_one_line_that_names_it(name, tmp_path):
    """Printable, whatever the content."""
    with pytest.raises(Unreadable) as caught:
        read_one(file(tmp_path, name, BROKEN[name]))
    assert name in str(caught.value)
    assert len(str(caught.value)) < 400


def test_special_files_are_refused(tmp_path):
    """Pipes, dangling links and folders."""
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "link.txt").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.txt").mkdir()
    for name in ("pipe.txt", "link.txt", "folder.txt"):
        with pytest.raises(Unreadable, match=name):
            read_one(tmp_path / name)


def test_an_unsupported_suffix_is_refused():
    """The message lists the supported ones."""
    with pytest.raises(UsageError, match=r"\.json, \.stm"):
        check_suffix(Path("aula.mp3"))
    for suffix in READERS:
        check_suffix(Path(f"aula{suffix.upper()}"))


def test_messages_are_harmless(tmp_path):
    """Even with a hostile file name."""
    with pytest.raises(Unreadable) as caught:
        read_one(file(tmp_path, "a\x1b]0;owned\x07\n.json", {"segments": {"\x1b[2J": 1}}))
    check_harmless(str(caught.value).encode())
