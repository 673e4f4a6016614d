"""Where decoded frames belong, so that second 3,600 of the waveform is what a player shows at 1:00:00.

Frames mostly follow one another and their timestamps only confirm it. A video whose sound starts late, a WebM with pauses, or a
container with lost packets jumps ahead: there the waveform is filled with silence. Frames are never dropped or moved for small
differences (codec delay, clock drift), and never moved back.
"""

from __future__ import annotations

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

GAP_SECONDS = 0.1
"""A smaller jump is left alone: codec delays are up to 0.06 s, rounded timestamps up to 0.05 s (measured, 30 formats)."""

START_GAP_SECONDS = 0.5
"""... where there is only sound: WMA drops its first frame, up to 0.26 s, and a player starts with what is there."""

_RESET_SECONDS = 10.0  # in a transport stream a longer jump is a new clock, not a pause (FFmpeg's -dts_delta_threshold)
_RESETTING = {"mpegts", "mpeg"}


class Timeline:
    """The moment at which the next frame is due, in seconds from the container's start.

    Attributes:
        position: seconds of audio and silence so far.
        filled: seconds of silence so far.
    """

    def __init__(self, container: InputContainer, stream: AudioStream, longest: float) -> None:
        """`longest`: seconds past which nothing is filled, so that a hostile timestamp cannot ask for hours of zeros."""
        start = container.start_time
        self._origin = start / av.time_base if start is not None else None
        self._alone = len(container.streams) == 1
        self._resets = container.format.name in _RESETTING
        self._longest = longest
        self.position = 0.0
        self.filled = 0.0

    def missing_before(self, frame: AudioFrame) -> float:
        """Seconds of silence that belong before this frame; mostly 0."""
        if frame.pts is None or frame.time_base is None:
            return 0.0
        moment = float(frame.pts * frame.time_base)
        if self._origin is None:
            self._origin = moment
        jump = moment - self._origin - self.position
        if self._resets and abs(jump) > _RESET_SECONDS:
            self._origin += jump
            return 0.0
        least = START_GAP_SECONDS if self._alone and not self.position else GAP_SECONDS
        return jump if jump > least and self.position + jump <= self._longest else 0.0

    def advance(self, missing: float, seconds: float) -> None:
        """Take note of silence and of audio that was written."""
        self.position += missing + seconds
        self.filled += missing

    def moment(self, packet: Packet[Stream]) -> float:
        """Seconds from the container's start at which a packet of any track is shown, 0 when it does not say."""
        if packet.pts is None or packet.time_base is None:
            return 0.0
        return float(packet.pts * packet.time_base) - (self._origin or 0.0)
