"""Packets to 16 kHz int16 in a scratch file. Damaged packets are skipped and counted, gaps are filled with silence.

Demuxing and decoding go packet by packet. PyAV's `container.decode()` is a generator, which ends after it raises once, so that
everything after one damaged packet would be lost silently (https://github.com/SYSTRAN/faster-whisper/issues/988).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from transcribe_cli.audio.channel_converter import ChannelConverter
from transcribe_cli.audio.limits import MAX_SOURCE_RATE, MIN_SOURCE_RATE, Limits
from transcribe_cli.audio.media_info import SAMPLE_RATE, Damage, first_spans
from transcribe_cli.audio.mono_converter import MonoConverter
from transcribe_cli.audio.pcm_file import PcmFile
from transcribe_cli.audio.timeline import Timeline
from transcribe_cli.errors import TooLong

_MAX_READ_ERRORS = 1000  # consecutive errors after which the rest of a file is given up
_SHARED_DURATION_FORMATS = {"matroska,webm", "flv"}  # their header declares one duration for all tracks


class TrackDecoder:
    """Decodes one track to a scratch file."""

    def __init__(
        self,
        container: InputContainer,
        stream: AudioStream,
        pcm: PcmFile,
        fill_limit: float,
        limits: Limits,
        name: str,
        split: bool = False,
    ) -> None:
        """`fill_limit`: no gap past this second is filled. `split` keeps the channels separate. Raises TooManyChannels."""
        self.container = container
        self.stream = stream
        self.pcm = pcm
        self.limits = limits
        self.name = name
        self.converter = ChannelConverter(stream, name) if split else MonoConverter(stream)
        pcm.channels = self.converter.channels
        self.timeline = Timeline(container, fill_limit)
        self.packets = self.skipped = 0
        self.decoded = self.reached = 0.0

    def run(self, on_progress: Callable[[float], None]) -> Damage:
        """Decode the whole track. `on_progress` receives the seconds so far, also while the decoder returns nothing.

        Raises:
            TooLong: more than `limits.max_seconds`.
            MemoryError: a packet or a frame that does not fit.
            ScratchError: the scratch file cannot be written.
            OSError: the source file cannot be read to its end.
        """
        self.stream.codec_context.thread_count = 1  # each thread takes address space; one decodes at 1000x real time
        for packet in self._demux():
            on_progress(self.timeline.position)
            if packet.stream_index != self.stream.index:
                self.reached = max(self.reached, self.timeline.timestamp(packet))
                continue
            self.packets += packet.size > 0
            for frame in self._decode(packet):
                self._write(frame)
        for frame in self._drain():
            self._write(frame)
        self.pcm.write_all(self.converter.flush())
        if self.decoded and not self.pcm.samples:  # one sample at 44.1 kHz is less than one at 16 kHz
            self.pcm.pad_with_silence(1)
        return Damage(
            decoded_seconds=self.decoded,
            packets=self.packets,
            skipped_packets=self.skipped,
            filled_seconds=self.timeline.filled,
            reached_seconds=max(self.reached, self.timeline.position),
            left_out=first_spans(self.converter.blocks.left_out),
            louder=first_spans(self.converter.range.louder),
        )

    def _write(self, frame: AudioFrame) -> None:
        if not MIN_SOURCE_RATE <= frame.sample_rate <= MAX_SOURCE_RATE:
            self.skipped += 1
            return
        seconds = frame.samples / frame.sample_rate
        gap = self.timeline.gap_before(frame)
        if self.timeline.position + gap + seconds > self.limits.max_seconds:
            raise too_long(self.name, self.limits)
        if gap:
            self.pcm.write_all(self.converter.flush())
            self.pcm.pad_with_silence(round((self.timeline.position + gap) * SAMPLE_RATE))
            self.converter.move(self.timeline.position + gap)
        try:
            self.pcm.write_all(self.converter.convert(frame))
        except MemoryError:
            raise
        except av.error.FFmpegError:  # a damaged frame with a layout that cannot be mixed
            self.skipped += 1
            seconds = 0.0
        self.timeline.advance(gap, seconds)
        self.decoded += seconds

    def _decode(self, packet: Packet[Stream]) -> list[AudioFrame]:
        try:
            return [frame for frame in packet.decode() if isinstance(frame, AudioFrame)]
        except MemoryError:
            raise
        except av.error.FFmpegError:
            self.skipped += packet.size > 0  # the empty packet at the end only flushes the decoder
            return []

    def _drain(self) -> list[AudioFrame]:
        """Frames that the decoder still holds if the demuxer ended early."""
        try:
            return self.stream.codec_context.decode(None)
        except MemoryError:
            raise
        except av.error.FFmpegError:  # usually EOFError: the decoder is empty
            return []

    def _demux(self) -> Iterator[Packet[Stream]]:
        """Packets to the end of the file, past errors of the demuxer."""
        streams = self._select_streams()
        failures = 0
        while failures < _MAX_READ_ERRORS:
            try:
                for packet in self.container.demux(streams):
                    failures = 0
                    yield packet
            except MemoryError:
                raise
            except av.error.FFmpegError:
                self.skipped += failures == 0
                failures += 1
            except IndexError:  # PyAV at the end of a file in which a track appeared midway (MPEG-TS)
                return
            else:
                return

    def _select_streams(self) -> list[Stream]:
        """The track, and video where only video shows how far the file goes. Other tracks are not read."""
        selected: list[Stream] = [self.stream]
        if self.container.format.name in _SHARED_DURATION_FORMATS:
            selected += self.container.streams.video
        discard = getattr(av.stream, "Discard", None)  # PyAV 18 and later; earlier versions read other tracks and drop them
        for stream in self.container.streams:
            if discard is not None and stream not in selected:
                stream.discard = discard.all
        return selected


def too_long(name: str, limits: Limits) -> TooLong:
    """The error of a recording past the duration limit."""
    hours = f"{limits.max_seconds / 3600:g} h" if limits.max_seconds >= 3600 else f"{limits.max_seconds:g} s"
    return TooLong(f"{name} is longer than {hours}.", "Raise the limit with --max-duration.")
