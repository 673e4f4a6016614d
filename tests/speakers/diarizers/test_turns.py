"""Turns as the contract has them: in order, inside the recording, speakers by first speech."""

from __future__ import annotations

import numpy as np

from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.diarizers.turns import by_first_speech, tidy
from transcribe_cli.transcript import Turn


def turn(start: float, end: float, speaker: str) -> Turn:
    return Turn(start=start, end=end, speaker=speaker)


def test_turns_are_ordered_cut_and_rounded() -> None:
    found = tidy([turn(5, 12, "a"), turn(0.12345, 2.34567, "b"), turn(11, 12, "b"), turn(3, 3.0001, "b")], 10.0)
    assert found == (turn(0.123, 2.346, "b"), turn(5, 10, "a"))


def test_turns_of_one_speaker_that_touch_are_one_and_those_of_others_stay_apart() -> None:
    found = tidy([turn(0, 2, "a"), turn(1, 4, "b"), turn(2.02, 3, "a"), turn(2.5, 2.8, "a"), turn(3.5, 5, "a")], 10.0)
    assert found == (turn(0, 3, "a"), turn(1, 4, "b"), turn(3.5, 5, "a"))


def test_speakers_are_called_by_the_order_in_which_they_are_heard() -> None:
    vectors = {"7": np.ones(2, np.float32), "3": np.zeros(2, np.float32), "9": np.ones(2, np.float32)}
    found = by_first_speech(Diarization((turn(0, 1, "3"), turn(1, 2, "7"), turn(2, 3, "3")), vectors))
    assert [each.speaker for each in found.turns] == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_00"]
    assert list(found.embeddings) == ["SPEAKER_00", "SPEAKER_01"]
    assert found.embeddings["SPEAKER_01"] is vectors["7"]
