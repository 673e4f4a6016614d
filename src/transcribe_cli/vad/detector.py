"""Silero VAD over blocks of a waveform: the probability of speech in each window of 32 ms.

The model is the one bundled with faster-whisper (Silero v6, MIT). Its state is carried from block to block, so the probabilities do not
depend on the block size, and memory does not grow with the recording.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The model reads windows of 512 samples (32 ms), each preceded by the last 64 samples of the previous window.
WINDOW_SAMPLES = 512
CONTEXT_SAMPLES = 64


class SpeechDetector:
    """Silero VAD for one recording, from its beginning. The model itself is loaded once per process."""

    def __init__(self) -> None:
        self._session = load_detector()
        self._state = np.zeros((1, 1, 128), np.float32)
        self._cell = np.zeros((1, 1, 128), np.float32)
        self._context = np.zeros(CONTEXT_SAMPLES, np.float32)

    def probabilities(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probability of speech in each window of 512 samples of the next block.

        Args:
            block: (samples,) at 16 kHz, following the previous block; all but the last must have a multiple of 512 samples.

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
    """Load the model, once per process. The first call takes a moment."""
    # From 1.29 on, ONNX Runtime reports to Microsoft which models it runs, and leaves a `.ses` file in TMPDIR, unless this is set
    # before it is imported. https://github.com/microsoft/onnxruntime/pull/27379
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    # The model file and its session options are faster-whisper's: one thread, because a second one makes it slower (measured).
    from faster_whisper.vad import get_vad_model

    return get_vad_model().session
