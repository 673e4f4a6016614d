"""Encoder outputs that will be wanted again: of clips whose language was asked, and of clips that go up the temperature ladder.

Encoding is the larger half of recognition. They are kept on the host, a bounded number, the oldest forgotten first: then the clip is
encoded once more.
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


class Encodings:
    """At most `most` encoder outputs, each (positions, width); several threads may use it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[_Key, NDArray[np.floating]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, clips: Sequence[Clip], encoded: ctranslate2.StorageView) -> None:
        """Keep the outputs of these clips; they are the rows of `encoded`, in order."""
        rows = on_host(encoded)
        with self._lock:
            for clip, row in zip(clips, rows, strict=True):
                self._kept[_key(clip)] = row
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def take(self, clips: Sequence[Clip]) -> list[NDArray[np.floating] | None]:
        """For each clip its output, which is then no longer kept, or None."""
        with self._lock:
            return [self._kept.pop(_key(clip), None) for clip in clips]


def on_host(encoded: ctranslate2.StorageView) -> NDArray[np.floating]:
    """(clips, positions, width) in the host's memory; bfloat16, which NumPy lacks, becomes float32."""
    if encoded.dtype == ctranslate2.DataType.bfloat16:
        encoded = encoded.to(ctranslate2.DataType.float32)
    return np.array(encoded.to_device(ctranslate2.Device.cpu) if encoded.device != "cpu" else encoded)


def _key(clip: Clip) -> _Key:
    return clip.waveform, clip.index, clip.part
