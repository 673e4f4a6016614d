"""Opens a recording without access to any other file, selects a track, and reads the header.

A file called x.mp3 may be a playlist that makes FFmpeg fetch URLs or read other files (HLS, DASH, ffconcat, SDP, QuickTime
references). Three measures prevent that, each sufficient for most cases: FFmpeg gets an open file object, never a name;
`protocol_whitelist=none`; and `format_whitelist`, which lists only formats that contain their own audio.
https://ffmpeg.org/ffmpeg-formats.html#Format-Options
"""

from __future__ import annotations

import errno
import io
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

from transcribe_cli.audio.limits import MAX_SOURCE_RATE, MIN_SOURCE_RATE
from transcribe_cli.audio.media_info import Probe
from transcribe_cli.errors import NoAudioTrack, NotAudio, Unreadable

FORMATS = (
    "wav,w64,aiff,au,caf,voc,ircam,nistsphere,sox,avr,pvf,xwma,"  # PCM and similar; .sph is used by speech corpora
    "mp3,aac,loas,ac3,eac3,dts,dtshd,truehd,mlp,flac,ogg,wv,tta,ape,tak,shn,mpc,mpc8,dsf,"  # one track of audio
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,asf,avi,flv,mpegts,mpeg,nut,mxf,gxf,dv,rm,oma,"  # containers, most with video
    "amr,amrnb,amrwb,gsm,g722,g723_1,g729,sln,ilbc,qcp,dss,codec2,lc3"  # telephones and dictation machines
)
"""Self-contained formats. None refers to other files (hls, dash, concat, sdp, image2, imf) or devices (lavfi, alsa, x11grab)."""

_NOT_AUDIO = "{name} is not a supported audio or video file: {reason}."

_BUFFER_BYTES = 1 << 17  # of each read through Python; 32 KiB, PyAV's default, costs four times the calls


class SourceFile(io.FileIO):
    """The open recording. Each read counts as progress, also while a demuxer searches gigabytes of zeros for its next packet."""

    on_read: Callable[[], None] = staticmethod(lambda: None)

    def read(self, size: int | None = -1) -> bytes:
        """Like FileIO.read, and calls `on_read` first."""
        self.on_read()
        return super().read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Like FileIO.seek, but an invalid position (from damaged sizes) returns an error code to FFmpeg instead of raising."""
        try:
            return super().seek(offset, whence)
        except OSError as error:
            return -(error.errno or errno.EINVAL)


@contextmanager
def open_container(path: Path, name: str, on_read: Callable[[], None]) -> Iterator[tuple[InputContainer, SourceFile]]:
    """The recording, opened for demuxing, and its file. `on_read` is called before each read.

    Raises:
        Unreadable: it does not exist, is not a regular file, or cannot be read.
        NotAudio: it has no allowed format (Undecodable if another decoder may support it).
    """
    source = open_regular(path, name)
    with source:
        source.on_read = on_read
        try:
            header = os.pread(source.fileno(), 512, 0)
        except OSError as error:
            raise read_error(name, error) from error
        if not header:
            raise NotAudio(f"{name} is empty.", "Check whether the recording or the download was interrupted.")
        # Formats without a signature (.gsm, .sln) are recognized by their suffix. FFmpeg does not need the rest of the name.
        plain_suffix = re.fullmatch(r"\.[A-Za-z0-9]{1,8}", path.suffix)
        source.name = f"recording{path.suffix if plain_suffix else ''}"
        try:
            container = av.open(
                source,
                mode="r",
                buffer_size=_BUFFER_BYTES,
                metadata_errors="ignore",
                container_options={"protocol_whitelist": "none", "format_whitelist": FORMATS},
            )
        except MemoryError:
            raise
        except av.error.FFmpegError as error:
            raise _not_recognized(name, header, error) from error
        except OSError as error:  # from our own file object
            raise read_error(name, error) from error
        with container:
            yield container, source


def open_regular(path: Path, name: str) -> SourceFile:
    """An open regular file, or Unreadable. Never blocks: a FIFO or a device is refused both before and after opening."""
    try:
        _check_regular(os.stat(path), name)  # noqa: PTH116 - matches fstat below
        source = SourceFile(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb")
    except OSError as error:
        raise Unreadable(f"{name} cannot be opened: {os.strerror(error.errno or errno.EIO)}.") from error
    try:
        _check_regular(os.fstat(source.fileno()), name)
    except Unreadable:
        source.close()
        raise
    return source


def read_error(name: str, error: OSError) -> Unreadable:
    """The error of a file that stops being readable: a failing disk, a lost network share."""
    return Unreadable(f"{name} cannot be read: {error.strerror or 'unknown error'}.")


def _check_regular(status: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        kind = kinds.get(stat.S_IFMT(status.st_mode), "a device")
        raise Unreadable(f"{name} is {kind}, not a regular file.")


class Undecodable(NotAudio):
    """The file may be media that PyAV cannot decode; another decoder may support it."""


def undecodable(name: str, reason: str) -> Undecodable:
    """The error of a file in which PyAV finds no audio."""
    return Undecodable(_NOT_AUDIO.format(name=name, reason=reason))


def _not_recognized(name: str, header: bytes, error: av.error.FFmpegError) -> NotAudio:
    """Why a file was not recognized, with specific reasons for the most common kinds of other files."""
    text = header.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return NotAudio(_NOT_AUDIO.format(name=name, reason="it is a web page"))
    if text.startswith((b"#extm3u", b"ffconcat", b"[playlist]", b"v=0", b"<?xml", b"<asx")):
        return NotAudio(_NOT_AUDIO.format(name=name, reason="it is a list of other files, which is never followed"))
    if header[4:8] == b"ftyp":
        return NotAudio(
            _NOT_AUDIO.format(name=name, reason="its index is missing because the recording or the download was interrupted")
        )
    if isinstance(error, av.error.ArgumentError):
        return undecodable(name, "its format is not supported")
    return undecodable(name, "its format is not recognized")


def select_audio_stream(container: InputContainer, track: int | None, name: str) -> AudioStream:
    """The audio track with this number, from 0. None selects the track that the file marks as default, or else the first.

    Raises:
        NoAudioTrack: there is no such track, or none at all. Streams are counted; an IndexError would be ambiguous.
        NotAudio: the header of the track has an impossible sample rate.
    """
    tracks = container.streams.audio
    if not tracks:
        raise NoAudioTrack(f"{name} has no audio track{', only video' if has_video(container) else ''}.")
    if track is None:
        return _plausible(next((stream for stream in tracks if stream.disposition & Disposition.default), tracks[0]), name)
    if not 0 <= track < len(tracks):
        existing = (
            "one audio track, number 0" if len(tracks) == 1 else f"{len(tracks)} audio tracks, numbers 0 to {len(tracks) - 1}"
        )
        raise NoAudioTrack(f"{name} has no audio track number {track}: it has {existing}.")
    return _plausible(tracks[track], name)


def _plausible(stream: AudioStream, name: str) -> AudioStream:
    """The track, unless its header has an impossible sample rate. 0 means that only the decoder will know it."""
    rate = (stream.codec_context.sample_rate or 0) if stream.codec_context is not None else 0
    if rate and not MIN_SOURCE_RATE <= rate <= MAX_SOURCE_RATE:
        raise NotAudio(_NOT_AUDIO.format(name=name, reason=f"its header has a sample rate of {rate:,} Hz"))
    return stream


def has_video(container: InputContainer) -> bool:
    """Whether there is a video track; cover art does not count."""
    return any(not stream.disposition & Disposition.attached_pic for stream in container.streams.video)


def header_duration(container: InputContainer) -> float | None:
    """The duration that the header declares or FFmpeg estimates from it, in seconds."""
    return container.duration / av.time_base if container.duration and container.duration > 0 else None


def read_probe(container: InputContainer, stream: AudioStream) -> Probe:
    """What the header says."""
    context = stream.codec_context  # None if this FFmpeg has no decoder for it, despite the type annotation
    return Probe(
        duration=header_duration(container),
        container=container.format.name,
        codec=context.name if context is not None else "",
        sample_rate=(context.sample_rate or 0) if context is not None else 0,
        channels=(context.channels or 0) if context is not None else 0,
        audio_tracks=len(container.streams.audio),
        video=has_video(container),
    )
