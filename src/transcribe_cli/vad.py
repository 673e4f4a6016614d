"""Where there is speech: Silero VAD over blocks of a waveform, then speech regions, then clips of at most 30 s.

The model is the one that faster-whisper ships (Silero v6, MIT). Its state is carried from block to block, so the probabilities do not
depend on the block size and memory does not grow with the recording. Regions follow Silero's own hysteresis
(https://github.com/snakers4/silero-vad); only cutting and packing are ours.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.spec import JobSpec

# The model reads windows of 512 samples (32 ms), each with the last 64 samples of the one before.
WINDOW_SAMPLES = 512
CONTEXT_SAMPLES = 64
BLOCK_SAMPLES = 1024 * WINDOW_SAMPLES
# What the recognizer sees at once: Whisper's window.
CLIP_SECONDS = 30.0
CLIP_SAMPLES = int(CLIP_SECONDS * SAMPLE_RATE)
# Silence inside a clip up to this long is kept, because a fuller clip is cheaper; more of it tempts Whisper to invent text.
CLIP_GAP_SAMPLES = 2 * SAMPLE_RATE
# A region goes on until the probability falls this far below the threshold: Silero's own margin.
HYSTERESIS = 0.15


@dataclass(frozen=True)
class Region:
    """Samples [start, end) of a waveform."""

    start: int
    end: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end - self.start) / SAMPLE_RATE


class SpeechDetector:
    """Silero VAD, loaded once; not for several threads at a time."""

    def __init__(self) -> None:
        self._session = _session()

    def probabilities(self, blocks: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
        """The probability of speech in each window of 512 samples.

        Args:
            blocks: consecutive float32 samples at 16 kHz; all but the last must hold a multiple of 512.

        Returns:
            (windows,): the last window is padded with zeros.
        """
        state = np.zeros((1, 1, 128), np.float32)
        cell = np.zeros((1, 1, 128), np.float32)
        context = np.zeros(CONTEXT_SAMPLES, np.float32)
        found = []
        for block in blocks:
            padded = np.pad(block, (0, -len(block) % WINDOW_SAMPLES))
            windows = padded.reshape(-1, WINDOW_SAMPLES)
            contexts = np.vstack([context[None], windows[:-1, -CONTEXT_SAMPLES:]])
            inputs = {"input": np.hstack([contexts, windows]), "h": state, "c": cell}
            probabilities, state, cell = self._session.run(None, inputs)
            found.append(np.asarray(probabilities, np.float32).reshape(-1))
            context = padded[-CONTEXT_SAMPLES:]
        return np.concatenate(found) if found else np.zeros(0, np.float32)


@cache
def _session() -> Any:  # noqa: ANN401 - onnxruntime has no types
    # From 1.29 on ONNX Runtime tells Microsoft which models it runs, and leaves a `.ses` file in TMPDIR, unless this is set before it
    # is imported. https://github.com/microsoft/onnxruntime/pull/27379
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    # The model file and its session options are faster-whisper's: one thread, since a second one only hurts (measured).
    from faster_whisper.vad import get_vad_model

    return get_vad_model().session


def speech_regions(probabilities: NDArray[np.float32], samples: int, spec: JobSpec) -> list[Region]:
    """Speech in a waveform of `samples`, padded, in order, not overlapping; the whole waveform when VAD is off."""
    if not spec.vad_filter:
        return [Region(0, samples)] if samples else []
    spans = _hysteresis(probabilities, spec.vad_threshold, _windows(spec.vad_min_silence_duration_ms))
    shortest = _windows(spec.vad_min_speech_duration_ms)
    kept = [(start, end) for start, end in spans if end - start >= shortest]
    return _padded([Region(s * WINDOW_SAMPLES, min(e * WINDOW_SAMPLES, samples)) for s, e in kept], samples, spec)


def _windows(milliseconds: int) -> int:
    return round(milliseconds * SAMPLE_RATE / 1000 / WINDOW_SAMPLES)


def _hysteresis(probabilities: NDArray[np.float32], threshold: float, min_silence: int) -> Iterator[tuple[int, int]]:
    """Spans of windows: from the first at the threshold until `min_silence` windows stayed under the lower one."""
    low = max(threshold - HYSTERESIS, 0.01)
    start = silence = None
    for index, probability in enumerate(probabilities.tolist()):
        if probability >= threshold:
            start = index if start is None else start
            silence = None
        elif start is not None and probability < low:
            silence = index if silence is None else silence
            if index - silence >= min_silence:
                yield start, silence
                start = silence = None
    if start is not None:
        yield start, len(probabilities) if silence is None else silence


def _padded(regions: Sequence[Region], samples: int, spec: JobSpec) -> list[Region]:
    """Regions with some silence on both sides; neighbours that are too close for that share what is between them."""
    pad = spec.vad_speech_pad_ms * SAMPLE_RATE // 1000
    padded: list[Region] = []
    for index, region in enumerate(regions):
        before = regions[index - 1].end if index else None
        after = regions[index + 1].start if index + 1 < len(regions) else None
        start = max(0, region.start - pad) if before is None else max(region.start - pad, (before + region.start) // 2)
        end = min(samples, region.end + pad) if after is None else min(region.end + pad, (region.end + after) // 2)
        padded.append(Region(start, end))
    return padded


def pack(regions: Sequence[Region], probabilities: NDArray[np.float32]) -> list[tuple[Region, ...]]:
    """Speech regions in groups that span at most 30 s each, in order; every group becomes one clip.

    A region longer than that is cut where speech is least probable in the second half of the window.
    """
    groups: list[list[Region]] = []
    for region in regions:
        for piece in _cut(region, probabilities):
            last = groups[-1] if groups else None
            fits = (
                last is not None and piece.end - last[0].start <= CLIP_SAMPLES and piece.start - last[-1].end <= CLIP_GAP_SAMPLES
            )
            if last is not None and fits:
                last.append(piece)
            else:
                groups.append([piece])
    return [tuple(group) for group in groups]


def _cut(region: Region, probabilities: NDArray[np.float32]) -> Iterator[Region]:
    start = region.start
    while region.end - start > CLIP_SAMPLES:
        first = (start + CLIP_SAMPLES // 2) // WINDOW_SAMPLES
        last = (start + CLIP_SAMPLES) // WINDOW_SAMPLES
        quietest = first + int(np.argmin(probabilities[first:last]))
        middle = quietest * WINDOW_SAMPLES + WINDOW_SAMPLES // 2
        yield Region(start, middle)
        start = middle
    yield Region(start, region.end)
