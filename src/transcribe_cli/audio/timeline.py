"""The position of decoded frames, so that second 3,600 of the waveform is what a player shows at 1:00:00.

Most frames follow one another, and their timestamps confirm it. Timestamps jump ahead in a video whose sound starts late, a WebM with
pauses, or a container with lost packets. These gaps are filled with silence. Frames are never dropped or moved for small differences
(codec delay, clock drift), and never moved back.
"""

from __future__ import annotations

import av
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

MIN_GAP_SECONDS = 0.1
"""A smaller jump is ignored: codec delays are up to 0.06 s, rounded timestamps up to 0.05 s (measured, 30 formats)."""

MIN_START_GAP_SECONDS = 0.5
"""The same at the start of a file with one track: WMA drops its first frame, up to 0.26 s, and a player starts with what is there."""

_CLOCK_RESET_SECONDS = 10.0  # in a transport stream a longer jump is a new clock, not a pause (FFmpeg's -dts_delta_threshold)
_RESETTING_FORMATS = {"mpegts", "mpeg"}


class Timeline:
    """The time at which the next frame is due, in seconds from the container's start.

    Attributes:
        position: seconds of audio and silence so far.
        filled: seconds of silence so far.
    """

    def __init__(self, container: InputContainer, fill_limit: float) -> None:
        """`fill_limit`: no gap past this second is filled, so that a forged timestamp cannot produce hours of zeros."""
        start = container.start_time
        self._origin = start / av.time_base if start is not None else None
        self._single_track = len(container.streams) == 1
        self._resets = container.format.name in _RESETTING_FORMATS
        self._fill_limit = fill_limit
        self.position = 0.0
        self.filled = 0.0

    def gap_before(self, frame: AudioFrame) -> float:
        """Seconds of silence to insert before this frame; usually 0."""
        if frame.pts is None or frame.time_base is None:
            return 0.0
        timestamp = float(frame.pts * frame.time_base)
        if self._origin is None:
            self._origin = timestamp
        jump = timestamp - self._origin - self.position
        if self._resets and abs(jump) > _CLOCK_RESET_SECONDS:
            self._origin += jump
            return 0.0
        min_gap = MIN_START_GAP_SECONDS if self._single_track and not self.position else MIN_GAP_SECONDS
        return jump if jump > min_gap and self.position + jump <= self._fill_limit else 0.0

    def advance(self, gap: float, seconds: float) -> None:
        """Record silence and audio that were written."""
        self.position += gap + seconds
        self.filled += gap

    def timestamp(self, packet: Packet[Stream]) -> float:
        """Presentation time of a packet of any track, in seconds from the container's start; 0 if it has none."""
        if packet.pts is None or packet.time_base is None:
            return 0.0
        return float(packet.pts * packet.time_base) - (self._origin or 0.0)
