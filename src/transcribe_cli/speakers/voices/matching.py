"""Whether a speaker of a recording is somebody whose voice is known: surely, perhaps, or not.

Embeddings are compared by the cosine of the angle between them. What is near enough depends on the network that made them and on the
recordings, so that no number is right everywhere (https://github.com/pyannote/pyannote-audio/issues/697); `benchmarks/voices.py` chose
these with the demo diarizer, and docs/voices.md says how to find one's own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.transcript import VoiceMatch

# So much less than the threshold is still a resemblance that people should be told about.
DOUBT_RANGE = 0.15
# A voice is not taken for another's when both are that near.
MARGIN = 0.1


def match_voices(
    speakers: Mapping[str, NDArray[np.float32]],
    voices: Mapping[str, NDArray[np.float32]],
    threshold: float,
    taken: Collection[str] = (),
    margin: float = MARGIN,
) -> tuple[VoiceMatch, ...]:
    """Who sounds like whom, in the order of the speakers; those who resemble nobody are left out.

    It is sure that a speaker is somebody when their similarity is the threshold or more, no other voice comes within the margin of it, no
    other speaker is nearer to that voice, and the name is not taken. Down to `DOUBT_RANGE` under the threshold it is a resemblance. So a
    name is given to one speaker of a recording at most.

    Args:
        speakers: label -> (dimensions,) of length 1.
        voices: name -> (dimensions,) of length 1, from the same network.
        threshold: cosine from which on it may be sure, -1 to 1.
        taken: names that somebody else in the recording has for sure.
        margin: for benchmarks.
    """
    if not speakers or not voices:
        return ()
    names = list(voices)
    similar = np.array(list(speakers.values())) @ np.array(list(voices.values())).T
    found = []
    for row, label in enumerate(speakers):
        nearest = int(similar[row].argmax())
        similarity = float(similar[row, nearest])
        others = np.delete(similar[row], nearest)
        alone = similarity - others.max(initial=-1.0) >= margin
        first = int(similar[:, nearest].argmax()) == row
        sure = similarity >= threshold and alone and first and names[nearest] not in taken
        if sure or similarity >= threshold - DOUBT_RANGE:
            found.append(VoiceMatch(speaker=label, name=names[nearest], similarity=similarity, sure=sure))
    return tuple(found)
