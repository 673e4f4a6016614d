"""Interleaves frames of more channels than PyAV can read plane by plane, so that they can be compared. No sample changes."""

from __future__ import annotations

from av.audio.frame import AudioFrame
from av.filter import Graph

from transcribe_cli.audio.sample_formats import MAX_PLANES


class Interleaver:
    """For the frames of one track, whose format may change midway."""

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._format: tuple[int, str, str] | None = None

    def convert(self, frame: AudioFrame) -> AudioFrame:
        """The frame itself, or one with interleaved samples. Raises FFmpegError if a damaged frame cannot be converted."""
        name = frame.format.name
        if len(frame.layout.channels) <= MAX_PLANES or not name.endswith("p"):
            return frame
        found = (frame.sample_rate, name, frame.layout.name)
        if self._graph is None or found != self._format:
            self._graph, self._format = self._build(frame), found
        self._graph.push(frame)
        interleaved = self._graph.pull()
        assert isinstance(interleaved, AudioFrame)  # noqa: S101 - for the type checker: the graph has no video
        return interleaved

    @staticmethod
    def _build(frame: AudioFrame) -> Graph:
        graph = Graph()
        source = graph.add_abuffer(sample_rate=frame.sample_rate, format=frame.format.name, layout=frame.layout.name)
        interleave = graph.add("aformat", f"sample_fmts={frame.format.name.removesuffix('p')}")
        graph.link_nodes(source, interleave, graph.add("abuffersink")).configure()
        return graph
