"""Embeddings with known similarities, and samples."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.speakers.voices.library import Sample

NETWORK, OTHER_NETWORK = "0123456789abcdef", "fedcba9876543210"
SAMPLE = Sample(source="aula.wav", start=1.0, end=21.5, seconds=18.25, enrolled=datetime(2026, 11, 21, 14, 0, tzinfo=UTC))


def at(*components: float) -> NDArray[np.float32]:
    """A vector of length 1 with these first components, in four dimensions; the rest goes into the last one."""
    vector = np.zeros(4, np.float32)
    vector[: len(components)] = components
    vector[3] = np.sqrt(max(0.0, 1 - float(vector @ vector)))
    return vector
