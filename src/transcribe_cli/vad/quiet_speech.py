"""Speech that is far quieter than usual: found by a second detector, which hears it louder.

Silero loses speech below about -60 dB, and quiet voices above noise from -40 dB on, which Whisper still reads. Where the sound of some
seconds is that quiet, it is brought to a normal level for a second detector. The first one hears what it always heard, so nothing
changes where speech has a normal level, and the second one costs time only where the sound is quiet. Both hear it without an offset.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio import SAMPLE_RATE, Waveform
from transcribe_cli.vad.detector import WINDOW_SAMPLES, SpeechDetector

# Sound is quiet if nothing is louder than this within some seconds, in decibels of full scale, and absent below the second one: even
# single steps of 16 bits are above it.
QUIET_DECIBELS, _ABSENT_DECIBELS = -36.0, -97.0
# Quiet sound is brought to this level, in steps, because a detector that hears its level change takes that for speech.
_TARGET_DECIBELS, _STEP_DECIBELS = -24.0, 6.0
# The same for a recognizer, which reads quieter speech than the detector finds.
_INAUDIBLE_DECIBELS = -70.0
# The seconds around a window that count, in windows: 4 s before, and after.
_NEAR_WINDOWS = 125
# This share of the windows may be louder: a cough, a door.
_LOUD_SHARE = 0.05
# Less far than this above the quietest sound around it, in decibels, it is noise.
_MIN_DYNAMICS = 6.0
# The probability of speech from which it counts as rescued.
_SPEECH = 0.5
# An offset of the samples (of a sound card) is taken away from this share of the standard deviation on.
_MAX_OFFSET = 0.3
# Of a waveform, to compare tracks.
_LISTENED_SAMPLES = 300 * SAMPLE_RATE


class QuietSpeechDetector:
    """The probability of speech at any level, block by block.

    Attributes:
        is_quiet: (windows,) of the last block: whether the sound was made louder.
        is_rescued: (windows,) of the last block: whether there is speech that is only found because it was made louder.
    """

    def __init__(self) -> None:
        self.is_quiet: NDArray[np.bool_] = np.zeros(0, bool)
        self.is_rescued = self.is_quiet
        self._normal = SpeechDetector()
        self._louder: SpeechDetector | None = None
        self._previous: NDArray[np.float32] = np.zeros(0, np.float32)  # levels of the last windows of the block before

    def probabilities(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Like `SpeechDetector.probabilities`: (windows,)."""
        block = _without_offset(block)
        found = self._normal.probabilities(block)
        if not len(block):
            return found
        padded = np.pad(block, (0, -len(block) % WINDOW_SAMPLES)).reshape(-1, WINDOW_SAMPLES)
        gains = self._gains(padded)
        self.is_quiet = gains > 0
        was_speech = found >= _SPEECH
        self.is_rescued = np.zeros(len(found), bool)
        if not self.is_quiet.any():
            self._louder = None
            return found
        for first, last in _runs(self.is_quiet):
            if self._louder is None or first:
                self._louder = SpeechDetector()
            scale = (10 ** (gains[first:last] / 20)).astype(np.float32)
            louder = np.clip((padded[first:last] - padded[first:last].mean()) * scale[:, None], -1, 1).reshape(-1)
            heard = self._louder.probabilities(louder)
            found[first:last] = np.where(heard >= _SPEECH, np.maximum(found[first:last], heard), found[first:last])
        if not self.is_quiet[-1]:
            self._louder = None
        self.is_rescued = (found >= _SPEECH) & ~was_speech
        return found

    def _gains(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Decibels by which each window is made louder: (windows,)."""
        levels = 10 * np.log10(windows.var(axis=1) + 1e-10)
        near = np.concatenate([self._previous, levels])
        self._previous = near[-_NEAR_WINDOWS:].astype(np.float32)
        gains = np.zeros(len(levels), np.float32)
        step = _NEAR_WINDOWS // 4
        offset = len(near) - len(levels)
        for first in range(0, len(levels), step):
            around = np.sort(near[max(0, offset + first - _NEAR_WINDOWS) : offset + first + step + _NEAR_WINDOWS])
            loud = around[len(around) - 1 - int(_LOUD_SHARE * len(around))]
            if _ABSENT_DECIBELS < loud < QUIET_DECIBELS and loud - around[len(around) // 10] >= _MIN_DYNAMICS:
                gains[first : first + step] = round((_TARGET_DECIBELS - loud) / _STEP_DECIBELS) * _STEP_DECIBELS
        return gains


def audible(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """A clip for the recognizer: made louder if even its loud parts are below -70 dB, which Whisper takes for silence.

    Args:
        samples: (samples,), full scale is 1.
    """
    windows = samples[: len(samples) // WINDOW_SAMPLES * WINDOW_SAMPLES].reshape(-1, WINDOW_SAMPLES)
    if not len(windows):
        return samples
    levels = np.sort(10 * np.log10(windows.var(axis=1) + 1e-10))
    loud = float(levels[len(levels) - 1 - int(_LOUD_SHARE * len(levels))])
    if not _ABSENT_DECIBELS < loud < _INAUDIBLE_DECIBELS:
        return samples
    louder: NDArray[np.float32] = np.clip((samples - samples.mean()) * np.float32(10 ** ((_TARGET_DECIBELS - loud) / 20)), -1, 1)
    return louder


def speech_seconds(waveform: Waveform) -> float:
    """About how much speech there is in the first minutes of a waveform, which may still grow."""
    detector = QuietSpeechDetector()
    block = 1000 * WINDOW_SAMPLES
    starts = range(0, min(waveform.samples, _LISTENED_SAMPLES), block)
    windows = sum(int((detector.probabilities(waveform.read(start, start + block)) >= _SPEECH).sum()) for start in starts)
    return windows * WINDOW_SAMPLES / SAMPLE_RATE


def _without_offset(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """The block itself, or a copy without an offset that is not small beside its sound: from six times on, Silero hears no speech."""
    if not len(block):
        return block
    offset = block.mean(dtype=np.float64)
    return block if abs(offset) <= _MAX_OFFSET * block.std(dtype=np.float64) else block - np.float32(offset)


def _runs(marks: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last + 1 of each run of marks."""
    edges = np.flatnonzero(np.diff(marks, prepend=False, append=False))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]
