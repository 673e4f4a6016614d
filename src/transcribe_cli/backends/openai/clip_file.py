"""Encodes a clip as a file to send: WAV, or Opus in WebM. All services accept WebM; Ogg is not accepted by all."""

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

# Shorter clips are refused (0.1 s) or recognized badly, so silence is appended.
MIN_SAMPLES = SAMPLE_RATE // 2
WAV_BYTES_PER_SECOND = 2 * SAMPLE_RATE
_BLOCK_SAMPLES = 30 * SAMPLE_RATE


@dataclass(frozen=True)
class ClipFile:
    """The file of one request.

    Attributes:
        name: servers detect the format by its extension.
        data: the content.
        media_type: of the content.
        seconds: duration.
    """

    name: str
    data: bytes
    media_type: str
    seconds: float


def encode_clip(clip: Clip, *, opus: bool, check: Callable[[], None]) -> ClipFile:
    """The clip as a file; `check` is called regularly and may raise."""
    file = io.BytesIO()
    if opus:
        encode_opus(_blocks(clip), file, "webm", check=check)
        return ClipFile("audio.webm", file.getvalue(), "audio/webm", _seconds(clip))
    with wave.open(file, "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(SAMPLE_RATE)
        for block in _blocks(clip):
            target.writeframes(block.tobytes())
            check()
    return ClipFile("audio.wav", file.getvalue(), "audio/wav", _seconds(clip))


def clip_digest(clip: Clip) -> str:
    """A hash of the clip's samples."""
    digest = hashlib.sha256()
    for block in _blocks(clip):
        digest.update(block.tobytes())
    return digest.hexdigest()


def _seconds(clip: Clip) -> float:
    return max(clip.seconds, MIN_SAMPLES / SAMPLE_RATE)


def _blocks(clip: Clip) -> Iterator[NDArray[np.int16]]:
    """The samples in blocks, because all samples of a long clip take 80 MB."""
    if clip.mute_gaps and len(clip.sample_ranges) == 1:  # a short clip, with silence put into its gaps
        yield to_int16(clip.samples())
    else:
        for start, end in clip.sample_ranges:
            for position in range(start, end, _BLOCK_SAMPLES):
                yield to_int16(clip.waveform.read(position, min(position + _BLOCK_SAMPLES, end), clip.channel))
    if (missing := MIN_SAMPLES - sum(end - start for start, end in clip.sample_ranges)) > 0:
        yield np.zeros(missing, np.int16)
