"""The length that a file promises, where it does promise one: what tells a truncated recording from a whole one.

FFmpeg always answers with a duration, but for many formats it is what the bytes that are there amount to, or a guess from the first
frames' bitrate; comparing with that would either never find a truncation or cry wolf. Measured with files cut at one third
(FFmpeg 8.1): the formats below still said the full length; AAC, AC-3, AVI, CAF, Ogg, MPEG-TS and ASF did not.
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

_EXACT = {"aiff", "au", "flac", "flv", "matroska", "mov", "tta", "wv"}
_UNKNOWN_SIZES = {0, 0x7FFFFFFF, 0x7FFFF000, 0xFFFFFFFF}  # what programs write that do not know the length yet
_WAV_PCM = {0x0001, 0x0003, 0x0006, 0x0007, 0xFFFE}  # integers, floats, A-law, mu-law, extensible
_WAV_BLOCKS = {0x0002, 0x0011, 0x0031}  # MS and IMA ADPCM, GSM 6.10: so many samples in each block
_MP3_FIRST_FRAME_BYTES = 2881  # the largest possible; the Xing header is in the first frame


def promised_seconds(container: InputContainer, stream: AudioStream, source: io.FileIO) -> float | None:
    """Seconds from the container's start to the end of the track, as the header says; None where it only lets one estimate."""
    format_name = container.format.name.split(",")[0]
    if format_name == "wav":
        return _wav_seconds(source)
    if format_name == "mp3" and not _counts_frames(source):
        return None
    if format_name not in _EXACT and format_name != "mp3":
        return None
    # Pictures may go on after the sound, and the sound may start after them.
    lengths = [float(container.duration / av.time_base)] if container.duration else []
    if stream.duration and stream.time_base:
        late = (stream.start_time or 0) * stream.time_base - Fraction(container.start_time or 0, av.time_base)
        lengths.append(float(max(late, Fraction(0)) + stream.duration * stream.time_base))
    tag = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", ""))  # Matroska, one for each track
    if tag:
        lengths.append(int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3]))
    return min((length for length in lengths if length > 0), default=None)


def _wav_seconds(source: io.FileIO) -> float | None:
    """Of a RIFF or RF64 file, from the size of its data chunk; FFmpeg shrinks that to what is in the file.

    https://tech.ebu.ch/docs/tech/tech3306v1_1.pdf (RF64: sizes are in a `ds64` chunk)
    """
    fd, at, seconds_per_byte, long_size = source.fileno(), 12, 0.0, 0
    for _ in range(64):  # broadcast recorders put a dozen chunks before the data
        head = os.pread(fd, 36, at)
        if len(head) < 8:
            return None
        name, size = struct.unpack_from("<4sI", head)
        head = head.ljust(36, b"\0")
        if name == b"ds64":
            long_size = struct.unpack_from("<Q", head, 16)[0]
        elif name == b"fmt ":
            seconds_per_byte = _wav_seconds_per_byte(head)
        elif name == b"data":
            size = long_size if size == 0xFFFFFFFF and long_size else size
            return size * seconds_per_byte if seconds_per_byte and size not in _UNKNOWN_SIZES else None
        at += 8 + size + size % 2
    return None


def _wav_seconds_per_byte(fmt: bytes) -> float:
    """From block size and rate; the header's own byte rate is wrong in ADPCM files written by FFmpeg. 0.0 when not constant."""
    kind, _, rate, _, block_bytes, _, _, block_samples = struct.unpack_from("<HHIIHHHH", fmt, 8)
    if kind in _WAV_PCM:
        block_samples = 1
    elif kind not in _WAV_BLOCKS:
        return 0.0
    return float(block_samples / block_bytes / rate) if rate and block_bytes else 0.0


def _counts_frames(source: io.FileIO) -> bool:
    """Whether an MP3 begins with a Xing, Info or VBRI header that says how many frames follow."""
    fd = source.fileno()
    head = os.pread(fd, 10, 0)
    start = 0
    if head[:3] == b"ID3" and len(head) == 10:  # https://id3.org/id3v2.4.0-structure: four times seven bits
        start = 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9])
    frame = os.pread(fd, _MP3_FIRST_FRAME_BYTES, start)
    found = re.search(rb"(Xing|Info)(....)|VBRI", frame, re.DOTALL)
    return found is not None and (found[2] is None or bool(found[2][3] & 1))
