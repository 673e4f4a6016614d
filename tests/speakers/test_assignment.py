"""Assignment of words to speakers: exact examples, and properties for any words and turns."""

from __future__ import annotations

import random
from itertools import pairwise, product

import numpy as np
import pytest
from benchmarks.speakers import SETTINGS, TOLD_ON, by_sequence, by_word, case, measured
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.formats.documents import segment, spoken, words
from transcribe_cli.speakers.assignment import DEFAULT_COSTS, MAX_DISTANCE, assign_speakers, best_path, speakers_of
from transcribe_cli.transcript import Segment, Turn, Word

A, B, C = "SPEAKER_00", "SPEAKER_01", "SPEAKER_02"


def turns(*said: tuple[str, float, float]) -> list[Turn]:
    """Turns from (speaker, start, end)."""
    return [Turn(speaker=speaker, start=start, end=end) for speaker, start, end in said]


def by_speaker(segments: tuple[Segment, ...]) -> list[tuple[str | None, str]]:
    """Who said what."""
    return [(part.speaker, part.text) for part in segments]


def test_a_segment_is_split_where_the_speaker_changes() -> None:
    """Each part has its own times, text and words, and parts are numbered."""
    both = spoken("Alguma pergunta? Sim, professora.")  # four words of half a second
    assigned = assign_speakers([both, spoken("Diga.", 2.5)], turns((A, 0.0, 1.0), (B, 1.0, 2.0), (A, 2.5, 3.0)))
    assert by_speaker(assigned) == [(A, " Alguma pergunta?"), (B, " Sim, professora."), (A, " Diga.")]
    assert [(part.id, part.start, part.end) for part in assigned] == [(0, 0.0, 1.0), (1, 1.0, 2.0), (2, 2.5, 3.0)]
    assert [word.speaker for part in assigned for word in part.words or ()] == [A, A, B, B, A]


def test_the_last_word_of_a_turn_stays_with_it() -> None:
    """Its times are late, so on its own it would go to the next speaker. A sentence rarely ends with a word of another speaker."""
    late = spoken("Quem quer começar? Eu quero.")
    assigned = assign_speakers([late], turns((A, 0.0, 1.15), (B, 1.15, 2.5)))
    assert by_speaker(assigned) == [(A, " Quem quer começar?"), (B, " Eu quero.")]


def test_one_word_in_the_middle_of_a_sentence_keeps_its_speaker() -> None:
    """A cough over half of a word is no change of speaker; a whole answer is one."""
    sentence = spoken("Hoje vamos falar de células")
    assert by_speaker(assign_speakers([sentence], turns((A, 0.0, 1.0), (B, 1.0, 1.3), (A, 1.3, 2.5)))) == [(A, sentence.text)]
    answer = [spoken("Entendeu?", 0.0), spoken("Sim.", 0.5), spoken("Ótimo.", 1.0)]
    assert [
        speaker for speaker, _ in by_speaker(assign_speakers(answer, turns((A, 0.0, 0.5), (B, 0.5, 1.0), (A, 1.0, 1.5))))
    ] == [
        A,
        B,
        A,
    ]


def test_a_word_outside_all_turns_goes_to_the_nearest_edge() -> None:
    """Distance is measured to the edge of a turn, not to its middle."""
    assigned = assign_speakers([spoken("bom dia", 10.5)], turns((A, 0.0, 10.2), (B, 12.0, 12.5)))
    assert by_speaker(assigned) == [(A, " bom dia")]


def test_a_word_far_from_any_turn_has_no_speaker() -> None:
    """It becomes a segment of its own, even in the middle of another one."""
    far = 1.0 + MAX_DISTANCE + 0.001
    assigned = assign_speakers([spoken("um", far)], turns((A, 0.0, 1.0)))
    assert by_speaker(assigned) == [(None, " um")]
    assert "speaker" not in assigned[0].model_dump(exclude_none=True)
    near = assign_speakers([spoken("um", far - 0.01)], turns((A, 0.0, 1.0)))
    assert by_speaker(near) == [(A, " um")]
    slow = segment(
        " um dois três", 0.0, 13.0, words=words("um dois três", each=0.5)[:1] + words("dois", 6.0) + words("três", 12.5)
    )
    assert by_speaker(assign_speakers([slow], turns((A, 0.0, 0.5), (A, 12.0, 13.0)))) == [
        (A, " um"),
        (None, " dois"),
        (A, " três"),
    ]


def test_without_turns_there_are_no_speakers() -> None:
    """Earlier speakers are removed. Empty turns are ignored."""
    before = spoken("Bom dia.", speaker=B)
    for nothing in ([], turns((A, 0.2, 0.2))):
        assert by_speaker(assign_speakers([before], nothing)) == [(None, " Bom dia.")]
    assert assign_speakers([], turns((A, 0.0, 1.0))) == ()


def test_a_segment_without_words_stays_whole() -> None:
    """It gets the speaker who speaks most in it, or the nearest one, or none."""
    plain = [segment(" um", 0.0, 4.0), segment(" dois", 6.0, 7.0), segment(" três", 20.0, 21.0, words=())]
    assigned = assign_speakers(plain, turns((A, 0.0, 1.0), (B, 1.0, 2.4), (A, 2.4, 2.6), (C, 5.0, 5.5)))
    assert by_speaker(assigned) == [(B, " um"), (C, " dois"), (None, " três")]


def test_overlapped_speech_is_flagged() -> None:
    """Where two people speak through more than half of a word. Short overlaps do not count. Other flags are kept."""
    both = turns((A, 0.0, 2.0), (B, 1.0, 3.0))
    parts = [spoken("um dois.", 0.0), spoken("três", 1.0, flags=("failed_gates",)), spoken("quatro", 2.4)]
    assert [part.flags for part in assign_speakers(parts, both)] == [(), ("failed_gates", "overlap"), ()]
    touching = turns((A, 0.0, 1.1), (B, 1.0, 3.0))
    assert [part.flags for part in assign_speakers(parts, touching)] == [(), ("failed_gates",), ()]
    assert assign_speakers([segment(" x", 1.0, 2.0)], both)[0].flags == ("overlap",)


def test_parts_keep_the_measurements_of_their_clip() -> None:
    """A split segment has no tokens, as they cannot be mapped to words. Low confidence is decided by the words of the part."""
    sure, unsure = words("Certo, então.", 0.0), words("Pois não.", 1.0, probability=0.1)
    more = {"tokens": (1, 2, 3), "temperature": 0.4, "avg_logprob": -0.5, "compression_ratio": 1.5, "no_speech_prob": 0.1}
    clip = segment(" Certo, então. Pois não.", 0.0, 2.0, words=sure + unsure, flags=("low_confidence",), **more)
    first, second = assign_speakers([clip], turns((A, 0.0, 1.0), (B, 1.0, 2.0)))
    assert (first.flags, second.flags) == ((), ("low_confidence",))
    for part in (first, second):
        assert part.tokens == ()
        assert (part.seek, part.temperature, part.avg_logprob) == (clip.seek, 0.4, -0.5)
        assert (part.compression_ratio, part.no_speech_prob) == (1.5, 0.1)
    assert assign_speakers([clip], turns((A, 0.0, 2.0)))[0] == clip.model_copy(
        update={"speaker": A, "words": tuple(word.model_copy(update={"speaker": A}) for word in sure + unsure)}
    )


def test_speakers_are_ordered_by_first_speech() -> None:
    """Whatever the order of the turns."""
    assert speakers_of(turns((B, 5.0, 6.0), (C, 1.0, 2.0), (B, 0.5, 0.7), (A, 9.0, 9.5))) == (B, C, A)


_times = st.floats(0, 30, allow_nan=False)
_turns = st.lists(
    st.builds(
        lambda start, length, who: Turn(start=start, end=start + length, speaker=who), _times, _times, st.sampled_from("ABC")
    ),
    max_size=12,
)


@st.composite
def some_segments(draw: st.DrawFn) -> list[Segment]:
    """Segments in order of time, with and without words, with and without pauses."""
    position, assigned = 0.0, []
    for _ in range(draw(st.integers(0, 5))):
        said = []
        for text in draw(st.lists(st.sampled_from([" um", " dois.", " três", "?"]), max_size=6)):
            start = position + draw(st.floats(0, 4))
            position = start + draw(st.floats(0, 1))
            said.append(Word(word=text, start=start, end=position, probability=draw(st.floats(0, 1))))
        text = "".join(word.word for word in said)
        whole = segment(text, said[0].start, said[-1].end, words=tuple(said)) if said else segment(" x", position, position + 1)
        assigned.append(whole)
    return assigned


def flat(segments: tuple[Segment, ...] | list[Segment]) -> list[tuple[str, float, float, float]]:
    """All words, without speakers."""
    return [(word.word, word.start, word.end, word.probability) for part in segments for word in part.words or ()]


@given(some_segments(), _turns)
def test_no_word_is_lost_moved_or_changed(segments: list[Segment], heard: list[Turn]) -> None:
    """Words, their order, times and text; segments without words too; numbers from 0."""
    assigned = assign_speakers(segments, heard)
    assert flat(assigned) == flat(segments)
    assert "".join(part.text for part in assigned) == "".join(part.text for part in segments)
    assert [part.id for part in assigned] == list(range(len(assigned)))
    for part in assigned:
        if part.words:
            assert (part.start, part.end, part.text) == (
                part.words[0].start,
                part.words[-1].end,
                "".join(word.word for word in part.words),
            )


@given(some_segments(), _turns)
def test_every_segment_has_one_speaker_who_is_near(segments: list[Segment], heard: list[Turn]) -> None:
    """All words of a segment have its speaker, who has a turn within the maximum distance; otherwise there is none."""
    for part in assign_speakers(segments, heard):
        assert {word.speaker for word in part.words or ()} <= {part.speaker}
        for said in part.words or (part,):
            gaps = [max(turn.start - said.end, said.start - turn.end) for turn in heard if turn.end > turn.start]
            assume(all(abs(gap - MAX_DISTANCE) > 1e-9 for gap in gaps))
            assert (part.speaker is None) == all(gap >= MAX_DISTANCE for gap in gaps)


@given(some_segments(), _turns, st.randoms())
def test_assignment_is_idempotent_and_independent_of_order(
    segments: list[Segment], heard: list[Turn], rng: random.Random
) -> None:
    """The same turns in any order give the same result, also when applied to the result."""
    assigned = assign_speakers(segments, heard)
    assert assign_speakers(assigned, rng.sample(heard, len(heard))) == assigned


@given(
    st.integers(1, 3).flatmap(
        lambda states: st.lists(
            st.tuples(st.lists(st.integers(-9, 0), min_size=states, max_size=states), st.integers(0, 6)), min_size=1, max_size=6
        )
    )
)
def test_the_path_is_the_best_of_all(steps: list[tuple[list[int], int]]) -> None:
    """Compared with all sequences."""
    fits = [np.array(fit, dtype=np.float64) for fit, _ in steps]
    changes = [float(change) for _, change in steps[1:]]

    def total(path: tuple[int, ...] | list[int]) -> float:
        cost_of_changes = sum(cost for (one, other), cost in zip(pairwise(path), changes, strict=True) if one != other)
        return float(sum(fit[state] for fit, state in zip(fits, path, strict=True))) - cost_of_changes

    assert total(best_path(fits, changes)) == max(map(total, product(range(len(fits[0])), repeat=len(fits))))


@pytest.mark.parametrize("setting", SETTINGS)
def test_fewer_words_are_wrong_than_one_by_one(setting: tuple[float, float, float]) -> None:
    """On conversations that were not used to choose the costs; benchmarks/speakers.py has the full comparison."""
    cases = [case(seed, *setting) for seed in TOLD_ON[:12]]
    ours, islands = measured(by_sequence(DEFAULT_COSTS), cases)
    assert ours < measured(by_word, cases)[0]
    assert islands < 0.5
