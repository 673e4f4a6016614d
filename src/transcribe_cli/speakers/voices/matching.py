"""Compares the speakers of a recording with enrolled voices: a sure match, a possible match, or none.

Similarity is the cosine of the angle between two embeddings. What counts as similar depends on the network that made them and on the
recordings, so no threshold is right everywhere (https://github.com/pyannote/pyannote-audio/issues/697). `benchmarks/voices.py` chose
these numbers with the demo diarizer; docs/voices.md explains how to find your own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.transcript import VoiceMatch

# A similarity up to this much below the threshold is a possible match.
DOUBT_RANGE = 0.15
# A match is not sure when a second voice comes this close to the first one.
MARGIN = 0.1


def match_voices(
    speakers: Mapping[str, NDArray[np.float32]],
    voices: Mapping[str, NDArray[np.float32]],
    threshold: float,
    taken: Collection[str] = (),
    margin: float = MARGIN,
) -> tuple[VoiceMatch, ...]:
    """The most similar voice for each speaker, in the order of the speakers; speakers without a match are left out.

    A match is sure when the similarity reaches the threshold, no other voice comes within the margin of it, no other speaker is more
    similar to that voice, and the name is not taken. So a name goes to at most one speaker of a recording. Otherwise a match is
    possible, if the similarity is at most `DOUBT_RANGE` below the threshold.

    Args:
        speakers: label -> (dimensions,) of length 1.
        voices: name -> (dimensions,) of length 1, from the same network.
        threshold: minimum cosine of a sure match, -1 to 1.
        taken: names that other speakers of the recording already have.
        margin: for benchmarks.
    """
    if not speakers or not voices:
        return ()
    names = list(voices)
    similarities = np.array(list(speakers.values())) @ np.array(list(voices.values())).T
    matches = []
    for row, label in enumerate(speakers):
        nearest = int(similarities[row].argmax())
        similarity = float(similarities[row, nearest])
        others = np.delete(similarities[row], nearest)
        is_distinct = similarity - others.max(initial=-1.0) >= margin
        is_nearest_speaker = int(similarities[:, nearest].argmax()) == row
        sure = similarity >= threshold and is_distinct and is_nearest_speaker and names[nearest] not in taken
        if sure or similarity >= threshold - DOUBT_RANGE:
            matches.append(VoiceMatch(speaker=label, name=names[nearest], similarity=similarity, sure=sure))
    return tuple(matches)
