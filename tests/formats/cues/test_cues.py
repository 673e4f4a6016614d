"""Properties of cues for any transcript: they are readable, do not overlap, and lose no text."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.documents import PATIENT, any_transcript, segment, spoken, talk, transcript, words
from transcribe_cli.formats.cues import Cue, CueWord, make_cues
from transcribe_cli.formats.plain_text import one_line
from transcribe_cli.subtitles.standards import STANDARD_NAMES, Standard
from transcribe_cli.transcript import Transcript, Word

NETFLIX, PLAIN = Standard(), Standard.model_validate("plain")
STANDARDS = [Standard.model_validate(name) for name in (*STANDARD_NAMES, "netflix,max_chars=20,max_lines=3", "plain,max_words=3")]
LONG = (
    "A célula é a menor unidade da vida, e todos os seres vivos têm células. "
    "Algumas vivem sozinhas e outras formam tecidos que trabalham juntos."
)


def shown(found: list[Cue]) -> list[tuple[int, int, tuple[str, ...]]]:
    """Start, end and lines."""
    return [(cue.start_ms, cue.end_ms, cue.lines) for cue in found]


def test_a_cue_is_lines_of_timed_words() -> None:
    """Words keep their leading spaces, so that they can be joined."""
    (cue,) = make_cues(transcript(spoken("Bom dia.", start=1.0)), NETFLIX)
    assert cue == Cue(1000, 2000, ((CueWord(" Bom", 1000, 1500), CueWord(" dia.", 1500, 2000)),))
    assert (cue.text, cue.lines, cue.words) == ("Bom dia.", ("Bom dia.",), cue.words_by_line[0])


def test_a_lecture_is_split_at_sentences_and_wrapped_at_clauses() -> None:
    """The second cue starts 83 ms after the first ends, with its first word; the last one stays long enough to be read."""
    assert shown(make_cues(transcript(spoken(LONG, each=0.35)), NETFLIX)) == [
        (0, 5167, ("A célula é a menor unidade da vida,", "e todos os seres vivos têm células.")),
        (5250, 9192, ("Algumas vivem sozinhas e outras formam", "tecidos que trabalham juntos.")),
    ]


def test_cues_cross_segments_but_not_long_pauses() -> None:
    """Segments are the recognizer's; a pause of a second is the speaker's."""
    short = transcript(spoken("Bom dia,", 0.0), spoken("a todos.", 1.2), spoken("Vamos.", 3.3))
    assert [cue.text for cue in make_cues(short, NETFLIX)] == ["Bom dia, a todos.", "Vamos."]
    assert [cue.text for cue in make_cues(short, PLAIN)] == ["Bom dia,", "a todos.", "Vamos."]


def test_plain_has_one_cue_per_segment_with_its_times() -> None:
    """Of any length, on one line, as in openai/whisper."""
    document = transcript(spoken(LONG, start=1.0, each=0.2), segment(" Sim.", 9.0, 9.2))
    assert shown(make_cues(document, PLAIN)) == [(1000, 6000, (LONG,)), (9000, 9200, ("Sim.",))]


def test_without_word_times_the_time_of_the_segment_is_divided() -> None:
    """By the length of the words."""
    found = make_cues(transcript(segment(f" {LONG}", 0.0, 12.0)), NETFLIX)
    assert " ".join(cue.text for cue in found) == LONG
    assert [cue.lines[0] for cue in found] == ["A célula é a menor unidade da vida,", "Algumas vivem sozinhas e outras formam"]
    assert found[1].start_ms == pytest.approx(5900, abs=50)


def test_words_that_do_not_match_the_text_do_not_change_it() -> None:
    """The text takes precedence; it may have been corrected in the JSON."""
    corrected = segment(f" {LONG}", 0.0, 9.0, words=words("outra coisa"))
    assert " ".join(cue.text for cue in make_cues(transcript(corrected), NETFLIX)) == LONG


def test_a_language_without_spaces_gets_none_and_shorter_lines() -> None:
    """23 characters in Japanese; no line begins with a full stop or ends with an opening bracket."""
    text = "細胞は生命の最小単位です。「すべての生き物」は細胞からできています。" * 3
    timed = tuple(Word(word=sign, start=i * 0.25, end=(i + 1) * 0.25, probability=1.0) for i, sign in enumerate(text))
    for document in (segment(text, 0.0, 30.0, words=timed), segment(text, 0.0, 30.0)):
        found = make_cues(transcript(document, language="ja"), NETFLIX)
        lines = [line for cue in found for line in cue.lines]
        assert "".join(lines) == text
        assert max(map(len, lines)) <= 23
        assert not [line for line in lines if line[0] in "。」" or line[-1] == "「"]


def test_thai_vowels_stay_with_their_consonants() -> None:
    """No line or cue begins with a combining character."""
    text = "วันนี้เราจะพูดถึงเซลล์ซึ่งเป็นหน่วยที่เล็กที่สุดของสิ่งมีชีวิต" * 4
    lines = [line for cue in make_cues(transcript(segment(text, 0.0, 30.0), language="th"), NETFLIX) for line in cue.lines]
    assert "".join(lines) == text
    assert max(map(len, lines)) <= 35
    assert not [
        line for line in lines if "\u0e31" <= line[0] <= "\u0e3a" or "\u0e47" <= line[0] <= "\u0e4e" or line[-1] in "เแโใไ"
    ]


def test_a_change_of_language_begins_a_cue() -> None:
    """In a recording with several languages; words are wrapped by the rules of their language."""
    mixed = transcript(spoken("Bom dia", 0.0), spoken("good morning.", 1.1).model_copy(update={"language": "en"}))
    assert [cue.text for cue in make_cues(mixed, NETFLIX)] == ["Bom dia", "good morning."]


def test_simultaneous_speakers_are_all_displayed() -> None:
    """Ordered by start; a later cue starts when the previous one was visible long enough, or while it is spoken."""
    both = transcript(
        spoken("Eu acho que sim, e você?", 0.0, speaker="Ana"),
        spoken("Não.", 1.0, speaker="Rui"),
        spoken("Por quê?", 1.2, speaker="Eva"),
    )
    found = make_cues(both, NETFLIX)
    assert [(cue.speaker, cue.text) for cue in found] == [
        ("Ana", "Eu acho que sim, e você?"),
        ("Rui", "Não."),
        ("Eva", "Por quê?"),
    ]
    assert [cue.start_ms for cue in found] == [0, 1000, 1367]


def test_a_segment_without_text_has_no_cue() -> None:
    """Also when it has a speaker."""
    assert make_cues(transcript(segment(" \n", 0.0, 1.0, speaker="Ana")), NETFLIX, label="{}: ") == []


def test_only_the_first_cue_after_a_change_of_speaker_has_a_label() -> None:
    """Also at a change to an unknown speaker, which a dash marks."""
    told = transcript(
        spoken(LONG, 0.0, 0.2, speaker="Ana"),
        segment(" Sim.", 10.0, 11.0, speaker="Ana"),
        segment(" Quem?", 11.0, 12.0),
        segment(" Eu.", 14.0, 15.0),
        segment(" Ah.", 15.0, 16.0, speaker="Ana"),
    )
    labelled = make_cues(told, NETFLIX, label="{}: ")
    assert [cue.label for cue in labelled] == ["Ana: ", "", "", "- ", "", "Ana: "]
    assert [cue.text.partition(" ")[0] for cue in labelled] == ["Ana:", "Algumas", "Sim.", "-", "Eu.", "Ana:"]
    assert [cue.speaker for cue in make_cues(told, NETFLIX)] == ["Ana", "Ana", "Ana", None, None, "Ana"]
    assert not any(cue.label for cue in make_cues(told, NETFLIX))
    assert make_cues(transcript(segment(" Quem?", 0.0, 1.0)), NETFLIX, label="{}: ")[0].text == "Quem?"


def test_a_long_name_is_shortened() -> None:
    """So that words fit on the same line, also in short lines."""
    told = transcript(spoken("Sim.", speaker="N" * 500))
    assert make_cues(told, NETFLIX, label="{}: ")[0].lines == (f"{'N' * 24}…: Sim.",)
    assert make_cues(told, Standard.model_validate("max_chars=20"), label="{}: ")[0].lines == (f"{'N' * 11}…: Sim.",)


def test_a_name_is_not_lost_before_invisible_words() -> None:
    """It is placed before the first visible word."""
    unseen = (Word(word=" \x00", start=0.0, end=0.5, probability=1.0), *words(LONG, 0.5, 0.2))
    told = transcript(segment("".join(word.word for word in unseen), 0.0, 6.0, words=unseen, speaker="Ana"))
    first, _ = make_cues(told, NETFLIX, label="{}: ")
    assert (first.start_ms, first.text[:12]) == (500, "Ana: A célul")


@pytest.mark.parametrize("standard", STANDARDS, ids=str)
@PATIENT
@given(document=any_transcript)
def test_times_increase_and_never_overlap(document: Transcript, standard: Standard) -> None:
    """For any segments."""
    found = make_cues(document, standard, label="{}: ")
    assert all(0 <= cue.start_ms < cue.end_ms for cue in found)
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(found))


@pytest.mark.parametrize("standard", STANDARDS, ids=str)
@PATIENT
@given(document=any_transcript)
def test_no_text_is_changed_or_lost(document: Transcript, standard: Standard) -> None:
    """The cues contain exactly the characters of the segments."""
    found = "".join(cue.text for cue in make_cues(document, standard)).replace(" ", "")
    texts = [one_line(part.text).replace(" ", "") for part in document.segments]
    assert sorted(found) == sorted("".join(texts))


@pytest.mark.parametrize("standard", STANDARDS, ids=str)
@PATIENT
@given(document=talk())
def test_no_word_is_moved(document: Transcript, standard: Standard) -> None:
    """Without simultaneous speech, the text of the cues equals that of the segments, spaces included."""
    assert " ".join(cue.text for cue in make_cues(document, standard)) == " ".join(
        one_line(part.text) for part in document.segments
    )


@pytest.mark.parametrize("standard", STANDARDS, ids=str)
@PATIENT
@given(document=talk())
def test_a_line_is_within_its_limit_unless_it_is_one_word(document: Transcript, standard: Standard) -> None:
    """Names count as characters, not as words; no cue has too many lines or words, or lasts too long."""
    rules = standard.rules("pt")
    for cue in make_cues(document, standard, label="{}: "):
        for row, line in zip(cue.words_by_line, cue.lines, strict=True):
            assert rules.max_chars is None or len(line) <= rules.max_chars or len(row) == 1
        assert rules.max_lines is None or len(cue.lines) <= rules.max_lines
        assert rules.max_words is None or len(cue.words) <= rules.max_words
        assert rules.max_ms is None or cue.end_ms - cue.start_ms <= rules.max_ms


@pytest.mark.parametrize("standard", STANDARDS, ids=str)
@PATIENT
@given(document=talk())
def test_no_gap_is_shorter_than_the_minimum(document: Transcript, standard: Standard) -> None:
    """Without room for the minimum there is no gap at all."""
    rules = standard.rules("pt")
    found = make_cues(document, standard)
    gaps = [after.start_ms - before.end_ms for before, after in pairwise(found)]
    assert not [gap for gap in gaps if 0 < gap < rules.gap_ms]


@pytest.mark.parametrize("standard", STANDARDS, ids=str)
@PATIENT
@given(document=talk())
def test_a_cue_that_is_too_fast_uses_all_available_time(document: Transcript, standard: Standard) -> None:
    """It ends at the next cue, after the maximum extra time, or at the maximum duration."""
    rules = standard.rules("pt")
    found = make_cues(document, standard)
    for number, cue in enumerate(found):
        duration = cue.end_ms - cue.start_ms
        following = found[number + 1].start_ms if number + 1 < len(found) else 10**12
        latest = min(
            following - rules.gap_ms,
            max(word.end_ms for word in cue.words) + rules.extend_ms,
            cue.start_ms + (rules.max_ms or 10**12),
        )
        if duration < rules.reading_ms(sum(map(len, cue.lines)), sum(len(line.split()) for line in cue.lines)):
            assert cue.end_ms >= latest
        if duration < rules.min_ms:
            assert cue.end_ms >= min(following - rules.gap_ms, following)


@PATIENT
@given(st.lists(st.sampled_from(LONG.split()), min_size=1, max_size=60), st.sampled_from(["netflix", "bbc", "ted"]))
def test_the_same_words_give_the_same_cues(said: list[str], name: str) -> None:
    """Rendering is deterministic."""
    document = transcript(spoken(" ".join(said), each=0.3))
    standard = Standard.model_validate(name)
    assert make_cues(document, standard) == make_cues(document, standard)
