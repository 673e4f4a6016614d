"""A speaker is named when that is sure, told about when it may be, and otherwise left alone; a name goes to one speaker at most."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.speakers.voices.vectors import at
from transcribe_cli.speakers.voices.matching import DOUBT_RANGE, MARGIN, match_voices

ANA, RUI = at(1), at(0, 1)
VOICES = {"Ana": ANA, "Rui": RUI}


def said(*speakers: np.ndarray, threshold: float = 0.7, taken: tuple[str, ...] = ()) -> dict[str, tuple[str, bool]]:
    """Label -> name, and whether it is sure."""
    labelled = {f"SPEAKER_{number:02}": vector for number, vector in enumerate(speakers)}
    return {found.speaker: (found.name, found.sure) for found in match_voices(labelled, VOICES, threshold, taken)}


@pytest.mark.parametrize(
    ("similarity", "expected"),
    [(0.99, ("Ana", True)), (0.71, ("Ana", True)), (0.69, ("Ana", False)), (0.56, ("Ana", False)), (0.54, None), (-1.0, None)],
)
def test_a_voice_is_sure_from_the_threshold_on_and_may_be_from_a_little_under_it(
    similarity: float, expected: tuple[str, bool] | None
) -> None:
    """With how similar it is."""
    assert said(at(similarity)).get("SPEAKER_00") == expected
    for found in match_voices({"SPEAKER_00": at(similarity)}, VOICES, 0.7):
        assert found.similarity == pytest.approx(similarity, abs=1e-6)


def test_the_threshold_is_the_users() -> None:
    """Higher is stricter."""
    assert said(at(0.9), threshold=0.95) == {"SPEAKER_00": ("Ana", False)}
    assert said(at(0.4), threshold=0.4) == {"SPEAKER_00": ("Ana", True)}


def test_two_voices_that_are_about_as_near_leave_a_doubt() -> None:
    """However near both are."""
    assert said(at(0.75, 0.66)) == {"SPEAKER_00": ("Ana", False)}
    assert said(at(0.8, 0.55)) == {"SPEAKER_00": ("Ana", True)}


def test_a_name_goes_to_the_nearest_speaker_and_the_other_is_in_doubt() -> None:
    """Whoever comes first; and everybody else is told apart as before."""
    assert said(at(0.8), at(0.95), at(0, 0.9)) == {
        "SPEAKER_00": ("Ana", False),
        "SPEAKER_01": ("Ana", True),
        "SPEAKER_02": ("Rui", True),
    }


def test_a_name_that_people_gave_to_another_speaker_is_taken() -> None:
    """It is told, not given again."""
    assert said(at(0.95), taken=("Ana",)) == {"SPEAKER_00": ("Ana", False)}


def test_without_voices_or_speakers_nobody_sounds_like_anybody() -> None:
    """An empty library, a recording without embeddings."""
    assert match_voices({"SPEAKER_00": ANA}, {}, 0.7) == match_voices({}, VOICES, 0.7) == ()
    assert match_voices({"SPEAKER_00": ANA}, {"Ana": ANA}, 0.7)[0].sure


@given(st.integers(0, 6), st.integers(0, 6), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_whatever_the_voices_are_each_name_and_each_speaker_is_sure_once(
    speakers: int, voices: int, threshold: float, seed: int
) -> None:
    """And what is sure is over the threshold with no other voice near."""
    drawn = np.random.default_rng(seed).standard_normal((speakers + voices, 3)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    known = {f"voice {number}": vector for number, vector in enumerate(drawn[speakers:])}
    labelled = {f"SPEAKER_{number:02}": vector for number, vector in enumerate(drawn[:speakers])}
    found = match_voices(labelled, known, threshold)
    sure = [likeness for likeness in found if likeness.sure]
    assert len({likeness.name for likeness in sure}) == len({likeness.speaker for likeness in sure}) == len(sure)
    for likeness in found:
        assert likeness.similarity >= threshold - (0 if likeness.sure else DOUBT_RANGE) - 1e-6
    for likeness in sure:
        others = [float(labelled[likeness.speaker] @ vector) for name, vector in known.items() if name != likeness.name]
        assert likeness.similarity - max(others, default=-1.0) >= MARGIN - 1e-5
