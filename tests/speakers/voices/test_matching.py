"""Matches are sure, possible or absent; a name goes to at most one speaker."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.speakers.voices.vectors import at
from transcribe_cli.speakers.voices.matching import DOUBT_RANGE, MARGIN, match_voices

ANA, RUI = at(1), at(0, 1)
VOICES = {"Ana": ANA, "Rui": RUI}


def matched(*speakers: np.ndarray, threshold: float = 0.7, taken: tuple[str, ...] = ()) -> dict[str, tuple[str, bool]]:
    """Label -> name, and whether the match is sure."""
    labelled = {f"SPEAKER_{number:02}": vector for number, vector in enumerate(speakers)}
    return {found.speaker: (found.name, found.sure) for found in match_voices(labelled, VOICES, threshold, taken)}


@pytest.mark.parametrize(
    ("similarity", "expected"),
    [(0.99, ("Ana", True)), (0.71, ("Ana", True)), (0.69, ("Ana", False)), (0.56, ("Ana", False)), (0.54, None), (-1.0, None)],
)
def test_a_match_is_sure_above_the_threshold_and_possible_just_below(
    similarity: float, expected: tuple[str, bool] | None
) -> None:
    """Matches have their similarity."""
    assert matched(at(similarity)).get("SPEAKER_00") == expected
    for found in match_voices({"SPEAKER_00": at(similarity)}, VOICES, 0.7):
        assert found.similarity == pytest.approx(similarity, abs=1e-6)


def test_the_threshold_can_be_set() -> None:
    """Higher is stricter."""
    assert matched(at(0.9), threshold=0.95) == {"SPEAKER_00": ("Ana", False)}
    assert matched(at(0.4), threshold=0.4) == {"SPEAKER_00": ("Ana", True)}


def test_a_match_is_not_sure_when_two_voices_are_similar() -> None:
    """However similar both are."""
    assert matched(at(0.75, 0.66)) == {"SPEAKER_00": ("Ana", False)}
    assert matched(at(0.8, 0.55)) == {"SPEAKER_00": ("Ana", True)}


def test_a_name_goes_to_the_most_similar_speaker_only() -> None:
    """Whatever the order; other speakers are not affected."""
    assert matched(at(0.8), at(0.95), at(0, 0.9)) == {
        "SPEAKER_00": ("Ana", False),
        "SPEAKER_01": ("Ana", True),
        "SPEAKER_02": ("Rui", True),
    }


def test_a_name_that_a_user_gave_to_another_speaker_is_taken() -> None:
    """It is only a possible match."""
    assert matched(at(0.95), taken=("Ana",)) == {"SPEAKER_00": ("Ana", False)}


def test_without_voices_or_speakers_there_are_no_matches() -> None:
    """An empty library, a recording without embeddings."""
    assert match_voices({"SPEAKER_00": ANA}, {}, 0.7) == match_voices({}, VOICES, 0.7) == ()
    assert match_voices({"SPEAKER_00": ANA}, {"Ana": ANA}, 0.7)[0].sure


@given(st.integers(0, 6), st.integers(0, 6), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_each_name_and_each_speaker_has_at_most_one_sure_match(speakers: int, voices: int, threshold: float, seed: int) -> None:
    """A sure match is above the threshold, and no other voice is close."""
    drawn = np.random.default_rng(seed).standard_normal((speakers + voices, 3)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    known = {f"voice {number}": vector for number, vector in enumerate(drawn[speakers:])}
    labelled = {f"SPEAKER_{number:02}": vector for number, vector in enumerate(drawn[:speakers])}
    found = match_voices(labelled, known, threshold)
    sure = [match for match in found if match.sure]
    assert len({match.name for match in sure}) == len({match.speaker for match in sure}) == len(sure)
    for match in found:
        assert match.similarity >= threshold - (0 if match.sure else DOUBT_RANGE) - 1e-6
    for match in sure:
        others = [float(labelled[match.speaker] @ vector) for name, vector in known.items() if name != match.name]
        assert match.similarity - max(others, default=-1.0) >= MARGIN - 1e-5
