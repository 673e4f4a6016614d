"""Plain text."""

from __future__ import annotations

from hypothesis import given

from tests.formats.documents import DIALOGUE, SILENCE, any_transcript, segment, transcript
from transcribe_cli.formats import render
from transcribe_cli.formats.paragraphs import LONG_CHARACTERS
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.transcript import Transcript


def test_a_turn_is_a_paragraph_with_its_speaker() -> None:
    """Segments of one speaker are joined."""
    assert render("txt", DIALOGUE) == "SPEAKER_00: Bom dia. Tudo bem?\n\nAna <a&b>: Tudo.\n"


def test_an_unknown_speaker_begins_a_paragraph_without_a_name() -> None:
    """And the next speaker begins another one."""
    told = transcript(
        segment(" Um.", 0.0, 1.0, speaker="Ana"), segment(" Dois.", 1.0, 2.0), segment(" Três.", 2.0, 3.0, speaker="Ana\n\nRui: ")
    )
    assert render("txt", told) == "Ana: Um.\n\nDois.\n\nAna Rui:: Três.\n"


def test_without_speakers_a_long_pause_ends_a_paragraph() -> None:
    """Two seconds or more."""
    told = transcript(segment(" Um.", 0.0, 1.0), segment(" Dois.", 2.9, 4.0), segment(" Três.", 6.0, 7.0))
    assert render("txt", told) == "Um. Dois.\n\nTrês.\n"


def test_a_pause_inside_a_sentence_ends_no_paragraph() -> None:
    """Only a very long pause does."""
    told = transcript(
        segment(" A célula", 0.0, 1.0), segment(" é viva.", 4.0, 5.0), segment(" E", 5.0, 6.0), segment(" só.", 11.0, 12.0)
    )
    assert render("txt", told) == "A célula é viva. E\n\nsó.\n"


def test_the_length_of_a_paragraph_is_limited() -> None:
    """Speech without pauses is split into paragraphs at sentence ends."""
    sentence = " Cada célula contém o material genético."
    told = transcript(*(segment(sentence, i * 3.0, i * 3.0 + 3.0) for i in range(200)))
    paragraphs = render("txt", told).split("\n\n")
    assert len(paragraphs) > 5
    assert max(map(len, paragraphs)) < LONG_CHARACTERS + 2 * len(sentence)


def test_a_recording_without_speech_results_in_an_empty_file() -> None:
    """TXT has no header."""
    assert render("txt", SILENCE) == ""


@given(any_transcript)
def test_no_text_is_lost_or_moved(document: Transcript) -> None:
    """Without the names, the text equals that of the segments in order."""
    nameless = transcript(*(part.model_copy(update={"speaker": None}) for part in document.segments))
    told = render("txt", nameless).replace("\n", "").replace(" ", "")
    assert told == "".join(one_line(part.text) for part in document.segments).replace(" ", "")
