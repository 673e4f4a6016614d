"""Puts a diarizer's result into canonical form: ordered turns inside the recording, speakers numbered by first speech."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.transcript import Turn

# Turns of one speaker with a gap of at most this, in seconds, are merged: the maximum gap between the edges of two blocks.
_MAX_GAP = 0.03


def normalize_turns(turns: Iterable[Turn], seconds: float) -> tuple[Turn, ...]:
    """Turns ordered by start, cut to the `seconds` of the recording, rounded to milliseconds, without empty ones.

    Turns of one speaker that touch or overlap are merged. Those of different speakers may overlap.
    """
    merged: list[Turn] = []
    latest: dict[str, int] = {}
    for turn in sorted(turns, key=lambda turn: (turn.start, turn.end)):
        start, end = round(max(turn.start, 0.0), 3), round(min(turn.end, seconds), 3)
        if end <= start:
            continue
        previous = latest.get(turn.speaker)
        if previous is not None and start - merged[previous].end <= _MAX_GAP:
            merged[previous] = merged[previous].model_copy(update={"end": max(end, merged[previous].end)})
            continue
        latest[turn.speaker] = len(merged)
        merged.append(Turn(start=start, end=end, speaker=turn.speaker))
    return tuple(merged)


def label_by_first_speech(diarization: Diarization) -> Diarization:
    """The same diarization with speakers called SPEAKER_00, SPEAKER_01, … in the order in which they first speak."""
    order = dict.fromkeys(turn.speaker for turn in diarization.turns)
    names: Mapping[str, str] = {speaker: f"SPEAKER_{number:02d}" for number, speaker in enumerate(order)}
    turns = tuple(turn.model_copy(update={"speaker": names[turn.speaker]}) for turn in diarization.turns)
    embeddings: dict[str, NDArray[np.float32]] = {
        name: diarization.embeddings[speaker] for speaker, name in names.items() if speaker in diarization.embeddings
    }
    return replace(diarization, turns=turns, embeddings=embeddings)
