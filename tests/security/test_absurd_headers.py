"""A header with absurd values is refused, or its file takes no more than a file of its size can hold.

The attacker uploads small files and wants hours of work and gigabytes of disk for each: recordings whose header claims 3 samples per
second, no samples per second, billions of channels, or a negative length.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.audio.media import Track, encode
from transcribe_cli.audio import Decoder
from transcribe_cli.audio.limits import MAX_SOURCE_RATE, MIN_SOURCE_RATE
from transcribe_cli.errors import RecordingError

SIZE = 200_000
# Telephones have 8,000 Hz and 8 bits; toys half of it.
MAX_SECONDS = SIZE / MIN_SOURCE_RATE


@pytest.fixture(scope="module", params=[False, True], ids=["pyav", "with ffmpeg"])
def decoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decoder]:
    """With and without the fallback decoder, which must not accept what the first one refuses."""
    with Decoder(scratch=tmp_path_factory.mktemp("scratch"), fallback=request.param) as made:
        yield made


def wav(path: Path, rate: int, channels: int = 1, bits: int = 16, data: int | None = None) -> Path:
    """Noise with this header."""
    samples = np.random.default_rng(1).integers(-20_000, 20_000, SIZE // 2, np.int16).tobytes()
    block = channels * bits // 8
    fmt = struct.pack("<HHIIHH", 1, channels & 0xFFFF, rate & 0xFFFFFFFF, (rate * block) & 0xFFFFFFFF, block & 0xFFFF, bits)
    size = len(samples) if data is None else data
    riff = b"WAVE" + b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", size & 0xFFFFFFFF) + samples
    path.write_bytes(b"RIFF" + struct.pack("<I", len(riff)) + riff)
    return path


def au(path: Path, rate: int, channels: int = 1) -> Path:
    """A Sun file, whose header has 32 bits for everything."""
    header = struct.pack(">4sIIIII", b".snd", 24, 0xFFFFFFFF, 3, rate & 0xFFFFFFFF, channels & 0xFFFFFFFF)
    path.write_bytes(header + bytes(range(256)) * (SIZE // 256))
    return path


def aiff(path: Path, exponent: int, channels: int = 1) -> Path:
    """The rate is an 80-bit float."""
    comm = struct.pack(">hIhHQ", channels, SIZE // 2, 16, exponent, 0x8000000000000000)
    body = (
        b"AIFF"
        + b"COMM"
        + struct.pack(">I", len(comm))
        + comm
        + b"SSND"
        + struct.pack(">III", SIZE + 8, 0, 0)
        + bytes(range(256)) * (SIZE // 256)
    )
    path.write_bytes(b"FORM" + struct.pack(">I", len(body)) + body)
    return path


def refused_or_short(decoder: Decoder, path: Path) -> None:
    """The file's own error from the decoder and from the probe of `plan`, or as much audio as fits into it."""
    with contextlib.suppress(RecordingError), decoder.decode(path) as waveform:
        assert waveform.seconds <= MAX_SECONDS
    with contextlib.suppress(RecordingError):
        assert (decoder.probe(path).duration or 0.0) <= 2**31


@pytest.mark.parametrize("rate", [3, 1, 0, 50, 1000, 1999, -1, 2**31 - 1, 2**31, 2**32 - 1, MAX_SOURCE_RATE + 1])
def test_absurd_sample_rates(rate: int, decoder: Decoder, tmp_path: Path) -> None:
    """A 200 kB WAV at 3 Hz became nine hours."""
    refused_or_short(decoder, wav(tmp_path / "a.wav", rate))
    refused_or_short(decoder, wav(tmp_path / "a8.wav", rate, bits=8))
    refused_or_short(decoder, au(tmp_path / "a.au", rate))


def test_the_rate_of_the_issue_is_refused(decoder: Decoder, tmp_path: Path) -> None:
    """With the reason, in `plan`, too."""
    for request in (decoder.decode, decoder.probe):
        with pytest.raises(RecordingError, match="sample rate of 3 Hz"):
            request(wav(tmp_path / "a.wav", 3))


@pytest.mark.parametrize("exponent", [0, 0x3FFF, 0x4000, 0x7FFE, 0x7FFF, 0x8001, 0xFFFF])
def test_absurd_rates_as_floats(exponent: int, decoder: Decoder, tmp_path: Path) -> None:
    """0, 1 and 2 Hz, the largest number, infinity, and negative ones."""
    refused_or_short(decoder, aiff(tmp_path / "a.aiff", exponent))


@pytest.mark.parametrize("channels", [0, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1])
def test_absurd_channel_counts(channels: int, decoder: Decoder, tmp_path: Path) -> None:
    """No memory for each of them."""
    refused_or_short(decoder, wav(tmp_path / "a.wav", 16_000, channels))
    refused_or_short(decoder, au(tmp_path / "a.au", 16_000, channels))
    refused_or_short(decoder, aiff(tmp_path / "a.aiff", 0x400C, channels & 0x7FFF))


@pytest.mark.parametrize("data", [0, -1, 2**31, 2**32 - 2, 7])
def test_absurd_lengths(data: int, decoder: Decoder, tmp_path: Path) -> None:
    """More than the file has, nothing, and negative."""
    refused_or_short(decoder, wav(tmp_path / "a.wav", 16_000, data=data))


@pytest.mark.parametrize("duration", [-1, -(2**31), 2**31 - 1, -(2**62), 2**62])
def test_negative_and_endless_durations(duration: int, decoder: Decoder, tmp_path: Path) -> None:
    """In the boxes of an MP4."""
    path = encode(tmp_path / "a.m4a", Track(seconds=1.0))
    data = bytearray(path.read_bytes())
    for box in (b"mvhd", b"mdhd", b"tkhd"):
        at = data.index(box) + 4
        field = at + (16 if box != b"tkhd" else 20)
        data[field : field + 4] = struct.pack(">I", duration & 0xFFFFFFFF)
    path.write_bytes(data)
    refused_or_short(decoder, path)


@pytest.mark.parametrize("rate", [MIN_SOURCE_RATE, 4000, 8000, 11_025, 192_000])
def test_rates_of_real_recordings_are_accepted(rate: int, decoder: Decoder, tmp_path: Path) -> None:
    """Toys, telephones, studios."""
    with decoder.decode(wav(tmp_path / "a.wav", rate)) as waveform:
        assert waveform.seconds == pytest.approx(SIZE / 2 / rate, abs=0.05)
