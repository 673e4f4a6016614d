"""The rules of subtitles: cues that do not overlap, that can be read, and that lose no text."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.formats.documents import any_transcript, segment, spoken, timed_words, transcript, words
from transcribe_cli.formats.cues import LONGEST_MS, Cue, cues
from transcribe_cli.formats.lines import LINES, one_line, wrap
from transcribe_cli.transcript import Transcript, Word

LONG = (
    "A célula é a menor unidade da vida, e todos os seres vivos têm células. "
    "Algumas vivem sozinhas e outras formam tecidos que trabalham juntos."
)


def test_a_short_segment_is_one_cue() -> None:
    """Times to the millisecond, text stripped."""
    assert cues(transcript(spoken("Bom dia a todos.", start=1.0))) == [Cue(1000, 3000, "Bom dia a todos.")]


def test_a_long_segment_is_cut_after_punctuation() -> None:
    """A sentence end before a comma, a comma before any other border."""
    assert [cue.text for cue in cues(transcript(spoken(LONG, each=0.2)))] == [
        "A célula é a menor unidade da vida, e todos os seres vivos têm células.",
        "Algumas vivem sozinhas e outras formam tecidos que trabalham juntos.",
    ]


def test_cues_take_the_times_of_their_words() -> None:
    """The second cue begins when its first word does."""
    first, second = cues(transcript(spoken(LONG, start=10.0, each=0.2)))
    assert (first.start_ms, first.end_ms) == (10_000, 13_000)
    assert second.start_ms == 13_000


def test_a_slow_segment_is_cut_too() -> None:
    """Ten words in 20 s fit in two lines and are still too long on the screen."""
    slow = transcript(spoken("um dois três quatro cinco seis sete oito nove dez", each=2.0))
    assert all(cue.end_ms - cue.start_ms <= LONGEST_MS for cue in cues(slow))


def test_without_word_times_a_segment_stays_whole() -> None:
    """There is no border whose time is known."""
    assert [cue.text for cue in cues(transcript(segment(f" {LONG}", 0.0, 9.0)))] == [LONG]


def test_words_that_do_not_spell_the_text_do_not_cut_it() -> None:
    """The text is what counts; somebody may have corrected it in the JSON."""
    corrected = segment(f" {LONG}", 0.0, 9.0, words=words("outra coisa"))
    assert [cue.text for cue in cues(transcript(corrected))] == [LONG]


def test_text_between_the_words_is_kept() -> None:
    """Signs that belong to no word stay where they are."""
    text = (
        " «A célula — é a menor» unidade da vida … e todos os seres vivos são feitos delas, sempre (!) e em toda a parte do mundo"
    )
    kept = segment(text, 0.0, 9.0, words=words(text.translate(str.maketrans("", "", "«»—…(!)"))))
    found = cues(transcript(kept))
    assert len(found) > 1
    assert " ".join(cue.text for cue in found) == text.strip()


def test_a_language_without_spaces_gets_none() -> None:
    """Parts are joined as the text has them."""
    text = "細胞は生命の最小単位です。" * 8
    timed = tuple(Word(word=sign, start=i * 0.1, end=(i + 1) * 0.1, probability=1.0) for i, sign in enumerate(text))
    found = cues(transcript(segment(text, 0.0, 11.0, words=timed)))
    assert len(found) > 1
    assert "".join(cue.text for cue in found) == text


def test_overlapping_segments_give_cues_that_do_not_overlap() -> None:
    """The earlier one ends when the later one starts, whose start stays exact."""
    both = transcript(segment(" Um.", 0.0, 10.0), segment(" Dois.", 4.0, 5.0))
    assert [(cue.start_ms, cue.end_ms) for cue in cues(both)] == [(0, 4000), (4000, 5000)]


def test_cues_without_duration_get_a_millisecond() -> None:
    """Players drop a cue that ends when it starts."""
    both = transcript(segment(" Um.", 1.0, 1.0), segment(" Dois.", 1.0, 1.0))
    assert [(cue.start_ms, cue.end_ms) for cue in cues(both)] == [(1000, 1001), (1001, 1002)]


def test_a_segment_without_text_is_no_cue() -> None:
    """Also when it has a speaker."""
    assert cues(transcript(segment(" \n", 0.0, 1.0, speaker="Ana")), label="{}: ") == []


def test_only_the_first_cue_after_a_change_of_speaker_says_who_speaks() -> None:
    """A change is also to nobody and back: a dash then says that the name before is not meant."""
    told = transcript(
        spoken(LONG, 0.0, 0.2, speaker="Ana"),
        segment(" Sim.", 10.0, 11.0, speaker="Ana"),
        segment(" Quem?", 11.0, 12.0),
        segment(" Eu.", 12.0, 13.0),
        segment(" Ah.", 13.0, 14.0, speaker="Ana"),
    )
    labelled = [cue.text for cue in cues(told, label="{}: ")]
    assert [text.partition(" ")[0] for text in labelled] == ["Ana:", "Algumas", "Sim.", "-", "Eu.", "Ana:"]
    assert [cue.speaker for cue in cues(told)] == ["Ana", "Ana", "Ana", None, None, "Ana"]
    assert not any(cue.text.startswith(("Ana", "-")) for cue in cues(told))
    assert cues(transcript(segment(" Quem?", 0.0, 1.0)), label="{}: ")[0].text == "Quem?"


def test_a_name_is_not_lost_before_words_that_cannot_be_seen() -> None:
    """It goes before the first ones that can."""
    unseen = (Word(word=" \x00", start=0.0, end=0.5, probability=1.0), *words(LONG, 0.5, 0.2))
    told = transcript(segment("".join(word.word for word in unseen), 0.0, 6.0, words=unseen, speaker="Ana"))
    first, _ = cues(told, label="{}: ")
    assert (first.start_ms, first.text[:12]) == (500, "Ana: A célul")


def test_a_long_segment_of_many_words_is_cut_quickly() -> None:
    """Halving, not a step for each pair of words: 5,000 words take well under a second."""
    assert len(cues(transcript(spoken("palavra " * 5000, each=0.3)))) > 500


@given(any_transcript)
def test_times_rise_and_never_overlap(document: Transcript) -> None:
    """Whatever the segments say."""
    found = cues(document, label="{}: ")
    assert all(0 <= cue.start_ms < cue.end_ms for cue in found)
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(found))


@given(any_transcript)
def test_no_text_is_lost_or_moved(document: Transcript) -> None:
    """All signs, in their order; only spaces may differ."""
    told = "".join(cue.text for cue in cues(document))
    assert told.replace(" ", "") == "".join(one_line(part.text) for part in document.segments).replace(" ", "")


@given(timed_words(st.text("abcé,.", min_size=1, max_size=50)))
def test_cues_of_more_than_one_word_can_be_read(timed: tuple[Word, ...]) -> None:
    """At most two lines and 7 s, when the words have times."""
    whole = segment("".join(word.word for word in timed), timed[0].start, timed[-1].end, words=timed)
    for cue in cues(transcript(whole)):
        assert " " not in cue.text or (len(wrap(cue.text)) <= LINES and cue.end_ms - cue.start_ms <= LONGEST_MS)
