"""DOCX, read by python-docx and as an archive."""

from __future__ import annotations

import io
import time
import zipfile

import docx
from hypothesis import given, settings

from tests.formats.documents import DIALOGUE, LESSON, SILENCE, any_transcript, segment, spoken, transcript, words
from transcribe_cli.formats import render
from transcribe_cli.formats.paragraphs import group_paragraphs
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.transcript import Transcript


def read(document: Transcript) -> list[tuple[str, str]]:
    """Style and text of each paragraph."""
    content = render("docx", document)
    assert isinstance(content, bytes)
    return [(paragraph.style.name, paragraph.text) for paragraph in docx.Document(io.BytesIO(content)).paragraphs]


def test_a_turn_is_a_line_about_it_and_its_text() -> None:
    """With custom styles."""
    assert read(DIALOGUE) == [
        ("Title", "aula.mp3"),
        ("Speaker", "0:12 · Portuguese · 5 words · 2 speakers"),
        ("Speaker", "SPEAKER_00  0:00"),
        ("Speech", "Bom dia. Tudo bem?"),
        ("Speaker", "Ana <a&b>  1:01:03"),
        ("Speech", "Tudo."),
    ]


def test_a_recording_without_speech_has_a_notice() -> None:
    """The document is not empty."""
    assert read(SILENCE)[1:] == [("Speaker", "0:12 · no speech")]


def test_uncertain_words_are_underlined() -> None:
    """With dots, and not the spaces around them."""
    sure, uncertain = words("Bom dia"), words("Zé Souza", 1.0, probability=0.3)
    content = render("docx", transcript(segment(" Bom dia Zé Souza", 0.0, 2.0, words=sure + uncertain)))
    assert isinstance(content, bytes)
    runs = docx.Document(io.BytesIO(content)).paragraphs[-1].runs
    assert [(run.text, run.font.underline is not None) for run in runs] == [
        ("Bom dia ", False),
        ("Zé", True),
        (" ", False),
        ("Souza", True),
    ]


def test_the_same_transcript_gives_the_same_bytes() -> None:
    """At any time: the JSON lists their SHA-256, and the archive contains no time of writing."""
    before = render("docx", LESSON)
    time.sleep(2)  # the clock of an archive counts in twos
    assert render("docx", LESSON) == before
    assert render("docx", transcript(spoken("Boa tarde."))) != before


def test_its_properties_contain_source_and_language() -> None:
    """Spelling is checked in the language of the recording."""
    content = render("docx", LESSON)
    assert isinstance(content, bytes)
    properties = docx.Document(io.BytesIO(content)).core_properties
    assert (properties.title, properties.author) == ("aula.mp3", "transcribe-cli 0.1.0")
    assert properties.created is not None
    assert properties.created.isoformat() == "2025-03-01T11:00:00+00:00"
    assert b'<w:lang w:val="pt"' in zipfile.ZipFile(io.BytesIO(content)).read("word/styles.xml")


@settings(max_examples=20, deadline=None)
@given(any_transcript)
def test_word_sees_the_whole_text(document: Transcript) -> None:
    """With any text and names, also characters that XML does not allow."""
    odd = document.model_copy(update={"segments": (*document.segments, segment(" a\ufffeb\uffff\x00", 0.0, 1.0))})
    said = [text for style, text in read(odd) if style == "Speech"]
    expected = [" ".join(one_line(part.text) for part in group) for group in group_paragraphs(odd)]
    assert said == [text.replace("\ufffe", "").replace("\uffff", "") for text in expected]
