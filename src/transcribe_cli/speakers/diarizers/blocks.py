"""Splits long recordings into blocks, and links their speakers by voice, so that memory does not grow with the square of the length.

pyannote.audio's clustering keeps the distance of each pair of embeddings, with about one embedding per second of each voice: 0.2 GB for
an hour of dialogue, 8 GB and more for six hours (https://github.com/pyannote/pyannote-audio/issues/1819, closed as won't fix).
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
# A recording up to this many times longer than a block is not split.
MAX_SINGLE_BLOCK = 1.5
# Blocks start at the quietest moment within this many seconds of an even split.
_LEEWAY_SECONDS = 10.0
_QUIET_SAMPLES = SAMPLE_RATE // 2
# Maximum cosine distance between voices of different blocks that are linked: average linkage; measured in docs/demo-diarizer.md.
LINK_DISTANCE = 0.4


@dataclass(frozen=True, eq=False)
class BlockSpeaker:
    """A speaker of one block.

    Attributes:
        block: number of the block, from 0.
        seconds: duration of the speaker's speech in it.
        vector: (dimensions,) embedding of length 1; None if there was too little speech.
    """

    block: int
    seconds: float
    vector: NDArray[np.float32] | None


def split_blocks(waveform: Waveform, block_seconds: float = BLOCK_SECONDS) -> list[tuple[int, int]]:
    """Start and end of the blocks, in samples: blocks of about equal length for a long recording, otherwise one block.

    Blocks are split at quiet moments. A recording without samples has no blocks.
    """
    if not waveform.samples:
        return []
    if waveform.seconds <= MAX_SINGLE_BLOCK * block_seconds:
        return [(0, waveform.samples)]
    count = math.ceil(waveform.seconds / block_seconds)
    # At most a quarter of a block from the even split, so that edges cannot cross.
    leeway = int(min(_LEEWAY_SECONDS, block_seconds / 4) * SAMPLE_RATE)
    inner = [_quietest(waveform, waveform.samples * number // count, leeway) for number in range(1, count)]
    edges = [0, *inner, waveform.samples]
    return list(itertools.pairwise(edges))


def link_speakers(
    block_speakers: Sequence[BlockSpeaker],
    min_speakers: int = 1,
    max_speakers: int | None = None,
    max_distance: float = LINK_DISTANCE,
) -> list[int]:
    """The number, from 0, of each block speaker in the whole recording.

    Uses average linkage, weighted by duration of speech. Two speakers of one block may be linked, because the clustering of a block
    sometimes splits one voice into two.

    Args:
        block_speakers: of all blocks.
        min_speakers: stop linking at this number of speakers.
        max_speakers: link down to this number, whatever the distances.
        max_distance: maximum cosine distance between groups that are linked.
    """
    vectors = {number: speaker.vector for number, speaker in enumerate(block_speakers) if speaker.vector is not None}
    groups = [[number] for number in vectors]
    weights = [max(block_speakers[number].seconds, 1e-3) for number in vectors]
    means = list(vectors.values())
    while len(groups) > max(min_speakers, 1):
        first, second, distance = _nearest_pair(np.array(means))
        if distance > max_distance and len(groups) <= (max_speakers or len(groups)):
            break
        total = weights[first] + weights[second]
        means[first] = ((weights[first] * means[first] + weights[second] * means[second]) / total).astype(np.float32)
        weights[first] = total
        groups[first] += groups[second]
        del groups[second], weights[second], means[second]
    # A block speaker without an embedding is assigned to whoever speaks most.
    main = int(np.argmax(weights)) if weights else 0
    speakers = {number: speaker for speaker, group in enumerate(groups) for number in group}
    return [speakers.get(number, main) for number in range(len(block_speakers))]


def mean_embeddings(block_speakers: Sequence[BlockSpeaker], speakers: Sequence[int]) -> dict[str, NDArray[np.float32]]:
    """For each speaker, the mean of the embeddings weighted by duration, of length 1; `speakers` is from `link_speakers`."""
    sums: dict[str, NDArray[np.float32]] = {}
    for block_speaker, speaker in zip(block_speakers, speakers, strict=True):
        if block_speaker.vector is not None:
            weighted = np.float32(max(block_speaker.seconds, 1e-3)) * block_speaker.vector
            sums[str(speaker)] = sums.get(str(speaker), np.float32(0)) + weighted
    scaled = {speaker: unit_vector(vector) for speaker, vector in sums.items()}
    return {speaker: vector for speaker, vector in scaled.items() if vector is not None}


def unit_vector(vector: NDArray[np.floating] | None) -> NDArray[np.float32] | None:
    """(dimensions,) scaled to length 1; None if it is zero or not finite."""
    if vector is None or not np.isfinite(vector).all() or not np.any(vector):
        return None
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def _nearest_pair(means: NDArray[np.float32]) -> tuple[int, int, float]:
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
