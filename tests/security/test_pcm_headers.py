"""The size that a header of plain samples declares is checked before FFmpeg reads it; that check must survive the header, too.

The attacker sends WAV, Wave64, CAF and AIFF files whose chunks are larger than any offset, whose samples do not fit their blocks, and
files that are a terabyte long on paper: one byte of sound and a hole.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from transcribe_cli.audio.pcm_extent import correct_size
from transcribe_cli.audio.pcm_layout import pcm_layout
from transcribe_cli.audio.recording_file import SourceFile

GUID = bytes.fromhex("f3acd3118cd100c04f8edb8a")
# A tone, so that what follows the declared end is as alike as sound.
SOUND = (8000 * np.sin(np.arange(60_000) / 20)).astype("<i2").tobytes()
DECLARED = 20_000
EXTREMES = (0, 1, 23, 25, 2**31, 2**32, 2**62, 2**63 - 200, 2**63 - 1, 2**63, 2**64 - 100, 2**64 - 1)


def fmt(codec: int = 1, channels: int = 1, block: int = 2, bits: int = 16) -> bytes:
    """The content of a `fmt ` chunk."""
    return struct.pack("<HHIIHH", codec, channels, 16_000, 16_000 * block, block, bits)


def wav(content: bytes, size: int = DECLARED) -> bytes:
    """A WAV file with more sound than it declares."""
    return b"RIFF\xff\xff\xff\x7fWAVEfmt " + struct.pack("<I", len(content)) + content + b"data" + struct.pack("<I", size) + SOUND


def w64(first: int) -> bytes:
    """A Wave64 file whose first chunk has this size."""
    chunks = ((b"junk", first, bytes(8)), (b"fmt ", 40, fmt()), (b"data", 24 + DECLARED, SOUND))
    body = b"".join(name + GUID + struct.pack("<Q", size) + content for name, size, content in chunks)
    return b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000") + struct.pack("<Q", 200_000) + b"wave" + GUID + body


def caf(first: int = 0, rate: float = 16_000.0, block: int = 2, channels: int = 1, bits: int = 16, flags: int = 2) -> bytes:
    """A CAF file whose first chunk has this size."""
    desc = struct.pack(">d4sIIIII", rate, b"lpcm", flags, block, 1, channels, bits)
    chunks = ((b"free", first, b""), (b"desc", 32, desc), (b"data", 4 + DECLARED, bytes(4) + SOUND))
    return b"caff\0\1\0\0" + b"".join(name + struct.pack(">q", size) + content for name, size, content in chunks)


def corrected(path: Path, data: bytes) -> int | None:
    """Where a file with this content is shown to end."""
    path.write_bytes(data)
    with SourceFile(os.open(path, os.O_RDONLY), "r") as source:
        correct_size(source)
        assert source.tell() == 0
        return source.end


@pytest.mark.parametrize("size", EXTREMES)
def test_chunks_beyond_any_offset(size: int, tmp_path: Path) -> None:
    """The next chunk would be where no file can be."""
    corrected(tmp_path / "a.w64", w64(size))
    corrected(tmp_path / "a.caf", caf(size - 2**63))


def blocks() -> Iterator[bytes]:
    """Headers whose channels do not fit their blocks."""
    for block in (1, 2, 3, 5, 4096, 65_535):
        for channels in (1, 2, 7, 65_535):
            for bits in (8, 16, 24, 32, 64):
                for codec in (1, 3, 6, 7):
                    yield wav(fmt(codec, channels, block, bits))
                for flags in (0, 1, 2, 3):
                    yield caf(0, 16_000.0, block * 65_536 if block == 65_535 else block, channels, bits, flags)


def test_samples_that_do_not_fit_their_blocks(tmp_path: Path) -> None:
    """No channel of such a file can be compared with its neighbours, so that the header counts."""
    for data in blocks():
        end = corrected(tmp_path / "a", data)
        assert end is None or end <= len(data)


@pytest.mark.parametrize("rate", [math.nan, math.inf, -math.inf, -16_000.0, 0.0, -0.0, 5e-324])
def test_a_rate_of_no_recording_declares_no_duration(rate: float, tmp_path: Path) -> None:
    """NaN compares as neither too long nor short enough."""
    path = tmp_path / "a.caf"
    path.write_bytes(caf(rate=rate))
    with path.open("rb") as file:
        layout = pcm_layout(file.fileno())
    assert layout is not None
    assert layout.seconds is None


@pytest.mark.parametrize("size", [DECLARED, 0xFFFFFFFF])
def test_sound_is_found_after_a_wrong_size(size: int, tmp_path: Path) -> None:
    """The checks leave the correction alone."""
    data = wav(fmt(), size) + bytes(1 << 21)
    assert corrected(tmp_path / "a.wav", data) == len(data.rstrip(b"\0"))


@pytest.mark.parametrize("kind", ["unknown size", "declared size", "packets"])
def test_a_hole_of_a_terabyte_is_not_read(kind: str, tmp_path: Path) -> None:
    """The file takes 200 kB of the attacker's disk. The number of reads is counted, not their time."""
    data = {
        "unknown size": wav(fmt(), 0xFFFFFFFF),
        "declared size": wav(fmt(), len(SOUND)),
        "packets": b"ID3" + bytes(range(1, 256)) * 1000,
    }[kind]
    path, reads = tmp_path / "a", []
    path.write_bytes(data)
    os.truncate(path, 1 << 40)
    with SourceFile(os.open(path, os.O_RDONLY), "r") as source:
        source.on_read = lambda: reads.append(1)
        correct_size(source)
        assert source.end == len(data.rstrip(b"\0"))
    assert len(reads) < 10
