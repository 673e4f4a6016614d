"""Opens a recording without access to any other file, selects a track, and reads the header.

A file called x.mp3 may be a playlist that makes FFmpeg fetch URLs or read other files (HLS, DASH, ffconcat, SDP, QuickTime
references). Three measures prevent that, each sufficient for most cases: FFmpeg gets an open file object, never a name;
`protocol_whitelist=none`; and `format_whitelist`, which lists only formats that contain their own audio. A fourth is the sandbox.
https://ffmpeg.org/ffmpeg-formats.html#Format-Options
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

from transcribe_cli.audio.limits import MAX_SOURCE_RATE, MIN_SOURCE_RATE
from transcribe_cli.audio.media_info import Probe
from transcribe_cli.audio.pcm_extent import correct_size
from transcribe_cli.audio.recording_file import SourceFile, Undecodable, read_error
from transcribe_cli.errors import NoAudioTrack, NotAudio

FORMATS = (
    "wav,w64,aiff,au,caf,voc,ircam,nistsphere,sox,avr,pvf,xwma,"  # PCM and similar; .sph is used by speech corpora
    "mp3,aac,loas,ac3,eac3,dts,dtshd,truehd,mlp,flac,ogg,wv,tta,ape,tak,shn,mpc,mpc8,dsf,"  # one track of audio
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,asf,avi,flv,mpegts,mpeg,nut,mxf,gxf,dv,rm,oma,"  # containers, most with video
    "amr,amrnb,amrwb,gsm,g722,g723_1,g729,sln,ilbc,qcp,dss,codec2,lc3"  # telephones and dictation machines
)
"""Self-contained formats. None refers to other files (hls, dash, concat, sdp, image2, imf) or devices (lavfi, alsa, x11grab)."""

_NOT_AUDIO = "{name} is not a supported audio or video file: {reason}."

_MAX_TRACKS, _MAX_TAG = 64, 35  # of the languages in a header; a tag of BCP 47 has up to 35 letters

_BUFFER_BYTES = 1 << 17  # of each read through Python; 32 KiB, PyAV's default, costs four times the calls


@contextmanager
def open_container(
    descriptor: int, suffix: str, name: str, on_read: Callable[[], None]
) -> Iterator[tuple[InputContainer, SourceFile]]:
    """The recording, opened for demuxing, and its file, which is closed at the end. `on_read` is called before each read.

    Raises:
        Unreadable: it cannot be read.
        NotAudio: it has no allowed format (Undecodable if another decoder may support it).
    """
    with SourceFile(descriptor, "rb") as source:
        source.on_read = on_read
        try:
            header = os.pread(source.fileno(), 512, 0)
            correct_size(source)
        except OSError as error:
            raise read_error(name, error) from error
        # Formats without a signature (.gsm, .sln) are recognized by their suffix. FFmpeg does not need the rest of the name.
        plain_suffix = re.fullmatch(r"\.[A-Za-z0-9]{1,8}", suffix)
        source.name = f"recording{suffix if plain_suffix else ''}"
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
        return _plausible(default_track(tracks), name)
    if not 0 <= track < len(tracks):
        existing = (
            "one audio track, number 0" if len(tracks) == 1 else f"{len(tracks)} audio tracks, numbers 0 to {len(tracks) - 1}"
        )
        raise NoAudioTrack(f"{name} has no audio track number {track}: it has {existing}.")
    return _plausible(tracks[track], name)


def default_track(tracks: Sequence[AudioStream]) -> AudioStream:
    """The track that the file marks as default, or else the first."""
    return next((stream for stream in tracks if stream.disposition & Disposition.default), tracks[0])


def _language_of(track: AudioStream) -> str:
    """The language that the file names for a track, "" if it names none."""
    tag = track.metadata.get("language", "")[:_MAX_TAG]
    return "" if tag == "und" else tag


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
    tracks = container.streams.audio
    context = stream.codec_context  # None if this FFmpeg has no decoder for it, despite the type annotation
    return Probe(
        duration=header_duration(container),
        container=container.format.name,
        codec=context.name if context is not None else "",
        sample_rate=(context.sample_rate or 0) if context is not None else 0,
        channels=(context.channels or 0) if context is not None else 0,
        audio_tracks=len(container.streams.audio),
        video=has_video(container),
        default_track=tracks.index(default_track(tracks)) if tracks else 0,
        track_languages=tuple(_language_of(track) for track in tracks[:_MAX_TRACKS]),
    )
