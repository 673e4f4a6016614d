"""Silero VAD over blocks of a waveform: the probability of speech in each window of 32 ms.

The model is the one that faster-whisper ships (Silero v6, MIT). Its state is carried from block to block, so the probabilities do not
depend on the block size and memory does not grow with the recording.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The model reads windows of 512 samples (32 ms), each with the last 64 samples of the one before.
WINDOW_SAMPLES = 512
CONTEXT_SAMPLES = 64


class SpeechDetector:
    """Silero VAD for one recording, listening from its beginning. The model itself is loaded once in a process."""

    def __init__(self) -> None:
        self._session = load_detector()
        self._state = np.zeros((1, 1, 128), np.float32)
        self._cell = np.zeros((1, 1, 128), np.float32)
        self._context = np.zeros(CONTEXT_SAMPLES, np.float32)

    def probabilities(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probability of speech in each window of 512 samples of the next block.

        Args:
            block: (samples,) at 16 kHz, following the block before; all but the last must hold a multiple of 512.

        Returns:
            (windows,): the last window of the last block is padded with zeros.
        """
        if not len(block):
            return np.zeros(0, np.float32)
        padded = np.pad(block, (0, -len(block) % WINDOW_SAMPLES))
        windows = padded.reshape(-1, WINDOW_SAMPLES)
        contexts = np.vstack([self._context[None], windows[:-1, -CONTEXT_SAMPLES:]])
        inputs = {"input": np.hstack([contexts, windows]), "h": self._state, "c": self._cell}
        probabilities, self._state, self._cell = self._session.run(None, inputs)
        self._context = padded[-CONTEXT_SAMPLES:]
        return np.asarray(probabilities, np.float32).reshape(-1)


@cache
def load_detector() -> Any:  # noqa: ANN401 - onnxruntime has no types
    """The model, which takes a moment; it is the same for every detector of this process."""
    # From 1.29 on ONNX Runtime tells Microsoft which models it runs, and leaves a `.ses` file in TMPDIR, unless this is set before it
    # is imported. https://github.com/microsoft/onnxruntime/pull/27379
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    # The model file and its session options are faster-whisper's: one thread, since a second one only hurts (measured).
    from faster_whisper.vad import get_vad_model

    return get_vad_model().session
