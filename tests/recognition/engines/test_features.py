"""Features of clips: the same on every machine setting, and those of faster-whisper."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from transcribe_cli.recognition.engines.features import MelFilters

_SCRIPT = """
import hashlib
import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from transcribe_cli.recognition.engines.features import MelFilters
extract = FeatureExtractor()
extract.mel_filters = MelFilters(extract.mel_filters)
samples = np.random.default_rng(0).normal(size=160_000).astype(np.float32)
print(hashlib.sha256(extract(samples).tobytes()).hexdigest())
"""


def _digest(threads: int) -> str:
    """Of the features that a process with this many BLAS threads computes."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    environment |= {"OPENBLAS_NUM_THREADS": str(threads)}
    return subprocess.run([sys.executable, "-c", _SCRIPT], env=environment, capture_output=True, check=True, text=True).stdout


def test_features_do_not_depend_on_the_number_of_threads() -> None:
    """OpenBLAS adds in another order on two threads, which moved words by up to a tenth of a second."""
    assert _digest(1) == _digest(2)


@pytest.mark.parametrize("mels", [80, 128])
def test_features_are_those_of_faster_whisper(mels: int) -> None:
    """But for rounding."""
    theirs, ours = FeatureExtractor(feature_size=mels), FeatureExtractor(feature_size=mels)
    ours.mel_filters = MelFilters(ours.mel_filters)
    samples = np.random.default_rng(0).normal(size=48_000).astype(np.float32)
    found = ours(samples)
    assert (found.shape, found.dtype) == (theirs(samples).shape, np.float32)
    np.testing.assert_allclose(found, theirs(samples), atol=1e-5)


def test_a_filter_without_frequencies_is_silent() -> None:
    """Some mel banks have one."""
    filters = np.array([[0, 0, 0], [0, 1, 2]], np.float32)
    spectrogram = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.testing.assert_array_equal(MelFilters(filters) @ spectrogram, filters @ spectrogram)
