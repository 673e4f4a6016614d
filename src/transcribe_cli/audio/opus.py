"""A waveform as a small file to send elsewhere: Opus in Ogg, 16 kHz, for speech.

libopus at 24 kbit/s is transparent for speech in wide band (https://opus-codec.org/comparison); an hour is 10 MB.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from transcribe_cli.audio.facts import SAMPLE_RATE
from transcribe_cli.audio.waveform import FULL_SCALE, Waveform

# Of each channel, in bits a second.
BIT_RATE = 24_000
# Ogg Opus has a defined order for up to two channels, and libopus codes them well.
MOST_CHANNELS = 2
_LAYOUTS = {1: "mono", 2: "stereo"}
_BLOCK_SAMPLES = 60 * SAMPLE_RATE


def write_opus(waveform: Waveform, path: Path, check: Callable[[], None] = lambda: None) -> None:
    """Write all of a waveform, with its channels, to `path`; `check` is called for each minute of it, and may raise.

    Raises:
        ValueError: it has more than two channels.
        OSError: the file cannot be written.
    """
    if waveform.channels > MOST_CHANNELS:
        raise ValueError(f"{waveform.channels} channels cannot be sent as Opus")
    layout = _LAYOUTS[waveform.channels]
    with av.open(str(path), "w", format="ogg") as container:
        options = {"application": "voip", "vbr": "on", "compression_level": "5"}
        stream = container.add_stream("libopus", rate=SAMPLE_RATE, layout=layout, options=options)
        stream.bit_rate = BIT_RATE * waveform.channels
        for start in range(0, waveform.samples, _BLOCK_SAMPLES):
            block = waveform.read_channels(start, start + _BLOCK_SAMPLES)
            pcm = np.rint(block * FULL_SCALE).astype("<i2").reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout=layout)
            frame.sample_rate = SAMPLE_RATE
            frame.pts = start
            container.mux(stream.encode(frame))
            check()
        container.mux(stream.encode(None))
