"""What a block of several channels would become when mixed: the levels of each channel and of the mix, in the band of speech.

The mix is computed from the same spectra, so it includes what cancels. It costs little beside decoding, because the samples that it gets
are thinned to about 8 kHz (sample_formats.py): what is above 4 kHz is folded into the band, alike in all channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy import fft  # not as np.fft: that is imported at its first use, which the sandbox forbids
from numpy.typing import NDArray

from transcribe_cli.audio.channel_echo import late_channels

ANALYSIS_RATE = 8_000
_FRAME_SAMPLES = 512
_BAND = (150.0, 3_500.0)
"""In Hz: what makes speech intelligible. Hum and rumble, which often have the same polarity where speech does not, are below."""
_FLOOR = 1e-10
"""Power of full scale; -100 dB."""


@dataclass(frozen=True)
class ChannelStatistics:
    """Figures of frames of about 64 ms.

    Attributes:
        levels: of each channel, with that of the mix as the last one, (frames, channels + 1), in decibels of full scale.
        remaining: how much of the amplitude that a mix of unrelated channels has is in this one, (frames,): 1 if they are unrelated,
            more if they are alike, 0 if they cancel. Amplitudes are compared in each of 200 bands, so that a few loud tones that do not
            cancel do not hide a voice that does.
        late: the channels that repeat another one (channel_echo.py).
    """

    levels: NDArray[np.float32]
    remaining: NDArray[np.float32]
    late: tuple[int, ...] = ()


def measure(samples: NDArray[np.float32], rate: float, weights: NDArray[np.float32]) -> ChannelStatistics:
    """The levels of a block.

    Args:
        samples: (channels, samples), full scale is 1.
        rate: about 8000 Hz, or that of the recording if it is lower.
        weights: of the channels in the mix, (channels,); their sum is 1.
    """
    frames = samples.shape[1] // _FRAME_SAMPLES
    window = np.hanning(_FRAME_SAMPLES).astype(np.float32)
    blocks = samples[:, : frames * _FRAME_SAMPLES].reshape(len(samples), frames, _FRAME_SAMPLES)
    first, last = (round(hertz * _FRAME_SAMPLES / rate) for hertz in _BAND)
    band = fft.rfft(blocks * window)[:, :, first : last + 1]
    scale = 2 / (_FRAME_SAMPLES * float(np.square(window).sum()))
    powers = _power(np.concatenate([band, np.tensordot(weights, band, 1)[None]])) * scale
    expected = np.sqrt(np.tensordot(np.square(weights), powers[:-1], 1)).sum(axis=1)
    remaining = np.sqrt(powers[-1]).sum(axis=1) / np.maximum(expected, _FLOOR)
    levels = 10 * np.log10(np.maximum(powers.sum(axis=2).T, _FLOOR))
    return ChannelStatistics(levels, remaining, late_channels(samples, rate))


def _power(spectra: NDArray[np.complex64]) -> NDArray[np.float32]:
    power: NDArray[np.float32] = np.square(spectra.real) + np.square(spectra.imag)
    return power
