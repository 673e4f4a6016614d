"""The words of a segment for subtitles."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.formats.documents import PATIENT, any_segment, segment, spoken, transcript, words
from transcribe_cli.formats.cues.words import segment_words, split_into_runs
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.subtitles.standards import Standard
from transcribe_cli.transcript import Segment, Word

RULES = Standard().rules("pt")


def texts(one: Segment) -> list[str]:
    """The words."""
    return [word.text for word in segment_words(one)]


def test_punctuation_between_words_stays_with_them() -> None:
    """Also with spaces around it, as in French: no line begins with closing or ends with opening punctuation."""
    text = " « La cellule » — est-ce … clair ? Oui !"
    kept = segment(text, 0.0, 4.0, words=words("La cellule est-ce clair Oui"))
    assert texts(kept) == [" « La", " cellule » —", " est-ce …", " clair ?", " Oui !"]
    assert "".join(texts(kept)) == text


def test_parts_of_a_word_are_joined() -> None:
    """The recognizer may return it in two parts."""
    parts = tuple(
        Word(word=text, start=n, end=n + 1, probability=1.0) for n, text in enumerate([" guarda", "-chuva", ",", " sim"])
    )
    found = segment_words(segment(" guarda-chuva, sim", 0.0, 4.0, words=parts))
    assert [(word.text, word.start_ms, word.end_ms) for word in found] == [(" guarda-chuva,", 0, 3000), (" sim", 3000, 4000)]


def test_a_word_without_times_shares_those_of_the_previous_one() -> None:
    """By length."""
    found = segment_words(segment(" um dois três", 0.0, 4.0, words=(*words("um", 0.0), *words("três", 3.0))))
    assert [(word.text, word.start_ms, word.end_ms) for word in found] == [
        (" um", 0, 166),
        (" dois", 166, 500),
        (" três", 3000, 3500),
    ]


@pytest.mark.parametrize("text", ["細胞は生命の最小単位です。「はい」ー", "เซลล์เป็นหน่วยที่เล็กที่สุด", "ជីវិត និង"])
def test_scripts_without_spaces_are_split_between_characters(text: str) -> None:
    """Not before a combining character or closing punctuation."""
    found = texts(segment(text, 0.0, 4.0))
    assert "".join(found) == text
    assert len(found) > 3
    assert not [word for word in found if word[0] in "。」ー" or word[-1] == "「" or word[0] in "\u0e31\u0e47\u0e48\u17b8\u17b7"]


def test_a_new_run_begins_at_a_change_of_speaker_and_after_a_pause() -> None:
    """And where times decrease, because two people spoke at once."""
    document = transcript(
        spoken("um", 0.0, speaker="Ana"),
        spoken("dois", 0.6, speaker="Ana"),
        spoken("três", 1.2, speaker="Rui"),
        spoken("quatro", 2.8, speaker="Rui"),
        spoken("cinco", 2.0, speaker="Rui"),
    )
    assert [([word.text for word in run.words], run.speaker) for run in split_into_runs(document, RULES)] == [
        ([" um", " dois"], "Ana"),
        ([" três"], "Rui"),
        ([" quatro"], "Rui"),
        ([" cinco"], "Rui"),
    ]


def test_segments_without_spaces_around_them_are_separated() -> None:
    """As another tool or an editor may write them; Japanese segments are joined without a space."""
    latin = transcript(segment("Bom dia,", 0.0, 1.0), segment("turma.", 1.0, 2.0))
    assert [word.text for run in split_into_runs(latin, RULES) for word in run.words] == ["Bom", " dia,", " turma."]
    dense = transcript(segment("空。", 0.0, 1.0), segment("海。", 1.0, 2.0))
    assert [word.text for run in split_into_runs(dense, RULES) for word in run.words] == ["空。", "海。"]


@PATIENT
@given(any_segment())
def test_the_words_are_the_text_and_their_times_increase(one: Segment) -> None:
    """For any segment."""
    found = segment_words(one)
    assert one_line("".join(word.text for word in found)) == one_line(one.text)
    assert all(word.start_ms <= word.end_ms and word.text.strip(" ") for word in found)
    assert [word.start_ms for word in found] == sorted(word.start_ms for word in found)
