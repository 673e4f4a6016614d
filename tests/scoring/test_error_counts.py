"""Error rates compared with values calculated by hand."""

from __future__ import annotations

import pytest

from transcribe_cli.errors import RecordingError
from transcribe_cli.scoring.compare import compare
from transcribe_cli.scoring.document import Document, Utterance, document_of
from transcribe_cli.scoring.error_counts import EditCounts, SpeakerErrors
from transcribe_cli.scoring.options import Options
from transcribe_cli.scoring.speaker_errors import count_edits_by_speaker, measure_speaker_errors
from transcribe_cli.scoring.word_errors import (
    MAX_CHARACTERS,
    MAX_WORDS,
    NormalizedUtterance,
    count_character_edits,
    count_word_edits,
    find_differences,
    joined_text,
)
from transcribe_cli.transcript import Turn


def turns(*of: tuple[str, float, float]) -> tuple[Turn, ...]:
    return tuple(Turn(speaker=speaker, start=start, end=end) for speaker, start, end in of)


def said(*of: tuple[str | None, str]) -> list[NormalizedUtterance]:
    return [NormalizedUtterance(text, speaker, None) for speaker, text in of]


def test_words_are_counted_by_kind():
    """`subiu` -> `caiu`, `no` -> `do`, and `velho` is inserted: 3 of 5."""
    edits = count_word_edits("o gato subiu no telhado", "o gato caiu do telhado velho")
    assert edits == EditCounts(substitutions=2, deletions=0, insertions=1, length=5)
    assert edits.rate == 0.6


def test_characters_are_counted_with_spaces():
    """`casa` -> `caso x`: one letter changed, a space and a letter added: 3 of 4."""
    edits = count_character_edits("casa", "caso x")
    assert edits == EditCounts(substitutions=1, deletions=0, insertions=2, length=4)
    assert count_character_edits("a b", "ab") == EditCounts(deletions=1, length=3)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "edits", "rate"),
    [
        ("", "", EditCounts(), 0.0),
        ("", "um dois", EditCounts(insertions=2), None),
        ("um dois", "", EditCounts(deletions=2, length=2), 1.0),
        ("um", "um dois três", EditCounts(insertions=2, length=1), 2.0),
    ],
)
def test_empty_texts_have_a_rate(reference, hypothesis, edits, rate):
    """A rate may exceed 1; it is None if only the hypothesis has words."""
    assert count_word_edits(reference, hypothesis) == edits
    assert edits.rate == rate


def test_speakers_are_counted_in_seconds():
    """X is A, Y is B: 10 to 12 is confusion, 18 to 20 missed, 20 to 21 a false alarm, of 20 s."""
    reference = turns(("A", 0, 10), ("B", 10, 20))
    hypothesis = turns(("X", 0, 12), ("Y", 12, 18), ("Z", 20, 21))
    time = measure_speaker_errors(reference, hypothesis, 0.0)
    assert (time.missed, time.false_alarm, time.confusion, time.length) == pytest.approx((2, 1, 2, 20))
    assert time.rate == pytest.approx(0.25)


def test_the_collar_is_left_out_on_each_side_of_a_border():
    """0.25 s: without 0 to 0.25, 9.75 to 10.25, 19.75 to 20.25, there are 19 s, and 1.75, 1.75 and 0.75 wrong."""
    reference = turns(("A", 0, 10), ("B", 10, 20))
    hypothesis = turns(("X", 0, 12), ("Y", 12, 18), ("Z", 20, 21))
    time = measure_speaker_errors(reference, hypothesis, 0.25)
    assert (time.missed, time.false_alarm, time.confusion, time.length) == pytest.approx((1.75, 0.75, 1.75, 19))


def test_overlapping_speech_counts_for_each_speaker():
    """A and B speak from 5 to 10, and one is detected: 5 of 15 s are missed. Overlapping turns of one speaker count once."""
    time = measure_speaker_errors(turns(("A", 0, 10), ("B", 5, 10)), turns(("X", 0, 6), ("X", 5, 10)), 0.0)
    assert (time.missed, time.false_alarm, time.confusion, time.length) == pytest.approx((5, 0, 0, 15))


@pytest.mark.parametrize(
    ("reference", "hypothesis", "time", "rate"),
    [
        ((), (), SpeakerErrors(), 0.0),
        (turns(("A", 0, 2)), (), SpeakerErrors(missed=2, length=2), 1.0),
        ((), turns(("A", 1, 2)), SpeakerErrors(false_alarm=1), None),
        (turns(("A", 1, 1)), turns(("A", 0, 0)), SpeakerErrors(), 0.0),
    ],
)
def test_silent_sides_have_a_rate(reference, hypothesis, time, rate):
    """Empty turns are ignored."""
    assert measure_speaker_errors(reference, hypothesis, 0.0) == time
    assert time.rate == rate


def test_words_are_counted_for_the_best_assignment_of_speakers():
    """A is Y, who lacks `três`; B is X, who adds `seis`: 2 of 5."""
    edits, assignment = count_edits_by_speaker(
        said(("A", "um dois três"), ("B", "quatro cinco")), said(("X", "quatro cinco"), ("Y", "um dois"), ("X", "seis"))
    )
    assert edits == EditCounts(deletions=1, insertions=1, length=5)
    assert set(assignment) == {("A", "Y"), ("B", "X")}


def test_an_extra_speaker_adds_all_their_words():
    """Words without a speaker count as one more speaker."""
    edits, assignment = count_edits_by_speaker(said(("a", "um dois")), said(("b", "um"), (None, "dois")))
    assert edits == EditCounts(deletions=1, insertions=1, length=2)
    assert assignment == (("a", "b"), (None, None))


def test_totals_are_of_all_errors_and_not_means_of_rates():
    """1 of 2 and 0 of 8 words are 10 %, not 25 %."""
    assert (EditCounts(1, 0, 0, 2) + EditCounts(0, 0, 0, 8)).rate == 0.1
    assert (SpeakerErrors(1, 0, 0, 2) + SpeakerErrors(0, 0, 0, 8)).rate == 0.1


def test_the_worst_differences_are_shown_as_jiwer_does():
    """With the words around them, and the time of the utterance."""
    reference = [
        NormalizedUtterance("bom dia a todos", None, 0.0),
        NormalizedUtterance("aqui o professor explica a lição de hoje", None, 12.5),
    ]
    hypothesis = [
        NormalizedUtterance("bom dia a todas", None, 0.0),
        NormalizedUtterance("aqui o professor a lição velha de antes", None, 13.0),
    ]
    first, second = find_differences(reference, hypothesis, 9)
    assert (first.at, first.word, first.errors) == (0.0, 4, 1)
    assert (second.at, second.word, second.errors) == (12.5, 8, 3)
    assert second.reference == "o professor explica a lição de hoje"
    assert second.lines[0].startswith("REF: o professor explica a lição ***** de  hoje")
    assert second.lines[2].split() == ["D", "I", "S"]
    assert find_differences(reference, hypothesis, 1) == (second,)
    assert find_differences(reference, reference, 9) == ()


def test_a_long_gap_is_cut_off():
    """A few lines, however much is missing."""
    (gap,) = find_differences([NormalizedUtterance("palavra " * 500, None, None)], [NormalizedUtterance("", None, None)], 5)
    assert gap.errors == 500
    assert len(gap.lines[0]) < 150


def document(text: str, speaker: str | None = None, start: float | None = None, end: float | None = None) -> Document:
    return document_of([Utterance(text, speaker, start, end)])


def test_what_is_measured_follows_from_what_there_is():
    """Words, speakers, times; what one side alone has is said."""
    both = compare(document("um", "A", 0, 1), document("um", "B", 0, 1), Options())
    assert None not in (both.wer, both.cer, both.der, both.cpwer)
    assert both.not_measured == {}
    half = compare(document("um", "A", 0, 1), document("um", "B"), Options())
    assert (half.der, half.cpwer) == (None, EditCounts(length=1))
    assert half.not_measured == {"der": "no speaker times in the hypothesis"}
    words = compare(document("um"), document("um"), Options())
    assert (words.wer, words.der, words.cpwer, words.not_measured) == (EditCounts(length=1), None, None, {})
    only = compare(Document(None, turns(("A", 0, 1))), document("um", "B", 0, 1), Options())
    assert only.wer is None
    assert only.der
    assert only.der.rate == 0.0


@pytest.mark.parametrize(
    ("reference", "hypothesis", "metrics", "says"),
    [
        (
            document("um"),
            document("um"),
            ("der",),
            "der cannot be measured: no speaker times in the reference and the hypothesis",
        ),
        (document("um", "A"), document("um"), ("cpwer",), "no speakers in the hypothesis"),
        (Document(None, ()), document("um"), (), "Nothing can be compared"),
        (document("um"), Document(None, ()), ("wer",), "no words in the hypothesis"),
    ],
)
def test_what_cannot_be_measured_is_said(reference, hypothesis, metrics, says):
    """As an error of that recording, when it was asked for or nothing else is left."""
    with pytest.raises(RecordingError, match=says):
        compare(reference, hypothesis, Options(metrics=metrics))


def test_more_speakers_than_meeteval_takes_are_said():
    """The words are scored all the same."""
    crowd = document_of([Utterance("um", f"S{number}", number, number + 1) for number in range(21)])
    score = compare(crowd, crowd, Options())
    assert score.cpwer is None
    assert score.wer == EditCounts(length=21)
    assert score.not_measured == {"cpwer": "more than 20 speakers in the reference and the hypothesis"}
    few = document_of([Utterance("um", "A", 0, 1)])
    assert compare(few, crowd, Options()).not_measured == {"cpwer": "more than 20 speakers in the hypothesis"}


def test_the_language_is_the_options_then_the_references_then_the_hypothesis_then_portuguese():
    """Each decides how numbers are read."""
    english = document_of([Utterance("1.5")], language="en")
    spanish = document_of([Utterance("1.5")], language="es")
    plain = document("1.5")
    languages = [compare(one, other, Options()).language for one, other in ((english, spanish), (plain, spanish), (plain, plain))]
    assert languages == ["en", "es", "pt"]
    assert compare(english, english, Options(language="fr")).language == "fr"


def test_text_that_would_take_hours_is_refused():
    """Alignment takes time with the square of the length."""
    with pytest.raises(RecordingError, match="Split it"):
        joined_text([NormalizedUtterance("x" * (MAX_CHARACTERS + 1), None, None)])
    with pytest.raises(RecordingError, match="words; the maximum"):
        joined_text([NormalizedUtterance("x " * MAX_WORDS + "x", None, None)])
