"""Packets to 16 kHz mono int16 on scratch: what is damaged is skipped and counted, what is missing is filled with silence.

We demux and decode packet by packet: PyAV's `container.decode()` is a generator, finished after it raises once, so that everything
after one damaged packet would be lost without a word (https://github.com/SYSTRAN/faster-whisper/issues/988).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from transcribe_cli.audio.channels import Split
from transcribe_cli.audio.facts import SAMPLE_RATE, Damage
from transcribe_cli.audio.limits import Limits
from transcribe_cli.audio.mono import Mono
from transcribe_cli.audio.pcm import Pcm
from transcribe_cli.audio.timeline import Timeline
from transcribe_cli.errors import TooLong

_HOPELESS = 1000  # read errors in a row after which nothing more is expected of a file
FASTEST_HZ = 1_536_000
"""No recording is sampled faster; a damaged header's 1.8 GHz would cost the resampler gigabytes."""

_PICTURES_SAY_THE_END = {"matroska,webm", "flv"}  # their header has one length for all tracks


class Decoding:
    """One track on its way to scratch."""

    def __init__(
        self,
        container: InputContainer,
        stream: AudioStream,
        pcm: Pcm,
        longest: float,
        limits: Limits,
        name: str,
        split: bool = False,
    ) -> None:
        """`longest`: seconds past which no gap is filled; `split` keeps the channels apart. Raises TooManyChannels."""
        self.container = container
        self.stream = stream
        self.pcm = pcm
        self.limits = limits
        self.name = name
        self.mono = Split(stream, name) if split else Mono(stream)
        pcm.channels = self.mono.channels
        self.timeline = Timeline(container, stream, longest)
        self.packets = self.skipped = 0
        self.decoded = self.reached = 0.0

    def run(self, progress: Callable[[float], None]) -> Damage:
        """Decode all of it; `progress` is told the seconds so far, also while nothing comes out.

        Raises:
            TooLong: more than `limits.max_seconds`.
            MemoryError: a packet or a frame that does not fit.
            ScratchError: scratch cannot be written.
            OSError: the file cannot be read to its end.
        """
        self.stream.codec_context.thread_count = 1  # each thread takes address space; one decodes at 1000x real time
        for packet in self._demuxed():
            progress(self.timeline.position)
            if packet.stream_index != self.stream.index:
                self.reached = max(self.reached, self.timeline.moment(packet))
                continue
            self.packets += packet.size > 0
            for frame in self._frames(packet):
                self._take(frame)
        for frame in self._last_frames():
            self._take(frame)
        self.pcm.write_all(self.mono.flush())
        if self.decoded and not self.pcm.samples:  # one sample at 44.1 kHz is less than one at 16 kHz
            self.pcm.silence_until(1)
        return Damage(
            decoded_seconds=self.decoded,
            packets=self.packets,
            skipped_packets=self.skipped,
            filled_seconds=self.timeline.filled,
            reached_seconds=max(self.reached, self.timeline.position),
        )

    def _take(self, frame: AudioFrame) -> None:
        if not 0 < frame.sample_rate <= FASTEST_HZ:
            self.skipped += 1
            return
        seconds = frame.samples / frame.sample_rate
        missing = self.timeline.missing_before(frame)
        if self.timeline.position + missing + seconds > self.limits.max_seconds:
            raise too_long(self.name, self.limits)
        if missing:
            self.pcm.write_all(self.mono.flush())
            self.pcm.silence_until(round((self.timeline.position + missing) * SAMPLE_RATE))
        try:
            self.pcm.write_all(self.mono.convert(frame))
        except MemoryError:
            raise
        except av.error.FFmpegError:  # a damaged frame with a layout that cannot be mixed
            self.skipped += 1
            seconds = 0.0
        self.timeline.advance(missing, seconds)
        self.decoded += seconds

    def _frames(self, packet: Packet[Stream]) -> list[AudioFrame]:
        try:
            return [frame for frame in packet.decode() if isinstance(frame, AudioFrame)]
        except MemoryError:
            raise
        except av.error.FFmpegError:
            self.skipped += packet.size > 0  # the empty packet at the end only empties the decoder
            return []

    def _last_frames(self) -> list[AudioFrame]:
        """What the decoder still holds where the demuxer did not end in the ordinary way."""
        try:
            return self.stream.codec_context.decode(None)
        except MemoryError:
            raise
        except av.error.FFmpegError:  # mostly EOFError: it is empty
            return []

    def _demuxed(self) -> Iterator[Packet[Stream]]:
        """Packets of the track to the end of the file, past whatever the demuxer complains about."""
        streams = self._watched()
        failures = 0
        while failures < _HOPELESS:
            try:
                for packet in self.container.demux(streams):
                    failures = 0
                    yield packet
            except MemoryError:
                raise
            except av.error.FFmpegError:
                self.skipped += failures == 0
                failures += 1
            except IndexError:  # PyAV at the end of a file in which a track appeared on the way (MPEG-TS)
                return
            else:
                return

    def _watched(self) -> list[Stream]:
        """The track, and pictures where only they say how far the file goes. Other tracks need not be read."""
        watched: list[Stream] = [self.stream]
        if self.container.format.name in _PICTURES_SAY_THE_END:
            watched += self.container.streams.video
        discard = getattr(av.stream, "Discard", None)  # PyAV 18 and later; before, other tracks are read and thrown away
        for stream in self.container.streams:
            if discard is not None and stream not in watched:
                stream.discard = discard.all
        return watched


def too_long(name: str, limits: Limits) -> TooLong:
    """The error of a recording past the limit."""
    hours = f"{limits.max_seconds / 3600:g} h" if limits.max_seconds >= 3600 else f"{limits.max_seconds:g} s"
    return TooLong(f"{name} is longer than {hours}.", "Allow more with --max-duration if it really is that long.")
