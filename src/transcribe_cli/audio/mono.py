"""Frames of any rate, format and number of channels to 16 kHz mono int16."""

from __future__ import annotations

from collections.abc import Iterator

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.filter import Graph

from transcribe_cli.audio.facts import SAMPLE_RATE

_SURROUND = {"aac", "ac3", "eac3", "dca", "truehd", "mlp", "opus", "libopus", "vorbis"}
"""Codecs in which each channel has a meaning, so that FFmpeg's mix is right (the centre louder, the subwoofer left out)."""


class Mono:
    """A track's frames, mixed and resampled by FFmpeg's filters; rate, format and layout may change on the way (HE-AAC, broadcasts).

    Stereo and surround are mixed as FFmpeg does. More than two channels of anything else are microphones (field recorders), and FFmpeg
    would guess a surround layout and drop what it takes for the subwoofer: the third channel of three. They are averaged.

    Attributes:
        channels: of what comes out, interleaved.
    """

    def __init__(self, stream: AudioStream) -> None:
        self.channels = 1
        self._surround = stream.codec_context.name in _SURROUND
        self._graph: Graph | None = None
        self._shape: tuple[int, str, str] | None = None

    def convert(self, frame: AudioFrame) -> Iterator[memoryview]:
        """Little-endian int16 of this frame and of what was held back. Raises FFmpegError when it cannot be mixed (damaged)."""
        shape = (frame.sample_rate, frame.format.name, frame.layout.name)
        if self._graph is None or shape != self._shape:
            yield from self.flush()
            self._graph, self._shape = self._filters(frame), shape
        frame.pts = None  # filters join frames; where they belong is the timeline's business
        self._graph.push(frame)
        yield from self._pulled(self._graph)

    def flush(self) -> Iterator[memoryview]:
        """What was held back; the next frame starts anew."""
        graph, self._graph = self._graph, None
        if graph is not None:
            graph.push(None)
            yield from self._pulled(graph)

    def _filters(self, frame: AudioFrame) -> Graph:
        graph = Graph()
        chain = [graph.add_abuffer(sample_rate=frame.sample_rate, format=frame.format.name, layout=frame.layout.name)]
        chain += [graph.add(name, arguments) for name, arguments in self._steps(len(frame.layout.channels))]
        graph.link_nodes(*chain, graph.add("abuffersink")).configure()
        graph.set_audio_frame_size(SAMPLE_RATE)  # few large frames
        return graph

    def _steps(self, channels: int) -> Iterator[tuple[str, str]]:
        """The filters for frames of so many channels: names and arguments."""
        if channels > 2 and not self._surround:
            # Not by numpy: PyAV 18 counts nine planes in a frame of eight, and reading the ninth crashes.
            yield "pan", "mono|c0<" + "+".join(f"c{number}" for number in range(channels))
        yield "aformat", f"sample_rates={SAMPLE_RATE}:sample_fmts=s16:channel_layouts=mono"

    def _pulled(self, graph: Graph) -> Iterator[memoryview]:
        while True:
            try:
                frame = graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            if isinstance(frame, AudioFrame):
                yield memoryview(frame.planes[0])[: 2 * self.channels * frame.samples]  # a plane is padded
