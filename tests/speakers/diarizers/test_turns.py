"""Turns in canonical form: ordered, inside the recording, speakers numbered by first speech."""

from __future__ import annotations

import numpy as np

from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.diarizers.turns import label_by_first_speech, normalize_turns
from transcribe_cli.transcript import Turn


def turn(start: float, end: float, speaker: str) -> Turn:
    return Turn(start=start, end=end, speaker=speaker)


def test_turns_are_ordered_cut_and_rounded() -> None:
    found = normalize_turns([turn(5, 12, "a"), turn(0.12345, 2.34567, "b"), turn(11, 12, "b"), turn(3, 3.0001, "b")], 10.0)
    assert found == (turn(0.123, 2.346, "b"), turn(5, 10, "a"))


def test_only_touching_turns_of_the_same_speaker_are_merged() -> None:
    found = normalize_turns([turn(0, 2, "a"), turn(1, 4, "b"), turn(2.02, 3, "a"), turn(2.5, 2.8, "a"), turn(3.5, 5, "a")], 10.0)
    assert found == (turn(0, 3, "a"), turn(1, 4, "b"), turn(3.5, 5, "a"))


def test_speakers_are_numbered_by_first_speech() -> None:
    vectors = {"7": np.ones(2, np.float32), "3": np.zeros(2, np.float32), "9": np.ones(2, np.float32)}
    found = label_by_first_speech(Diarization((turn(0, 1, "3"), turn(1, 2, "7"), turn(2, 3, "3")), vectors))
    assert [each.speaker for each in found.turns] == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_00"]
    assert list(found.embeddings) == ["SPEAKER_00", "SPEAKER_01"]
    assert found.embeddings["SPEAKER_01"] is vectors["7"]
