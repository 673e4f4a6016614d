"""The log-mel features of clips, the same bits on every number of threads: the mel filters are applied without BLAS.

OpenBLAS rounds sums differently on one thread and on several, and int8 models turn such a difference into word times that differ by a
tenth of a second: between a worker and this machine, or between the command and the Python API.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from faster_whisper.audio import pad_or_trim
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from transcribe_cli.recognition.engines import Clip

# The features need more samples than one window of 400; a shorter clip is padded with silence.
MIN_SAMPLES = 1600


def extract_features(extract: FeatureExtractor, clips: Sequence[Clip]) -> NDArray[np.float32]:
    """(clips, mels, frames): log-mel features, 100 frames a second, padded with zeros as faster-whisper pads them."""
    if not clips:
        return np.zeros((0, extract.mel_filters.shape[0], 0), np.float32)
    return np.stack([pad_or_trim(extract(_pad_short(clip.samples()))[..., :-1], 100 * clip.window_seconds) for clip in clips])


class MelFilters:
    """A matrix of filters, (mels, frequencies), that multiplies a spectrogram from the left.

    A filter is zero outside a short range of frequencies, so this takes no longer than the full product.
    """

    def __init__(self, filters: NDArray[np.float32]) -> None:
        self.shape = filters.shape
        self._filters = [_without_zeros(weights) for weights in filters]

    def __matmul__(self, spectrogram: NDArray[np.float32]) -> NDArray[np.float32]:
        """(frequencies, frames) to (mels, frames)."""
        return np.stack([_weighted_sum(weights, spectrogram[first:]) for first, weights in self._filters])


def _pad_short(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.pad(samples, (0, max(0, MIN_SAMPLES - len(samples))))


def _without_zeros(weights: NDArray[np.float32]) -> tuple[int, NDArray[np.float32]]:
    """The first frequency of a filter, and its weights from there to its last one."""
    used = np.flatnonzero(weights)
    return (int(used[0]), weights[used[0] : used[-1] + 1]) if len(used) else (0, weights[:1])


def _weighted_sum(weights: NDArray[np.float32], rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sum of the first rows, with these weights; always added in this order."""
    total = weights[0] * rows[0]
    for weight, row in zip(weights[1:], rows[1:], strict=False):
        total += weight * row
    return cast("NDArray[np.float32]", total)
