"""Long recordings in blocks, whose speakers are linked by their voices, so that memory does not grow with the square of the length.

pyannote.audio's clustering holds the distance of each pair of embeddings, about one embedding per second of each voice: an hour of
dialogue takes 0.2 GB, six hours 8 GB and more (https://github.com/pyannote/pyannote-audio/issues/1819, closed as will not be fixed).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio import SAMPLE_RATE, Waveform

BLOCK_SECONDS = 600.0
# So much longer than a block a recording may be and still be seen as a whole.
WHOLE = 1.5
# Blocks begin at the quietest moment within so many seconds of where they would.
_LEEWAY_SECONDS = 10.0
_QUIET_SAMPLES = SAMPLE_RATE // 2
# Cosine distance up to which voices of different blocks are one speaker: average linkage; measured in docs/demo-diarizer.md.
LINK_DISTANCE = 0.4


@dataclass(frozen=True, eq=False)
class Voice:
    """A speaker of one block.

    Attributes:
        block: which block, from 0.
        seconds: how long it speaks there.
        vector: (dimensions,) its embedding, of length 1; None when there was too little of it.
    """

    block: int
    seconds: float
    vector: NDArray[np.float32] | None


def cut(waveform: Waveform, block_seconds: float = BLOCK_SECONDS) -> list[tuple[int, int]]:
    """Where the blocks begin and end, in samples: one for a recording that is not long, otherwise equal ones cut at quiet moments.

    None for a recording without a sample.
    """
    if not waveform.samples:
        return []
    if waveform.seconds <= WHOLE * block_seconds:
        return [(0, waveform.samples)]
    count = math.ceil(waveform.seconds / block_seconds)
    # Never more than a quarter of a block from the even cut, so that blocks cannot cross.
    leeway = int(min(_LEEWAY_SECONDS, block_seconds / 4) * SAMPLE_RATE)
    inner = [_quietest(waveform, waveform.samples * number // count, leeway) for number in range(1, count)]
    edges = [0, *inner, waveform.samples]
    return list(itertools.pairwise(edges))


def link(voices: Sequence[Voice], least: int = 1, most: int | None = None, distance: float = LINK_DISTANCE) -> list[int]:
    """Which speaker of the whole recording each voice is, as numbers from 0.

    Average linkage, where a voice counts as much as it speaks. Two voices of one block may be one speaker: the clustering of a block
    sometimes finds one voice twice.

    Args:
        voices: of all blocks.
        least: not fewer speakers than so many, where there are so many voices.
        most: not more, however far apart they are.
        distance: by cosine, up to which groups of voices are one speaker.
    """
    vectors = {number: voice.vector for number, voice in enumerate(voices) if voice.vector is not None}
    groups = [[number] for number in vectors]
    weights = [max(voices[number].seconds, 1e-3) for number in vectors]
    means = list(vectors.values())
    while len(groups) > max(least, 1):
        first, second, apart = _nearest(np.array(means))
        if apart > distance and len(groups) <= (most or len(groups)):
            break
        total = weights[first] + weights[second]
        means[first] = ((weights[first] * means[first] + weights[second] * means[second]) / total).astype(np.float32)
        weights[first] = total
        groups[first] += groups[second]
        del groups[second], weights[second], means[second]
    # A voice too short for an embedding is taken for whoever speaks most.
    loudest = int(np.argmax(weights)) if weights else 0
    speakers = {number: speaker for speaker, group in enumerate(groups) for number in group}
    return [speakers.get(number, loudest) for number in range(len(voices))]


def centroids(voices: Sequence[Voice], speakers: Sequence[int]) -> dict[str, NDArray[np.float32]]:
    """For each speaker the mean of its voices, by how long they speak, of length 1; `speakers` as `link` gives them."""
    sums: dict[str, NDArray[np.float32]] = {}
    for voice, speaker in zip(voices, speakers, strict=True):
        if voice.vector is not None:
            sums[str(speaker)] = sums.get(str(speaker), np.float32(0)) + np.float32(max(voice.seconds, 1e-3)) * voice.vector
    scaled = {speaker: unit(vector) for speaker, vector in sums.items()}
    return {speaker: vector for speaker, vector in scaled.items() if vector is not None}


def unit(vector: NDArray[np.floating] | None) -> NDArray[np.float32] | None:
    """(dimensions,) with length 1; None for one that has no direction."""
    if vector is None or not np.isfinite(vector).all() or not np.any(vector):
        return None
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _nearest(means: NDArray[np.float32]) -> tuple[int, int, float]:
    """The pair with the smallest mean cosine distance: numbers, the smaller first, and the distance."""
    distances = 1 - means @ means.T
    distances[np.tril_indices(len(means))] = np.inf
    first, second = np.unravel_index(int(np.argmin(distances)), distances.shape)
    return int(first), int(second), float(distances[first, second])


def _quietest(waveform: Waveform, middle: int, leeway: int) -> int:
    """The middle of the quietest half second within `leeway` samples of `middle`."""
    start = max(0, middle - leeway)
    samples = waveform.read(start, middle + leeway)
    windows = len(samples) // _QUIET_SAMPLES
    power = np.square(samples[: windows * _QUIET_SAMPLES]).reshape(windows, _QUIET_SAMPLES).mean(axis=1)
    return start + int(np.argmin(power)) * _QUIET_SAMPLES + _QUIET_SAMPLES // 2
