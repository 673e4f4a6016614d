"""Segments, word by word."""

from __future__ import annotations

from hypothesis import given

from tests.formats.documents import PATIENT, any_segment, any_transcript, segment, words
from transcribe_cli.formats.paragraphs import group_paragraphs
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.formats.word_spans import displayed_words, word_spans
from transcribe_cli.transcript import Segment, Transcript


def test_a_span_is_a_word_up_to_the_next() -> None:
    """With its times and probability, and the punctuation around it."""
    timed = words("Olá mundo", probability=0.4)
    first, last = word_spans(segment(" - Olá, mundo!", 0.0, 1.0, words=timed))
    assert (first.text, first.start, first.end, first.is_uncertain) == (" - Olá, ", 0.0, 0.5, True)
    assert (last.text, last.start, last.end, last.is_uncertain) == ("mundo!", 0.5, 1.0, True)


def test_words_that_do_not_match_the_text_are_ignored() -> None:
    """The text takes precedence, without confidence."""
    (whole,) = word_spans(segment(" Boa tarde.", 1.0, 2.0, words=words("Bom dia.", probability=0.1)))
    assert (whole.text, whole.start, whole.end, whole.is_uncertain) == (" Boa tarde.", 1.0, 2.0, False)


@PATIENT
@given(any_segment())
def test_spans_are_their_segment(one: Segment) -> None:
    """Joined, they are its text."""
    assert "".join(span.text for span in word_spans(one)) == one.text


@PATIENT
@given(any_transcript)
def test_words_with_their_spaces_are_the_text(document: Transcript) -> None:
    """On one line, as TXT has it."""
    for group in group_paragraphs(document):
        text = "".join(word.text + " " * word.space for word in displayed_words(group))
        assert text == " ".join(one_line(part.text) for part in group)
