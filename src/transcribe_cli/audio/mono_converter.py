"""Converts frames of any rate, sample format and channel count to 16 kHz mono int16."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.filter import Graph
from numpy.typing import NDArray

from transcribe_cli.audio.channel_blocks import ChannelBlocks
from transcribe_cli.audio.interleaver import Interleaver
from transcribe_cli.audio.media_info import SAMPLE_RATE
from transcribe_cli.audio.range_blocks import RangeBlocks
from transcribe_cli.audio.sample_formats import can_be_read

_SURROUND_CODECS = {"aac", "ac3", "eac3", "dca", "truehd", "mlp", "opus", "libopus", "vorbis"}
"""In these codecs each channel has a defined role, so FFmpeg's downmix is right (the centre louder, the subwoofer left out)."""

_SURROUND_WEIGHTS = {"FC": 1.0, "FL": 0.71, "FR": 0.71, "LFE": 0.0, "LFE2": 0.0}
_OTHER_SURROUND_WEIGHT = 0.5
"""Of FFmpeg's downmix to mono, before they are scaled to a sum of 1."""

_MAX_COMPARED = 32
"""Of more channels, which no recorder has, the comparison would take longer than decoding."""


class MonoConverter:
    """Mixes and resamples a track's frames with FFmpeg filters. Rate, format and layout may change midway (HE-AAC, broadcasts).

    Stereo and surround are mixed as FFmpeg does. More than two channels in any other codec are microphones (field recorders). FFmpeg
    would guess a surround layout and drop the supposed subwoofer, which is the third channel of three. These channels are averaged.
    Channels that would spoil the mix are left out (channel_choice.py).

    Attributes:
        channels: of the output, interleaved.
        blocks: what was left out of the mix, and where.
        range: what was made louder, and where.
    """

    def __init__(self, stream: AudioStream) -> None:
        self.channels = 1
        self.blocks = ChannelBlocks()
        self.range = RangeBlocks(stream.codec_context.name)
        self._interleaver = Interleaver()
        self._surround = stream.codec_context.name in _SURROUND_CODECS
        self._graph: Graph | None = None
        self._input_format: tuple[int, str, str] | None = None
        self._weights: NDArray[np.float32] | None = None  # of the channels in the mix; None if all are mixed in any case

    def convert(self, frame: AudioFrame) -> Iterator[memoryview]:
        """Little-endian int16 of this frame and of buffered samples. Raises FFmpegError if a damaged frame cannot be mixed."""
        frame = self._interleaver.convert(frame)
        input_format = (frame.sample_rate, frame.format.name, frame.layout.name)
        if self._graph is None or input_format != self._input_format:
            yield from self.flush()
            self._graph, self._input_format = self._build_graph(frame), input_format
            self._weights = self._weights_of(frame)
        for scaled in self.range.add(frame):
            yield from self._mix(self._graph, scaled)

    def move(self, seconds: float) -> None:
        """The next frame is at this position, in seconds."""
        self.blocks.move(seconds)
        self.range.move(seconds)

    def flush(self) -> Iterator[memoryview]:
        """The buffered samples. The next frame starts a new filter graph."""
        graph, self._graph = self._graph, None
        if graph is None:
            return
        for scaled in self.range.flush():
            yield from self._mix(graph, scaled)
        if self._weights is not None:
            for ready in self.blocks.flush(self._weights):
                yield from self._filter(graph, ready)
        graph.push(None)
        yield from self._pull_blocks(graph)

    def _mix(self, graph: Graph, frame: AudioFrame) -> Iterator[memoryview]:
        for ready in (frame,) if self._weights is None else self.blocks.add(frame, self._weights):
            yield from self._filter(graph, ready)

    def _filter(self, graph: Graph, frame: AudioFrame) -> Iterator[memoryview]:
        frame.pts = None  # filters join frames; Timeline handles their positions
        graph.push(frame)
        yield from self._pull_blocks(graph)

    def _weights_of(self, frame: AudioFrame) -> NDArray[np.float32] | None:
        """The weights of the frame's channels in the mix; None if they cannot be compared."""
        names = [channel.name for channel in frame.layout.channels]
        if not 2 <= len(names) <= _MAX_COMPARED or not can_be_read(frame):
            return None
        if len(names) > 2 and self._surround:
            weights = np.array([_SURROUND_WEIGHTS.get(name, _OTHER_SURROUND_WEIGHT) for name in names], np.float32)
        else:
            weights = np.ones(len(names), np.float32)
        return weights / weights.sum() if weights.any() else None

    def _build_graph(self, frame: AudioFrame) -> Graph:
        graph = Graph()
        chain = [graph.add_abuffer(sample_rate=frame.sample_rate, format=frame.format.name, layout=frame.layout.name)]
        chain += [graph.add(name, arguments) for name, arguments in self._filter_steps(len(frame.layout.channels))]
        graph.link_nodes(*chain, graph.add("abuffersink")).configure()
        graph.set_audio_frame_size(SAMPLE_RATE)  # few large frames
        return graph

    def _filter_steps(self, channels: int) -> Iterator[tuple[str, str]]:
        """Names and arguments of the filters for frames with this many channels."""
        if channels > 2 and not self._surround:
            # Not by NumPy: PyAV 18 counts nine planes in a frame of eight, and reading the ninth crashes.
            yield "pan", "mono|c0<" + "+".join(f"c{number}" for number in range(channels))
        yield "aformat", f"sample_rates={SAMPLE_RATE}:sample_fmts=s16:channel_layouts=mono"

    def _pull_blocks(self, graph: Graph) -> Iterator[memoryview]:
        while True:
            try:
                frame = graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            if isinstance(frame, AudioFrame):
                yield memoryview(frame.planes[0])[: 2 * self.channels * frame.samples]  # a plane is padded
