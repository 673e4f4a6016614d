"""Where the header of a file of plain samples says that they are: WAV, RF64, BW64, Wave64, AIFF, CAF and AU.

These headers declare the size of the samples, and FFmpeg believes them. They are often wrong: 32 bits wrap at 4 GiB, a recorder that
lost power never wrote the size, a program that copies headers wrote that of another file. See pcm_extent.py.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

_MAX_CHUNKS = 64
_MAX_BLOCK = 1 << 12
"""Bytes of one sample of all channels; 512 channels of 64 bits. More is no recording."""
_W64_GUID = bytes.fromhex("f3acd3118cd100c04f8edb8a")  # the end of each chunk's name in Wave64
_UNKNOWN = {0, 0x7FFFFFFF, 0x7FFFF000, 0xFFFFFFFF, (1 << 64) - 1, (1 << 63) - 1}
"""Placeholders of programs that do not know the size yet."""
_AU_SAMPLES = {1: "mulaw", 2: ">i1", 3: ">i2", 4: ">i3", 5: ">i4", 6: ">f4", 7: ">f8", 27: "alaw"}
_WAV_KINDS = {1: "i", 3: "f", 6: "alaw", 7: "mulaw"}


_Encoding: TypeAlias = tuple[int, str, int, float]  # block, sample, channels and rate of a PcmLayout
_COMPRESSED: _Encoding = (0, "", 1, 0.0)


@dataclass(frozen=True)
class PcmLayout:
    """The samples of a file.

    Attributes:
        start: offset of the first byte.
        size: declared size in bytes, None if the header does not know it.
        sizes: where the header holds the size: offset, format of `struct`, and what it adds to the size.
        chunk: that may follow: the length of its name, and the format of its size; None where none can.
        block: bytes of one sample of all channels, as declared; 0 if the samples are compressed.
        sample: type of a sample in NumPy's words, `alaw`, `mulaw`, or "" if unknown, or if so many channels of it do not fit `block`.
        channels: their number.
        rate: in Hz.
    """

    start: int
    size: int | None
    sizes: tuple[tuple[int, str, int], ...]
    chunk: tuple[int, str] | None
    block: int = 0
    sample: str = ""
    channels: int = 1
    rate: float = 0.0

    @property
    def seconds(self) -> float | None:
        """The declared duration; None if the header does not say it, or claims a rate that no recording has."""
        return self.size / self.block / self.rate if self.size and self.block and 1 <= self.rate < math.inf else None


def pcm_layout(descriptor: int) -> PcmLayout | None:
    """The layout of a file; None if it is of another kind, or has no samples."""
    head = os.pread(descriptor, 40, 0)
    reader: Callable[[int, bytes], PcmLayout | None] | None = None
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        reader = _wav
    elif head[:4] == b"riff" and head[28:40] == _W64_GUID:
        reader = _w64
    elif head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        reader = _aiff
    elif head[:4] == b"caff":
        reader = _caf
    elif head[:4] == b".snd":
        reader = _au
    return None if reader is None else reader(descriptor, head)


def _chunks(
    descriptor: int, position: int, name_bytes: int, size_format: str, align: int = 2
) -> Iterator[tuple[bytes, int, int]]:
    """Name, size and offset of the content of the chunks, to the first that is cut off."""
    header, end = name_bytes + struct.calcsize(size_format), os.fstat(descriptor).st_size
    for _ in range(_MAX_CHUNKS):
        if position >= end:  # a size may exceed what an offset can be
            return
        data = os.pread(descriptor, header, position)
        if len(data) < header:
            return
        size = struct.unpack_from(size_format, data, name_bytes)[0]
        yield data[:name_bytes], size, position + header
        position += header + max(0, size - (header if name_bytes == 16 else 0))
        position += -position % align


def _known(size: int) -> int | None:
    return None if size in _UNKNOWN or size < 0 else size


def _wav(descriptor: int, head: bytes) -> PcmLayout | None:
    long_size: int | None = None
    sizes: list[tuple[int, str, int]] = []
    described = _COMPRESSED
    for name, size, position in _chunks(descriptor, 12, 4, "<I"):
        if name == b"ds64":
            long_size = struct.unpack("<Q", os.pread(descriptor, 16, position)[8:].ljust(8, b"\0"))[0]
            sizes.append((position + 8, "<Q", 0))
        elif name == b"fmt ":
            described = _wav_format(os.pread(descriptor, min(size, 40), position))
        elif name == b"data":
            declared = long_size if long_size is not None and size in _UNKNOWN else size
            return PcmLayout(position, _known(declared), ((position - 4, "<I", 0), *sizes), (4, "<I"), *described)
    return None


def _wav_format(fmt: bytes) -> _Encoding:
    codec, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", fmt.ljust(40, b"\0"))
    if codec == 0xFFFE:
        codec = struct.unpack_from("<H", fmt.ljust(40, b"\0"), 24)[0]
    kind = _WAV_KINDS.get(codec)
    if kind is None or not channels or not block:
        return _COMPRESSED
    return _encoding(block, _sample(kind, bits, "<"), channels, rate)


def _encoding(block: int, sample: str, channels: int, rate: float) -> _Encoding:
    """The sample type is unknown if samples of all channels do not share the block, and make it up or are padded."""
    width, rest = divmod(block, channels)
    declared = 1 if sample in ("alaw", "mulaw") else int(sample[2:] or 0)
    fits = declared == width or (declared < width and sample[1:2] == "i")
    return block, sample if fits and not rest and block <= _MAX_BLOCK else "", channels, rate


def _sample(kind: str, bits: int, order: str) -> str:
    if kind in ("alaw", "mulaw"):
        return kind
    if kind == "f":
        return f"{order}f{bits // 8}" if bits in (32, 64) else ""
    return f"{order}i{bits // 8}" if bits in (8, 16, 24, 32) else ""


def _w64(descriptor: int, head: bytes) -> PcmLayout | None:
    described = _COMPRESSED
    for name, size, position in _chunks(descriptor, 40, 16, "<Q", 8):
        if name[:4] == b"fmt ":
            described = _wav_format(os.pread(descriptor, min(max(size - 24, 0), 40), position))
        elif name[:4] == b"data":
            known = _known(size)
            size_without_header = None if known is None or known <= 24 else known - 24
            return PcmLayout(position, size_without_header, ((position - 8, "<Q", 24),), (16, "<Q"), *described)
    return None


def _aiff(descriptor: int, head: bytes) -> PcmLayout | None:
    described = _COMPRESSED
    for name, size, position in _chunks(descriptor, 12, 4, ">I"):
        if name == b"COMM":
            described = _aiff_format(os.pread(descriptor, min(size, 26), position), head[8:12] == b"AIFC")
        elif name == b"SSND":
            known = _known(size)
            size_without_offset = None if known is None or known <= 8 else known - 8
            return PcmLayout(position + 8, size_without_offset, ((position - 4, ">I", 8),), (4, ">I"), *described)
    return None


def _aiff_format(common: bytes, is_compressed: bool) -> _Encoding:
    channels, _, bits, exponent, mantissa, codec = struct.unpack(">HIHHQ4s", common.ljust(22, b"\0")[:22])
    codec = codec if is_compressed else b"NONE"
    if codec not in (b"NONE", b"twos", b"sowt") or not channels or not 0x3FFF <= exponent <= 0x401E:
        return _COMPRESSED
    rate = mantissa * 2.0 ** (exponent - 0x3FFF - 63)
    width = -(-bits // 8)
    order = "<" if codec == b"sowt" else ">"
    return _encoding(channels * width, _sample("i", 8 * width, order), channels, rate)


def _caf(descriptor: int, head: bytes) -> PcmLayout | None:
    described = _COMPRESSED
    for name, size, position in _chunks(descriptor, 8, 4, ">q", 1):
        if name == b"desc":
            described = _caf_format(os.pread(descriptor, 32, position))
        elif name == b"data":
            known = _known(size)
            size_without_count = None if known is None or known <= 4 else known - 4
            return PcmLayout(position + 4, size_without_count, ((position - 8, ">q", 4),), (4, ">q"), *described)
    return None


def _caf_format(desc: bytes) -> _Encoding:
    rate, codec, flags, block, _, channels, bits = struct.unpack(">d4sIIIII", desc.ljust(32, b"\0"))
    if codec != b"lpcm" or not channels or not block:
        return _COMPRESSED
    order = "<" if flags & 2 else ">"
    return _encoding(block, _sample("f" if flags & 1 else "i", bits, order), channels, rate)


def _au(descriptor: int, head: bytes) -> PcmLayout | None:
    start, size, codec, rate, channels = struct.unpack_from(">IIIII", head.ljust(24, b"\0"), 4)
    sample = _AU_SAMPLES.get(codec, "")
    width = int(sample[2:]) if sample.startswith(">") else 1
    block = channels * width if sample and 0 < channels < 256 else 0
    return PcmLayout(start, _known(size), ((8, ">I", 0),), None, block, sample, max(channels, 1), rate)
