"""A clip as a file to send: WAV, or Opus in WebM, which is in every list of what services take; Ogg is not."""

from __future__ import annotations

import hashlib
import io
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio import SAMPLE_RATE
from transcribe_cli.audio.opus import encode_opus, to_int16
from transcribe_cli.recognition.engines import Clip

# Less is refused (0.1 s) or read badly: silence is put after it.
SHORTEST_SAMPLES = SAMPLE_RATE // 2
# Bytes of WAV for a second.
WAV_BYTES = 2 * SAMPLE_RATE
_BLOCK_SAMPLES = 30 * SAMPLE_RATE


@dataclass(frozen=True)
class Piece:
    """What is sent of a recording at once.

    Attributes:
        name: of the file; servers go by its ending.
        data: the file.
        kind: its media type.
        seconds: how long it is.
    """

    name: str
    data: bytes
    kind: str
    seconds: float


def packed(clip: Clip, *, opus: bool, check: Callable[[], None]) -> Piece:
    """The clip as a file; `check` is called now and then, and may raise."""
    file = io.BytesIO()
    if opus:
        encode_opus(_blocks(clip), file, "webm", check=check)
        return Piece("audio.webm", file.getvalue(), "audio/webm", _seconds(clip))
    with wave.open(file, "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(SAMPLE_RATE)
        for block in _blocks(clip):
            target.writeframes(block.tobytes())
            check()
    return Piece("audio.wav", file.getvalue(), "audio/wav", _seconds(clip))


def digest(clip: Clip) -> str:
    """Tells clips apart by what is heard in them."""
    found = hashlib.sha256()
    for block in _blocks(clip):
        found.update(block.tobytes())
    return found.hexdigest()


def _seconds(clip: Clip) -> float:
    return max(clip.seconds, SHORTEST_SAMPLES / SAMPLE_RATE)


def _blocks(clip: Clip) -> Iterator[NDArray[np.int16]]:
    """Its samples in blocks, since all of a long one would be 80 MB."""
    if clip.mute_gaps and len(clip.sample_ranges) == 1:  # short, and silence is put into it
        yield to_int16(clip.samples())
    else:
        for start, end in clip.sample_ranges:
            for position in range(start, end, _BLOCK_SAMPLES):
                yield to_int16(clip.waveform.read(position, min(position + _BLOCK_SAMPLES, end), clip.channel))
    if (missing := SHORTEST_SAMPLES - sum(end - start for start, end in clip.sample_ranges)) > 0:
        yield np.zeros(missing, np.int16)
