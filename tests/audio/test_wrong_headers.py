"""A header that declares another size than the file has: the audio is read to its real end, and the difference is flagged."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from tests.audio.media import Track, encode, flac_of_silence, tone, wav_header
from tests.audio.test_decoding import pitch
from transcribe_cli.audio import SAMPLE_RATE, Decoder, Waveform
from transcribe_cli.audio.pcm_extent import real_end
from transcribe_cli.audio.pcm_layout import pcm_layout

SHORT, LONG = 3.0, 9.0
PCM = {
    "a.wav": "pcm_s16le",
    "24.wav": "pcm_s24le",
    "32.wav": "pcm_s32le",
    "float.wav": "pcm_f32le",
    "8.wav": "pcm_u8",
    "mu.wav": "pcm_mulaw",
    "a.w64": "pcm_s16le",
    "a.aiff": "pcm_s16be",
    "a.caf": "pcm_s16be",
    "float.caf": "pcm_f32le",
    "a.au": "pcm_s16be",
    "mu.au": "pcm_mulaw",
}


def samples_of(path: Path) -> tuple[bytes, bytes]:
    """The bytes before the samples, and the samples, as the header says."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        layout = pcm_layout(descriptor)
        assert layout is not None
        assert layout.size is not None
        data = path.read_bytes()
        return data[: layout.start], data[layout.start : layout.start + layout.size]
    finally:
        os.close(descriptor)


def pcm(path: Path, codec: str, seconds: float) -> tuple[bytes, bytes]:
    """Header and samples of a tone."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=SAMPLE_RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(seconds).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        for ready in av.AudioResampler(stream.format, "mono", SAMPLE_RATE).resample(frame):
            container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    return samples_of(path)


def written(decoder: Decoder, path: Path, data: bytes) -> Waveform:
    """The waveform of these bytes."""
    path.write_bytes(data)
    return decoder.decode(path)


@pytest.mark.parametrize("name", PCM)
def test_audio_past_the_declared_end_is_read(name: str, decoder: Decoder, tmp_path: Path) -> None:
    """A size that wrapped, or was copied from another file; also if zeros follow."""
    header, samples = pcm(tmp_path / name, PCM[name], SHORT)
    _, rest = pcm(tmp_path / name, PCM[name], LONG)
    for zeros in (0, 3_000_000):
        with written(decoder, tmp_path / name, header + samples + rest[len(samples) :] + bytes(zeros)) as waveform:
            assert waveform.seconds == pytest.approx(LONG, abs=0.01)
            assert pitch(waveform, 5, 8) == pytest.approx(440, abs=2)
            assert waveform.damage.header_seconds == pytest.approx(SHORT)
            assert waveform.damage.flags == ("header_mismatch",)


@pytest.mark.parametrize("name", PCM)
@pytest.mark.parametrize("rest", ["zeros", "garbage", "tag"])
def test_what_is_no_audio_is_not_read(name: str, rest: str, decoder: Decoder, tmp_path: Path) -> None:
    """Zeros of a file that was prepared for more, and whatever a program left there; FFmpeg searched it for a second per megabyte."""
    header, samples = pcm(tmp_path / name, PCM[name], SHORT)
    chance = np.random.default_rng(1)
    after = {"zeros": bytes(20_000_000), "garbage": chance.bytes(300_000), "tag": b"TAG" + bytes(125)}[rest]
    with written(decoder, tmp_path / name, header + samples + after) as waveform:
        assert waveform.seconds == pytest.approx(SHORT, abs=0.01)
        assert waveform.damage.flags == ()


@pytest.mark.parametrize("name", PCM)
def test_less_audio_than_declared_is_truncated(name: str, decoder: Decoder, tmp_path: Path) -> None:
    """In each of these containers."""
    header, samples = pcm(tmp_path / name, PCM[name], LONG)
    with written(decoder, tmp_path / name, header + samples[: len(samples) // 3]) as waveform:
        assert waveform.seconds == pytest.approx(SHORT, abs=0.01)
        assert waveform.damage.flags == ("truncated",)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_an_unknown_size_ends_before_the_zeros(size: int, decoder: Decoder, tmp_path: Path) -> None:
    """A recorder that lost power in a file of which it had reserved all."""
    header = wav_header(0)[:40] + size.to_bytes(4, "little")
    with written(decoder, tmp_path / "a.wav", header + tone(SHORT).tobytes() + bytes(30_000_000)) as waveform:
        assert waveform.seconds == pytest.approx(SHORT, abs=0.01)


@pytest.mark.parametrize("name", [b"RF64", b"BW64"])
@pytest.mark.parametrize("declared", [SHORT, 0, -1, 30.0])
def test_the_size_in_a_ds64_chunk_may_be_wrong(name: bytes, declared: float, decoder: Decoder, tmp_path: Path) -> None:
    """Too small, unknown, or too large."""
    size = (1 << 64) - 1 if declared < 0 else round(declared * 2 * SAMPLE_RATE)
    ds64 = b"ds64" + struct.pack("<IQQQI", 28, size, size, size // 2, 0)
    data = name + b"\xff\xff\xff\xffWAVE" + ds64 + wav_header(0)[12:40] + b"\xff\xff\xff\xff" + tone(LONG).tobytes()
    with written(decoder, tmp_path / "a.wav", data) as waveform:
        assert waveform.seconds == LONG
        assert waveform.damage.flags == {SHORT: ("header_mismatch",), 30.0: ("truncated",)}.get(declared, ())


def test_a_size_that_wrapped_at_4_gib_needs_no_likeness(tmp_path: Path) -> None:
    """Compressed samples are not alike, but a rest of exactly 4 GiB is no accident. The file is sparse."""
    path = tmp_path / "a.wav"
    header = wav_header(1000)[:20] + struct.pack("<H", 0x11) + wav_header(1000)[22:]
    with path.open("wb") as file:
        file.write(header + bytes(1000))
        file.truncate(44 + 1000 + (1 << 32))
        file.seek(44 + 999 + (1 << 32))
        file.write(b"\x07")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        layout = pcm_layout(descriptor)
        assert layout is not None
        assert real_end(descriptor, layout, path.stat().st_size, lambda: None) == 44 + 1000 + (1 << 32)
    finally:
        os.close(descriptor)


def test_chunks_after_the_samples_are_no_audio(decoder: Decoder, tmp_path: Path) -> None:
    """Long ones, such as the peaks that editors store, look like it."""
    peaks = b"levl" + struct.pack("<I", 200_000) + tone(6.25).tobytes()
    with written(decoder, tmp_path / "a.wav", wav_header(96_000) + tone(SHORT).tobytes() + peaks) as waveform:
        assert waveform.seconds == SHORT
        assert waveform.damage.flags == ()


def flac_total(path: Path, seconds: float) -> None:
    """Change the total number of samples in a FLAC."""
    data = bytearray(path.read_bytes())
    number = int.from_bytes(data[18:26], "big")
    data[18:26] = (number >> 36 << 36 | round(seconds * 44_100)).to_bytes(8, "big")
    path.write_bytes(bytes(data))


def mp3_frames(path: Path, seconds: float) -> None:
    """Change the number of frames in the Xing header of an MP3."""
    data = path.read_bytes()
    at = data.index(b"Xing" if b"Xing" in data else b"Info") + 8
    path.write_bytes(data[:at] + struct.pack(">I", round(seconds * 44_100 / 1152)) + data[at + 4 :])


def matroska_duration(path: Path, seconds: float) -> None:
    """Change the duration of a segment."""
    data = path.read_bytes()
    at = data.index(b"\x44\x89\x88") + 3
    path.write_bytes(data[:at] + struct.pack(">d", seconds * 1000) + data[at + 8 :])


def mp4_duration(path: Path, seconds: float) -> None:
    """Change the durations of movie, track and media; the edit list, which says what to play, is kept."""
    data = bytearray(path.read_bytes())
    for name, offset in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        at = data.index(name) + offset
        scale = 44_100 if name == b"mdhd" else 1000
        data[at : at + 4] = struct.pack(">I", round(seconds * scale))
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("name", "codec", "change"),
    [
        ("a.flac", "flac", flac_total),
        ("a.mp3", "libmp3lame", mp3_frames),
        ("a.mkv", "flac", matroska_duration),
        ("a.m4a", "aac", mp4_duration),
    ],
)
def test_headers_of_packets_are_not_believed(
    name: str, codec: str, change: Callable[[Path, float], None], decoder: Decoder, tmp_path: Path
) -> None:
    """All packets are decoded, whatever the header says; less is flagged, and more than a day is no reason to refuse the file."""
    path = encode(tmp_path / name, Track(codec, seconds=LONG))
    change(path, SHORT)
    with decoder.decode(path) as waveform:
        assert waveform.seconds == pytest.approx(LONG, abs=0.1)
        assert waveform.damage.flags == ("header_mismatch",)
    change(path, 100_000 if name != "a.m4a" else 40_000)
    with decoder.decode(path) as waveform:
        assert waveform.seconds == pytest.approx(LONG, abs=0.1)


def test_what_an_edit_list_hides_is_flagged(decoder: Decoder, tmp_path: Path) -> None:
    """A player shows the part that it names, and so do we; but the file holds more."""
    path = encode(tmp_path / "a.m4a", Track("aac", seconds=LONG))
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 12
    data[at : at + 4] = struct.pack(">I", round(SHORT * 1000))
    with written(decoder, path, bytes(data)) as waveform:
        assert waveform.seconds == pytest.approx(SHORT, abs=0.1)
        assert waveform.damage.flags == ("header_mismatch",)


@pytest.mark.parametrize("name", ["a.mp3", "a.flac", "a.ogg", "a.mkv", "a.webm", "a.aac", "a.ts", "a.flv", "a.ac3"])
@pytest.mark.parametrize("kind", ["end", "middle"])
def test_zeros_cost_nothing_and_lose_nothing(name: str, kind: str, decoder: Decoder, tmp_path: Path) -> None:
    """A file that was prepared for more, and one with a hole."""
    codecs = {"a.mp3": "libmp3lame", "a.flac": "flac", "a.ogg": "libopus", "a.webm": "libopus", "a.ac3": "ac3"}
    codec = codecs.get(name, "aac")
    rate = 48_000 if codec in ("libopus", "ac3") else 44_100
    data = encode(tmp_path / name, Track(codec, rate, seconds=LONG)).read_bytes()
    half = len(data) // 2 if kind == "middle" else len(data)
    with written(decoder, tmp_path / name, data[:half] + bytes(8_000_000) + data[half:]) as waveform:
        assert waveform.seconds == pytest.approx(LONG, abs=0.2 if kind == "end" else 2.5)
        assert not waveform.damage.truncated
        assert kind == "middle" or waveform.damage.flags == ()


def test_a_flac_without_a_total_is_whole(decoder: Decoder, tmp_path: Path) -> None:
    """Streamed, so that the encoder could not go back."""
    with decoder.decode(flac_of_silence(tmp_path / "a.flac", 60, 0)) as waveform:
        assert waveform.seconds > 59
        assert waveform.damage.flags == ()


@pytest.mark.parametrize("ending", ["mkv", "webm", "m4a", "mov", "ts", "flv", "ogg"])
@pytest.mark.parametrize("start", [0.0, 100.0])
def test_a_clock_that_starts_late_is_no_truncation(ending: str, start: float, decoder: Decoder, tmp_path: Path) -> None:
    """A part that was cut out of a stream keeps its times: what is promised is the duration since its start."""
    codec = {"webm": "libopus", "ogg": "libopus"}.get(ending, "aac")
    track = Track(codec, 48_000 if codec == "libopus" else 44_100, seconds=LONG, start=start)
    with decoder.decode(encode(tmp_path / f"a.{ending}", track)) as waveform:
        assert waveform.seconds == pytest.approx(LONG, abs=0.1)
        assert waveform.damage.flags == ()


@pytest.mark.parametrize("ending", ["mkv", "webm"])
def test_a_clock_that_starts_late_does_not_hide_a_truncation(ending: str, decoder: Decoder, tmp_path: Path) -> None:
    """Cut at one third."""
    track = Track("libopus", 48_000, seconds=12.0, start=100.0)
    path = encode(tmp_path / f"a.{ending}", track)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with decoder.decode(path) as waveform:
        assert waveform.damage.flags == ("truncated",)
