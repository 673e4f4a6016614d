"""Encodes audio as a small file for upload: Opus in Ogg or WebM, 16 kHz, tuned for speech.

libopus at 24 kbit/s is transparent for wideband speech (https://opus-codec.org/comparison); an hour is 10 MB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

import av
import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio.media_info import SAMPLE_RATE
from transcribe_cli.audio.waveform import FULL_SCALE, Waveform

# Of each channel, in bits per second.
BIT_RATE = 24_000
# Ogg Opus has a defined order for up to two channels, and libopus encodes them well.
MAX_CHANNELS = 2
_LAYOUTS = {1: "mono", 2: "stereo"}
_BLOCK_SAMPLES = 60 * SAMPLE_RATE


def write_opus(waveform: Waveform, path: Path, check: Callable[[], None] = lambda: None) -> None:
    """Write a whole waveform, with its channels, to `path`. `check` is called for each minute of audio, and may raise.

    Raises:
        ValueError: it has more than two channels.
        OSError: the file cannot be written.
    """
    if waveform.channels > MAX_CHANNELS:
        raise ValueError(f"{waveform.channels} channels cannot be sent as Opus")
    starts = range(0, waveform.samples, _BLOCK_SAMPLES)
    blocks = (waveform.read_channels(start, start + _BLOCK_SAMPLES) for start in starts)
    encode_opus((to_int16(block) for block in blocks), str(path), "ogg", waveform.channels, check)


def to_int16(block: NDArray[np.float32]) -> NDArray[np.int16]:
    """Samples in [-1, 1) as little-endian int16."""
    pcm: NDArray[np.int16] = np.clip(np.rint(block * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype("<i2")
    return pcm


def encode_opus(
    blocks: Iterable[NDArray[np.int16]],
    file: str | IO[bytes],
    container_format: str,
    channels: int = 1,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Write blocks of int16 samples, (samples,) or (samples, channels), as Opus. `check` is called after each, and may raise.

    Args:
        blocks: consecutive, at 16 kHz.
        file: a path, or a writable and seekable file.
        container_format: `ogg` or `webm`.
        channels: one or two.
        check: see above.

    Raises:
        OSError: the file cannot be written.
    """
    layout = _LAYOUTS[channels]
    with av.open(file, "w", format=container_format) as container:
        options = {"application": "voip", "vbr": "on", "compression_level": "5"}
        stream = container.add_stream("libopus", rate=SAMPLE_RATE, layout=layout, options=options)
        stream.bit_rate = BIT_RATE * channels
        position = 0
        for block in blocks:
            frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout=layout)
            frame.sample_rate = SAMPLE_RATE
            frame.pts = position
            position += len(block)
            container.mux(stream.encode(frame))
            check()
        container.mux(stream.encode(None))
