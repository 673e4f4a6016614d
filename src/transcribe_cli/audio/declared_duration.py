"""The duration that a file declares, if it declares one. It distinguishes a truncated recording from a complete one.

FFmpeg always reports a duration, but for many formats it is computed from the bytes that are present, or guessed from the bitrate of
the first frames. A comparison with that would miss truncations or report false ones. Measured with files cut at one third
(FFmpeg 8.1): the formats below still reported the full duration; AAC, AC-3, AVI, CAF, Ogg, MPEG-TS and ASF did not.
"""

from __future__ import annotations

import io
import os
import re
import struct
from fractions import Fraction

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

from transcribe_cli.audio.limits import MIN_FLAC_BYTES_PER_SECOND, MIN_SOURCE_BYTES_PER_SECOND
from transcribe_cli.audio.pcm_layout import pcm_layout

_DECLARING_FORMATS = {"aiff", "au", "flac", "flv", "matroska", "mov", "tta", "wv"}
_CLOCKED_FORMATS = {"matroska", "flv"}
_UNKNOWN_SIZES = {
    0,
    0x7FFFFFFF,
    0x7FFFF000,
    0xFFFFFFFF,
    (1 << 64) - 1,
}  # placeholders of programs that do not know the length yet
_WAV_PCM = {0x0001, 0x0003, 0x0006, 0x0007, 0xFFFE}  # integers, floats, A-law, mu-law, extensible
_WAV_BLOCKS = {0x0002, 0x0011, 0x0031}  # MS and IMA ADPCM, GSM 6.10: a fixed number of samples in each block
_MPEG1_FRAME, _MPEG1_RATE = 1152, 32_000  # samples in a frame; half as many at lower rates
_MP3_FIRST_FRAME_BYTES = 2881  # the largest possible; the Xing header is in the first frame


def declared_seconds(container: InputContainer, stream: AudioStream, source: io.FileIO) -> float | None:
    """Seconds from the container's start to the end of the track, as the header declares; None if it only allows an estimate."""
    format_name = container.format.name.split(",")[0]
    if format_name == "wav":
        return _wav_seconds(source)
    if format_name in ("caf", "w64", "au"):
        layout = pcm_layout(source.fileno())
        return layout.seconds if layout is not None else None
    if format_name == "mp3":
        return _mp3_seconds(source, stream.codec_context.sample_rate or 0)
    if format_name not in _DECLARING_FORMATS:
        return None
    # Video may continue after the audio, and the audio may start later. In Matroska and FLV the clock may start at any time, and the
    # duration of the header counts from zero.
    late = float(max(container.start_time or 0, 0) / av.time_base) if format_name in _CLOCKED_FORMATS else 0.0
    durations = [_since(late, float(container.duration / av.time_base))] if container.duration else []
    if stream.duration and stream.time_base:
        offset = (stream.start_time or 0) * stream.time_base - Fraction(container.start_time or 0, av.time_base)
        durations.append(float(max(offset, Fraction(0)) + stream.duration * stream.time_base))
    tag = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", ""))  # Matroska, one for each track
    if tag:
        durations.append(_since(late, int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3])))
    return min((duration for duration in durations if duration > 0), default=None)


def _since(start: float, end: float) -> float:
    """The duration up to a time of the container's clock. Some programs write a duration in its place, which may be less than `start`."""
    return end - start if end > start else end


def _wav_seconds(source: io.FileIO) -> float | None:
    """Duration of a RIFF or RF64 file, from the size of its data chunk. FFmpeg reduces that size to what the file contains.

    https://tech.ebu.ch/docs/tech/tech3306v1_1.pdf (RF64 has its sizes in a `ds64` chunk)
    """
    fd, position, seconds_per_byte, long_size = source.fileno(), 12, 0.0, 0
    for _ in range(64):  # broadcast recorders put a dozen chunks before the data
        header = os.pread(fd, 36, position)
        if len(header) < 8:
            return None
        name, size = struct.unpack_from("<4sI", header)
        header = header.ljust(36, b"\0")
        if name == b"ds64":
            long_size = struct.unpack_from("<Q", header, 16)[0]
        elif name == b"fmt ":
            seconds_per_byte = _wav_seconds_per_byte(header)
        elif name == b"data":
            size = long_size if size == 0xFFFFFFFF and long_size else size
            return size * seconds_per_byte if seconds_per_byte and size not in _UNKNOWN_SIZES else None
        position += 8 + size + size % 2
    return None


def _wav_seconds_per_byte(fmt: bytes) -> float:
    """Computed from block size and rate, since the byte rate is wrong in ADPCM files written by FFmpeg. 0.0 if it is not constant."""
    codec, _, rate, _, block_bytes, _, _, block_samples = struct.unpack_from("<HHIIHHHH", fmt, 8)
    if codec in _WAV_PCM:
        block_samples = 1
    elif codec not in _WAV_BLOCKS:
        return 0.0
    return float(block_samples / block_bytes / rate) if rate and block_bytes else 0.0


def indexed_seconds(container: InputContainer, stream: AudioStream) -> float:
    """Seconds of audio in the index of an MP4 or QuickTime file, also what an edit list hides; 0 for others."""
    context = stream.codec_context
    if not container.format.name.startswith("mov") or not context.sample_rate:
        return 0.0
    return stream.frames * (context.frame_size or 0) / context.sample_rate


def plausible_seconds(container: InputContainer, source: io.FileIO) -> float:
    """The longest duration that a file of this size may have. A declared one that is longer is wrong."""
    size = os.fstat(source.fileno()).st_size
    if container.format.name != "flac":
        return size / MIN_SOURCE_BYTES_PER_SECOND
    info = os.pread(source.fileno(), 26, 0)  # https://www.rfc-editor.org/rfc/rfc9639#name-streaminfo
    block, smallest, rate = (int.from_bytes(info[start:end], "big") for start, end in ((10, 12), (12, 15), (18, 21)))
    rate >>= 4
    return size / smallest * block / rate if smallest and rate else size / MIN_FLAC_BYTES_PER_SECOND


def _mp3_seconds(source: io.FileIO, rate: int) -> float | None:
    """Duration of an MP3 from the number of frames in a Xing, Info or VBRI header, without the encoder's delay and padding.

    FFmpeg takes this number only where the size in that header fits, and guesses otherwise.
    http://gabriel.mp3-tech.org/mp3infotag.html
    """
    fd = source.fileno()
    header = os.pread(fd, 10, 0)
    start = 0
    if header[:3] == b"ID3" and len(header) == 10:  # https://id3.org/id3v2.4.0-structure: four times seven bits
        start = 10 + (header[6] << 21 | header[7] << 14 | header[8] << 7 | header[9])
    frame = os.pread(fd, _MP3_FIRST_FRAME_BYTES, start)
    match = re.search(rb"(Xing|Info)(....)|VBRI", frame, re.DOTALL)
    if match is None or not rate:
        return None
    tag = frame[match.start() :].ljust(200, b"\0")
    flags = tag[7]
    if match[1] and not flags & 1:
        return None
    (frames,) = struct.unpack_from(">I", tag, 8 if match[1] else 14)
    samples = frames * (_MPEG1_FRAME if rate >= _MPEG1_RATE else _MPEG1_FRAME // 2)
    encoder = 8 + 4 * (flags & 1) + 2 * (flags & 2) + 25 * (flags & 4) + (flags & 8) // 2
    if match[1] and tag[encoder : encoder + 4].strip(b"\0"):
        padding = int.from_bytes(tag[encoder + 21 : encoder + 24], "big")
        samples -= (padding >> 12) + (padding & 0xFFF)
    return samples / rate if samples > 0 else None
