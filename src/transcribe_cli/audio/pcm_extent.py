"""Where the samples of a file really end, if its header is wrong, and how the file is shown to FFmpeg so that it reads to there.

What follows the declared end is other chunks, in a correct file. Otherwise it is audio, if neighbouring samples are as similar as sound
makes them: then the size is wrong, and it is read. Zeros and anything else are left out: FFmpeg would search them for a further chunk,
for a second of CPU time in each megabyte.
"""

from __future__ import annotations

import errno
import os
import re
import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from transcribe_cli.audio.pcm_layout import PcmLayout, pcm_layout
from transcribe_cli.audio.recording_file import SourceFile

_MIN_REST_BYTES = 1 << 14
"""A shorter rest is neither worth reading nor slow to search."""
_MIN_ZEROS_BYTES = 1 << 20
"""Of zeros at the end of samples of unknown size, which are a file that was prepared for more; fewer may be silence."""
_BLOCK_BYTES = 1 << 22
_PACKETS = re.compile(rb"ID3|\xff[\xe0-\xff]|fLaC|OggS|\x1aE\xdf\xa3|#!AMR|\x0bw|G", re.DOTALL)
"""How files begin that consist of packets: MP3, AAC, FLAC, Ogg, Matroska, AMR, AC-3, MPEG-TS. None has a megabyte of zeros at its end."""
_WINDOWS, _WINDOW_BYTES = 9, 1 << 13
_MIN_CORRELATION = 0.3
"""Of neighbouring samples: in speech 0.6 and more, in compressed or encrypted data 0."""


def correct_size(source: SourceFile) -> None:
    """Show the file to the real end of its audio, if its header declares another, or if zeros follow."""
    layout = pcm_layout(source.fileno())
    size = os.fstat(source.fileno()).st_size
    if layout is None:
        if _PACKETS.match(os.pread(source.fileno(), 4, 0)):
            content = _end_of_content(source.fileno(), 0, size, source.on_read)
            source.end = content if size - content >= _MIN_ZEROS_BYTES else None
        return
    end = real_end(source.fileno(), layout, size, source.on_read)
    if end is None:
        return
    source.end = end
    for offset, form, extra in layout.sizes:
        largest = (1 << 8 * struct.calcsize(form)) - 1 if form[1].isupper() else (1 << 63) - 1
        source.patches.append((offset, struct.pack(form, min(end - layout.start + extra, largest))))


def real_end(descriptor: int, layout: PcmLayout, size: int, on_read: Callable[[], None]) -> int | None:
    """The offset after the last sample; None if it is where the header says, or where the file ends."""
    if layout.size is None:
        end = _end_of_content(descriptor, layout.start, size, on_read)
        if size - end >= _MIN_ZEROS_BYTES:
            return _aligned(end, layout, size)
        return size if len(layout.sizes) > 1 else None  # FFmpeg knows no unknown size in RF64
    declared = layout.start + layout.size
    rest = declared + layout.size % 2
    if size - rest < _MIN_REST_BYTES or (layout.chunk is not None and _is_chunk(descriptor, rest, layout.chunk, size)):
        return None
    end = _end_of_content(descriptor, rest, size, on_read)
    is_wrapped = layout.sizes[0][1] == "<I" and end > declared and not (size - declared) % (1 << 32)
    if end > rest and (is_wrapped or _is_audio(descriptor, layout, declared, end)):
        return _aligned(end, layout, size)
    return declared


def _aligned(end: int, layout: PcmLayout, size: int) -> int:
    """The end of the sample that `end` is in."""
    return min(end + -(end - layout.start) % max(layout.block, 1), size)


def _is_chunk(descriptor: int, position: int, chunk: tuple[int, str], size: int) -> bool:
    """Whether a chunk with a readable name follows, and fits."""
    name_bytes, size_format = chunk
    header = os.pread(descriptor, name_bytes + 8, position)
    if len(header) < name_bytes + 8:
        return True
    length = struct.unpack_from(size_format, header, name_bytes)[0]
    is_readable = all(32 <= letter < 127 for letter in header[:4]) and header[:4].strip() != b""
    return is_readable and 0 <= length <= size - position


def _end_of_content(descriptor: int, start: int, size: int, on_read: Callable[[], None]) -> int:
    """The offset after the last byte that is not zero, or `start`."""
    end = _end_of_data(descriptor, start, size)
    while end > start:
        on_read()
        begin = max(start, end - _BLOCK_BYTES)
        block = os.pread(descriptor, end - begin, begin).rstrip(b"\0")
        if block:
            return begin + len(block)
        end = begin
    return start


def _end_of_data(descriptor: int, start: int, size: int) -> int:
    """An offset after which there is only a hole, within a block. A terabyte of hole costs an attacker nothing, and reading it minutes."""
    position = os.lseek(descriptor, 0, os.SEEK_CUR)
    low, high = start, size
    try:
        while high - low > _BLOCK_BYTES:
            middle = (low + high) // 2
            try:
                low = max(middle, min(os.lseek(descriptor, middle, os.SEEK_DATA), high))
            except OSError as error:
                if error.errno != errno.ENXIO:  # holes cannot be told from zeros here
                    return size
                high = middle
    finally:
        os.lseek(descriptor, position, os.SEEK_SET)
    return high


def _is_audio(descriptor: int, layout: PcmLayout, start: int, end: int) -> bool:
    """Whether neighbouring samples are alike, in most of the places that are not silent."""
    if not layout.block or not layout.sample:
        return False
    found = []
    for position in np.linspace(start, max(start, end - _WINDOW_BYTES), _WINDOWS).astype(int).tolist():
        position += -(position - layout.start) % layout.block
        samples = _decoded(os.pread(descriptor, _WINDOW_BYTES, position), layout)
        if len(samples) > 1 and samples.std() > 0:
            left, right = samples[:-1] - samples.mean(), samples[1:] - samples.mean()
            found.append(float((left * right).sum() / max((left * left).sum(), 1e-30)))
    return bool(found) and sorted(found)[len(found) // 2] >= _MIN_CORRELATION


def _decoded(data: bytes, layout: PcmLayout) -> NDArray[np.float64]:
    """The first channel of some samples, in any scale; empty if they are no numbers."""
    data = data[: len(data) // layout.block * layout.block]
    frames = np.frombuffer(data, np.uint8).reshape(-1, layout.block)
    width = layout.block // layout.channels
    raw = np.ascontiguousarray(frames[:, :width])
    if layout.sample in ("alaw", "mulaw"):
        code = raw[:, 0] ^ np.uint8(0xFF if layout.sample == "mulaw" else 0x55)
        magnitude = (16.0 + (code & 15)) * 2.0 ** ((code >> 4) & 7)
        return np.where(code & 0x80, -magnitude, magnitude)
    if layout.sample[1] == "f":
        floats = raw.view(layout.sample)[:, 0].astype(np.float64)
        return floats if np.isfinite(floats).all() and np.abs(floats).max(initial=0) < 1e6 else np.zeros(0)
    order, bytes_each = layout.sample[0], int(layout.sample[2:])
    if bytes_each == 1:
        return raw[:, 0].astype(np.float64)  # signed samples of AIFF wrap at zero, which costs some likeness
    top = raw[:, -2:] if order == "<" else raw[:, :2]
    return np.ascontiguousarray(top).view(f"{order}i2")[:, 0].astype(np.float64)
