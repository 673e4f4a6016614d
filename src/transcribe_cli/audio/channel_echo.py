"""Channels that repeat another one late: in the mix every word is heard twice, and Whisper reads neither.

Two recorders whose clocks differ do this, and conference bridges that return what they receive. Up to 40 ms it is the distance of two
microphones, which harms nobody.
"""

from __future__ import annotations

import numpy as np
from numpy import fft  # not as np.fft: that is imported at its first use, which the sandbox forbids
from numpy.typing import NDArray

_MIN_SECONDS, _MAX_SECONDS = 0.04, 0.45
# The correlation at the delay of a copy is 0.75 and more; unrelated voices reach 0.4, vowels of one voice 0.6.
_MIN_CORRELATION = 0.7
# It must be this many times that of shorter delays: what repeats itself, as music does, is alike at both.
_MIN_RATIO = 1.4
# Copies that are this much quieter are not heard in the mix.
_MAX_LEVEL_RATIO = 10.0
_FLOOR = 1e-7  # amplitude of full scale; -140 dB


def late_channels(samples: NDArray[np.float32], rate: float) -> tuple[int, ...]:
    """The channels that repeat another one 40 to 450 ms later.

    Args:
        samples: (channels, samples), full scale is 1.
        rate: about 8000 Hz, or less.
    """
    even = samples.shape[1] // 2 * 2
    halved = samples[:, :even].reshape(len(samples), -1, 2).mean(axis=2)  # half the rate is enough for voices
    halved -= halved.mean(axis=1, keepdims=True)
    power = np.sqrt(np.square(halved).sum(axis=1))
    loud = np.flatnonzero(power * _MAX_LEVEL_RATIO > max(float(power.max(initial=0)), _FLOOR * even)).tolist()
    unlike = [
        (one, other)
        for position, one in enumerate(loud)
        for other in loud[position + 1 :]
        if abs(float(halved[one] @ halved[other])) < _MIN_CORRELATION * power[one] * power[other]
    ]
    if not unlike:
        return ()
    size = 1 << int(np.ceil(np.log2(2 * halved.shape[1])))
    spectra = {channel: fft.rfft(halved[channel], size) for pair in unlike for channel in pair}
    late = set()
    for one, other in unlike:
        correlation = np.abs(fft.irfft(np.conj(spectra[one]) * spectra[other], size)) / (power[one] * power[other])
        if (delay := _delay(correlation, rate / 2)) != 0:
            late.add(other if delay > 0 else one)
    return tuple(sorted(late))


def _delay(correlation: NDArray[np.floating], rate: float) -> int:
    """The samples by which the second of two channels is late, negative if the first one is; 0 if neither repeats the other."""
    near, far = round(_MIN_SECONDS * rate), round(_MAX_SECONDS * rate)
    after, before = correlation[near : far + 1], correlation[-far : len(correlation) - near + 1]
    if not len(after) or not len(before):
        return 0
    at_zero = max(correlation[:near].max(), correlation[-near + 1 :].max())
    later, earlier = float(after.max()), float(before.max())
    if max(later, earlier) < max(_MIN_CORRELATION, _MIN_RATIO * float(at_zero)):
        return 0
    return near + int(np.argmax(after)) if later > earlier else -1 * (far - int(np.argmax(before)))
