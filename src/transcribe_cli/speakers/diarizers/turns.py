"""From what a diarizer found to what the contract says: turns in order, inside the recording, speakers by first speech."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.transcript import Turn

# Turns of one speaker that lie no further apart, in seconds, are one: so far apart are the edges of two blocks at most.
_TOUCHING = 0.03


def tidy(turns: Iterable[Turn], seconds: float) -> tuple[Turn, ...]:
    """In the order of their starts, cut to the `seconds` of the recording, to the millisecond, without empty ones.

    Turns of one speaker that touch or overlap become one; those of different speakers may overlap.
    """
    done: list[Turn] = []
    latest: dict[str, int] = {}
    for turn in sorted(turns, key=lambda turn: (turn.start, turn.end)):
        start, end = round(max(turn.start, 0.0), 3), round(min(turn.end, seconds), 3)
        if end <= start:
            continue
        before = latest.get(turn.speaker)
        if before is not None and start - done[before].end <= _TOUCHING:
            done[before] = done[before].model_copy(update={"end": max(end, done[before].end)})
            continue
        latest[turn.speaker] = len(done)
        done.append(Turn(start=start, end=end, speaker=turn.speaker))
    return tuple(done)


def by_first_speech(found: Diarization) -> Diarization:
    """The same with speakers called SPEAKER_00, SPEAKER_01, … in the order in which they are first heard."""
    order = dict.fromkeys(turn.speaker for turn in found.turns)
    names: Mapping[str, str] = {speaker: f"SPEAKER_{number:02d}" for number, speaker in enumerate(order)}
    turns = tuple(turn.model_copy(update={"speaker": names[turn.speaker]}) for turn in found.turns)
    embeddings: dict[str, NDArray[np.float32]] = {
        name: found.embeddings[speaker] for speaker, name in names.items() if speaker in found.embeddings
    }
    return replace(found, turns=turns, embeddings=embeddings)
