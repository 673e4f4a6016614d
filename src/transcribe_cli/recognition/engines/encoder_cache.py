"""Encoder outputs that are used again: of clips whose language was detected first, and of clips retried at another temperature.

Encoding is the larger half of recognition. A bounded number of outputs is kept in host memory. The oldest are evicted first, and a clip
whose output was evicted is encoded a second time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import ctranslate2
import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio import Waveform
from transcribe_cli.recognition.engines import Clip

_Key = tuple[Waveform, int, int]


class EncoderCache:
    """Up to `max_entries` encoder outputs, each (positions, width); thread-safe."""

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._entries: OrderedDict[_Key, NDArray[np.floating]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, clips: Sequence[Clip], encoded: ctranslate2.StorageView) -> None:
        """Store the outputs of these clips, which are the rows of `encoded`, in order."""
        rows = to_host(encoded)
        with self._lock:
            for clip, row in zip(clips, rows, strict=True):
                self._entries[_key(clip)] = row
            while len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)

    def pop(self, clips: Sequence[Clip]) -> list[NDArray[np.floating] | None]:
        """Remove and return the output of each clip; None where it is not stored."""
        with self._lock:
            return [self._entries.pop(_key(clip), None) for clip in clips]


def to_host(encoded: ctranslate2.StorageView) -> NDArray[np.floating]:
    """(clips, positions, width) in host memory; bfloat16, which NumPy lacks, becomes float32."""
    if encoded.dtype == ctranslate2.DataType.bfloat16:
        encoded = encoded.to(ctranslate2.DataType.float32)
    return np.array(encoded.to_device(ctranslate2.Device.cpu) if encoded.device != "cpu" else encoded)


def _key(clip: Clip) -> _Key:
    return clip.waveform, clip.index, clip.part
