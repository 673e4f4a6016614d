"""Generated recordings, by PyAV and by hand: every format, and many kinds of damage."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray


def tone(seconds: float, rate: int = 16_000, hz: float = 440.0) -> NDArray[np.int16]:
    """(samples,) of a sine at a quarter of full scale, swelling twice a second so that codecs have something to do."""
    time = np.arange(round(seconds * rate)) / rate
    return (8192 * np.sin(2 * np.pi * hz * time) * (0.75 + 0.25 * np.sin(4 * np.pi * time))).astype(np.int16)


@dataclass(frozen=True)
class Track:
    """One audio track; `lost` are time ranges whose packets are omitted from the file."""

    codec: str = "aac"
    rate: int = 44_100
    layout: str = "mono"
    seconds: float = 3.0
    start: float = 0.0
    hz: float = 440.0
    lost: tuple[tuple[float, float], ...] = ()
    options: dict[str, str] = field(default_factory=dict)


def encode(
    path: Path, *tracks: Track, video_seconds: float = 0.0, options: dict[str, str] | None = None, format: str | None = None
) -> Path:
    """Write a recording with these tracks, and with ten video frames per second for `video_seconds`."""
    packets: list[tuple[float, av.Packet]] = []
    with av.open(str(path), "w", format=format, options=options or {}) as container:
        if video_seconds:
            codec = "libvpx" if path.suffix == ".webm" else "flv" if path.suffix == ".flv" else "mpeg4"
            video = container.add_stream(codec, rate=10, width=32, height=32, pix_fmt="yuv420p")
            for number in range(round(video_seconds * 10)):
                picture = av.VideoFrame.from_ndarray(np.full((32, 32, 3), number % 256, np.uint8), format="rgb24")
                picture.pts, picture.time_base = number, Fraction(1, 10)
                packets += [(_timestamp(packet), packet) for packet in video.encode(picture)]
            packets += [(_timestamp(packet), packet) for packet in video.encode(None)]
        for track in tracks:
            stream = container.add_stream(track.codec, rate=track.rate, layout=track.layout, options=track.options)
            channels = len(stream.layout.channels)
            samples = np.repeat(tone(track.seconds, track.rate, track.hz), channels).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout=track.layout)
            frame.sample_rate, frame.pts, frame.time_base = track.rate, 0, Fraction(1, track.rate)
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                timestamp = _timestamp(packet)
                if not any(begin <= timestamp < end for begin, end in track.lost):
                    late = round(track.start / packet.time_base)
                    packet.pts, packet.dts = (packet.pts or 0) + late, (packet.dts or 0) + late
                    packets.append((timestamp + track.start, packet))
        for _, packet in sorted(packets, key=lambda pair: pair[0]):
            container.mux(packet)
    return path


def _timestamp(packet: av.Packet) -> float:
    return float((packet.pts or 0) * packet.time_base)


def wav(path: Path, samples: NDArray[np.integer], rate: int = 16_000) -> Path:
    """Write PCM: (samples,) or (samples, channels) of uint8 or int16."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    data = samples.tobytes()
    path.write_bytes(wav_header(len(data), rate, channels, samples.dtype.itemsize) + data)
    return path


def wav_header(data_bytes: int, rate: int = 16_000, channels: int = 1, width: int = 2) -> bytes:
    """The 44 bytes before the samples."""
    block = channels * width
    fmt = struct.pack("<HHIIHH", 1, channels, rate, rate * block, block, 8 * width)
    riff = min(data_bytes + 36, 0xFFFFFFFF)
    return struct.pack("<4sI4s4sI16s4sI", b"RIFF", riff, b"WAVE", b"fmt ", 16, fmt, b"data", min(data_bytes, 0xFFFFFFFF))


def long_silence(path: Path, seconds: int, rate: int = 48_000) -> Path:
    """A sparse WAV of this duration, which takes no disk space."""
    with path.open("wb") as file:
        file.write(wav_header(2 * rate * seconds, rate))
        file.truncate(44 + 2 * rate * seconds)
    return path


def flac_of_silence(path: Path, seconds: int, declared: int, rate: int = 8_000) -> Path:
    """A FLAC written by hand: 14 bytes for each eight seconds of silence, and a header that declares `declared` seconds (0: unknown).

    https://www.rfc-editor.org/rfc/rfc9639: constant subframes of the largest block.
    """
    block = 65_535
    total = declared * rate
    info = struct.pack(">HH3s3sQ16s", block, block, bytes(3), bytes(3), rate << 44 | 15 << 36 | total, bytes(16))
    parts = [b"fLaC", bytes([0x80, 0, 0, len(info)]), info]
    for number in range(-(-seconds * rate // block)):
        # fixed blocks, size in 16 bits at the end, rate from the header; mono; 16 bits
        header = b"\xff\xf8\x70\x08" + _utf8(number) + struct.pack(">H", block - 1)
        frame = header + bytes([_crc(header, 0x07, 8)]) + b"\x00\x00\x00"  # one constant subframe: the value 0
        parts.append(frame + struct.pack(">H", _crc(frame, 0x8005, 16)))
    path.write_bytes(b"".join(parts))
    return path


def _utf8(number: int) -> bytes:
    return chr(number).encode("utf-8", "surrogatepass")


def _crc_table(polynomial: int, bits: int) -> list[int]:
    mask = (1 << bits) - 1
    table = []
    for byte in range(256):
        value = byte << (bits - 8)
        for _ in range(8):
            value = (value << 1 ^ (polynomial if value >> (bits - 1) else 0)) & mask
        table.append(value)
    return table


_TABLES = {8: _crc_table(0x07, 8), 16: _crc_table(0x8005, 16)}


def _crc(data: bytes, polynomial: int, bits: int) -> int:
    value, mask = 0, (1 << bits) - 1
    for byte in data:
        value = (value << 8 & mask) ^ _TABLES[bits][(value >> (bits - 8)) ^ byte]
    return value


def cut(path: Path, part: float) -> Path:
    """Keep the first `part` of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    return path


def hole(path: Path, begin: float, end: float) -> Path:
    """Write zeros between two parts of a file."""
    data = bytearray(path.read_bytes())
    first, last = int(len(data) * begin), int(len(data) * end)
    data[first:last] = bytes(last - first)
    path.write_bytes(bytes(data))
    return path


def crafted(folder: Path, secret: Path, port: int) -> dict[str, Callable[[Path], None]]:
    """Files that refer to other files or URLs; each writer takes the path to write."""
    web = f"http://127.0.0.1:{port}"

    def text(content: str) -> Callable[[Path], None]:
        return lambda path: path.write_text(content) and None

    def hls(target: str) -> str:
        return (
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1.0,\n"
            f"{target}\n#EXT-X-ENDLIST\n"
        )

    def master(target: str) -> str:
        return f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{target}\n"

    def mpd(target: str) -> str:
        return (
            '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" minBufferTime="PT1S" '
            'mediaPresentationDuration="PT1S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011">\n<Period duration="PT1S">'
            '<AdaptationSet contentType="audio" mimeType="audio/mp4"><Representation id="1" bandwidth="64000" codecs="mp4a.40.2" '
            f'audioSamplingRate="16000"><BaseURL>{target}</BaseURL><SegmentBase/></Representation></AdaptationSet></Period></MPD>\n'
        )

    concat = "ffconcat version 1.0\nfile {}\n".format
    session = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 5004 RTP/AVP 0\r\n"
    files = {
        "hls_http": hls(f"{web}/hls.ts"),
        "hls_file": hls(f"file://{secret}.ts"),
        "hls_relative": hls(f"../{secret.parent.name}/{secret.name}.ts"),
        "master_http": master(f"{web}/child.m3u8"),
        "master_file": master(f"file://{secret}.m3u8"),
        "concat_absolute": concat(f"{secret}.mp3"),
        "concat_dotdot": concat(f"../{secret.parent.name}/{secret.name}.mp3"),
        "concat_relative": concat("neighbour.mp3"),
        "concat_http": concat(f"{web}/concat.mp3"),
        "dash_http": mpd(f"{web}/dash.m4a"),
        "dash_file": mpd(f"file://{secret}.m4a"),
        "dash_absolute": mpd(f"{secret}.m4a"),
        "dash_relative": mpd(f"../{secret.parent.name}/{secret.name}.m4a"),
        "sdp": session,
    }
    writers = {name: text(content) for name, content in files.items()}
    for name, target in {"mov_file": f"file://{secret}.wav", "mov_http": f"{web}/mov.wav"}.items():
        writers[name] = lambda path, target=target: path.write_bytes(quicktime_reference(target)) and None
    return writers


def quicktime_reference(url: str) -> bytes:
    """A QuickTime file that refers to samples in another file."""

    def box(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I4s", len(data) + 8, kind) + data

    sound = box(b"sowt", bytes(6) + struct.pack(">H", 1) + bytes(8) + struct.pack(">HHHHI", 1, 16, 0, 0, 16_000 << 16))
    table = box(b"stsd", struct.pack(">II", 0, 1) + sound)
    table += box(b"stts", struct.pack(">IIII", 0, 1, 16_000, 1)) + box(b"stsc", struct.pack(">IIIII", 0, 1, 1, 16_000, 1))
    table += box(b"stsz", struct.pack(">III", 0, 2, 16_000)) + box(b"stco", struct.pack(">III", 0, 1, 44))
    reference = box(b"dref", struct.pack(">II", 0, 1) + box(b"url ", struct.pack(">I", 0) + url.encode() + b"\0"))
    minf = box(b"minf", box(b"smhd", bytes(8)) + box(b"dinf", reference) + box(b"stbl", table))
    mdia = box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, 16_000, 16_000, 0, 0)) + box(b"hdlr", bytes(4) + b"mhlrsoun" + bytes(13))
    track = box(b"tkhd", struct.pack(">IIIIII", 7, 0, 0, 1, 0, 16_000) + bytes(60)) + box(b"mdia", mdia + minf)
    head = box(b"mvhd", struct.pack(">IIIII", 0, 0, 0, 16_000, 16_000) + bytes(80))
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", head + box(b"trak", track))
