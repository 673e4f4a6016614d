"""How much of a recording is not silent: a transcript without words is right for silence, and doubtful for sound."""

from __future__ import annotations

import numpy as np

from transcribe_cli.audio import SAMPLE_RATE, Waveform

# The level is measured in windows of this length, without their mean: some microphones have an offset, which is no sound.
WINDOW_SAMPLES = SAMPLE_RATE // 10
# Below full scale: the dither of digital silence is at -96 dB, speech in the softest recordings that can be read at -70.
SOUND_LEVEL = 10 ** (-75 / 20)
# Samples that are read at once: one minute.
_BLOCK_SAMPLES = 600 * WINDOW_SAMPLES


def sound_seconds(waveform: Waveform) -> float:
    """The seconds in which at least one channel is louder than `SOUND_LEVEL`; 0.7 s of work for six hours.

    What the decoder made louder is below that level, whatever it holds.
    """
    loud = 0
    for start in range(0, waveform.samples, _BLOCK_SAMPLES):
        block = waveform.read_channels(start, start + _BLOCK_SAMPLES)
        whole = len(block) // WINDOW_SAMPLES
        windows = block[: whole * WINDOW_SAMPLES].reshape(whole, WINDOW_SAMPLES, waveform.channels)
        is_loud = (windows.std(axis=1) > SOUND_LEVEL).any(axis=1)
        for span in waveform.damage.louder:
            first, end = (max(0, round((SAMPLE_RATE * second - start) / WINDOW_SAMPLES)) for second in span)
            is_loud[first:end] = False
        loud += int(np.count_nonzero(is_loud))
    return loud * WINDOW_SAMPLES / SAMPLE_RATE
