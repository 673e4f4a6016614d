"""Opening a recording so that nothing else can be opened, choosing a track, and reading what the header says.

A file called x.mp3 may be a playlist that makes FFmpeg fetch URLs or read other files (HLS, DASH, ffconcat, SDP, QuickTime
references). Three things stop that, each alone enough for most of it: we hand over an open file object, never a name;
`protocol_whitelist=none`; and `format_whitelist`, which lists only formats that hold their own audio.
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

from transcribe_cli.audio.facts import Probe
from transcribe_cli.errors import NoAudioTrack, NotAudio, Unreadable

FORMATS = (
    "wav,w64,aiff,au,caf,voc,ircam,nistsphere,sox,avr,pvf,xwma,"  # PCM and its relatives; .sph is what speech corpora use
    "mp3,aac,loas,ac3,eac3,dts,dtshd,truehd,mlp,flac,ogg,wv,tta,ape,tak,shn,mpc,mpc8,dsf,"  # one track of audio
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,asf,avi,flv,mpegts,mpeg,nut,mxf,gxf,dv,rm,oma,"  # containers, mostly with video
    "amr,amrnb,amrwb,gsm,g722,g723_1,g729,sln,ilbc,qcp,dss,codec2,lc3"  # telephones and dictation machines
)
"""Self-contained formats. Nothing that names other files (hls, dash, concat, sdp, image2, imf) or devices (lavfi, alsa, x11grab)."""

_NOT_AUDIO = "{name} is not audio or video that can be read ({reason})."

_BUFFER_BYTES = 1 << 17  # of each read through Python; 32 KiB, PyAV's default, costs four times the calls


class Source(io.FileIO):
    """The open recording; each read is a sign of life, also where a demuxer searches gigabytes of zeros for its next packet."""

    reading: Callable[[], None] = staticmethod(lambda: None)

    def read(self, size: int | None = -1) -> bytes:
        """As a FileIO does."""
        self.reading()
        return super().read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As a FileIO does, but an impossible place (damaged sizes) is an answer to FFmpeg, not an exception that ends it all."""
        try:
            return super().seek(offset, whence)
        except OSError as error:
            return -(error.errno or errno.EINVAL)


@contextmanager
def opened(path: Path, name: str, reading: Callable[[], None]) -> Iterator[tuple[InputContainer, Source]]:
    """The recording, opened for demuxing, and the file itself. `reading` is called before each read.

    Raises:
        Unreadable: it is not there, not a regular file, or may not be read.
        NotAudio: no format that we allow is recognized in it (Undecodable when another decoder may know more).
    """
    source = open_regular(path, name)
    with source:
        source.reading = reading
        try:
            head = os.pread(source.fileno(), 512, 0)
        except OSError as error:
            raise unreadable(name, error) from error
        if not head:
            raise NotAudio(f"{name} is empty.", "Was the recording or the download cut off?")
        # Formats without a signature (.gsm, .sln) are known by their ending only; the rest of the name is nobody's business.
        ending = re.fullmatch(r"\.[A-Za-z0-9]{1,8}", path.suffix)
        source.name = f"recording{path.suffix if ending else ''}"
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
            raise _not_recognized(name, head, error) from error
        except OSError as error:  # from our own file object
            raise unreadable(name, error) from error
        with container:
            yield container, source


def open_regular(path: Path, name: str) -> Source:
    """An open regular file, or Unreadable. Never waits: a FIFO or a device is refused before it is opened, and after."""
    try:
        _check_regular(os.stat(path), name)  # noqa: PTH116 - beside fstat
        source = Source(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb")
    except OSError as error:
        raise Unreadable(f"{name} cannot be opened: {os.strerror(error.errno or errno.EIO)}.") from error
    try:
        _check_regular(os.fstat(source.fileno()), name)
    except Unreadable:
        source.close()
        raise
    return source


def unreadable(name: str, error: OSError) -> Unreadable:
    """The error of a file that stops being readable: a failing disk, a share that went away."""
    return Unreadable(f"{name} cannot be read: {error.strerror or 'unknown error'}.")


def _check_regular(status: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        kind = kinds.get(stat.S_IFMT(status.st_mode), "a device")
        raise Unreadable(f"{name} is {kind}, not a regular file.")


class Undecodable(NotAudio):
    """Something that looks like media, but not to PyAV; another decoder may know it."""


def undecodable(name: str, reason: str) -> Undecodable:
    """The error of a file in which we find no audio."""
    return Undecodable(_NOT_AUDIO.format(name=name, reason=reason))


def _not_recognized(name: str, head: bytes, error: av.error.FFmpegError) -> NotAudio:
    """Why a file was not recognized, by what people most often have in its place."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return NotAudio(_NOT_AUDIO.format(name=name, reason="it is a web page"))
    if text.startswith((b"#extm3u", b"ffconcat", b"[playlist]", b"v=0", b"<?xml", b"<asx")):
        return NotAudio(_NOT_AUDIO.format(name=name, reason="it is a list of other files, and those are never opened"))
    if head[4:8] == b"ftyp":
        return NotAudio(_NOT_AUDIO.format(name=name, reason="its index is missing: the recording or the download was cut off"))
    if isinstance(error, av.error.ArgumentError):
        return undecodable(name, "its format is not one of those that are read")
    return undecodable(name, "no audio format is recognized in it")


def audio_stream(container: InputContainer, track: int | None, name: str) -> AudioStream:
    """The audio track with this number from 0; None is the one that the file calls its default, or the first.

    Raises:
        NoAudioTrack: there is no such track, or none at all. Streams are counted, never guessed from an IndexError.
    """
    tracks = container.streams.audio
    if not tracks:
        pictures = " It has pictures only." if has_video(container) else ""
        raise NoAudioTrack(f"{name} has no audio track.{pictures}")
    if track is None:
        return next((stream for stream in tracks if stream.disposition & Disposition.default), tracks[0])
    if not 0 <= track < len(tracks):
        have = "one audio track, number 0" if len(tracks) == 1 else f"{len(tracks)} audio tracks, numbers 0 to {len(tracks) - 1}"
        raise NoAudioTrack(f"{name} has no audio track number {track}: it has {have}.")
    return tracks[track]


def has_video(container: InputContainer) -> bool:
    """Whether there are moving pictures; cover art does not count."""
    return any(not stream.disposition & Disposition.attached_pic for stream in container.streams.video)


def seconds(container: InputContainer) -> float | None:
    """The length that the header says or lets FFmpeg estimate."""
    return container.duration / av.time_base if container.duration and container.duration > 0 else None


def describe(container: InputContainer, stream: AudioStream) -> Probe:
    """What the header says."""
    context = stream.codec_context  # None when this FFmpeg has no decoder for it, whatever the type says
    return Probe(
        duration=seconds(container),
        container=container.format.name,
        codec=context.name if context is not None else "",
        sample_rate=(context.sample_rate or 0) if context is not None else 0,
        channels=(context.channels or 0) if context is not None else 0,
        audio_tracks=len(container.streams.audio),
        video=has_video(container),
    )
