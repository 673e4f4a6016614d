"""What is said about a recording's audio: by its header (Probe), and after decoding it (Damage)."""

from __future__ import annotations

from dataclasses import dataclass

SAMPLE_RATE = 16_000
"""Samples per second of every waveform: what Whisper, Silero and pyannote were trained on."""

COMPLETE = 0.98
"""A waveform shorter than this part of what the header promises is truncated; what encoders pad and trim stays well above."""

MISSING_SECONDS = 0.5
"""... and at least this much must be missing, so that a clip of one second is never reported for its padding."""


@dataclass(frozen=True)
class Probe:
    """What the header says; nothing was decoded.

    Attributes:
        duration: seconds, or None when the header does not say (a WebM from a browser). An estimate for raw AAC (3 % off) and
            for MP3 without a Xing header.
        container: FFmpeg's name of the format, such as `mov,mp4,m4a,3gp,3g2,mj2`.
        codec: FFmpeg's name of the codec of the track asked for, or "" when this FFmpeg has no decoder for it.
        sample_rate: in Hz, 0 when the header does not say.
        channels: 0 when the header does not say.
        audio_tracks: how many there are; tracks are numbered from 0.
        video: whether there are moving pictures (cover art does not count).
    """

    duration: float | None
    container: str
    codec: str
    sample_rate: int
    channels: int
    audio_tracks: int
    video: bool


@dataclass(frozen=True)
class Damage:
    """How what was decoded compares with what the file promised.

    Attributes:
        header_seconds: the length that the header promises, None where it only estimates (raw AAC, MPEG-TS, MP3 without Xing).
        decoded_seconds: seconds that came out of the decoder, without what was filled in.
        packets: packets that were read.
        skipped_packets: of these, how many could not be decoded.
        filled_seconds: silence put where timestamps say that audio is missing, so that times match what a player shows.
        reached_seconds: the last moment for which the file holds anything, pictures included.
    """

    header_seconds: float | None = None
    decoded_seconds: float = 0.0
    packets: int = 0
    skipped_packets: int = 0
    filled_seconds: float = 0.0
    reached_seconds: float = 0.0

    @property
    def truncated(self) -> bool:
        """Whether the file ends well before the length that its header promises."""
        if self.header_seconds is None:
            return False
        end = max(self.decoded_seconds + self.filled_seconds, self.reached_seconds)
        return end < COMPLETE * self.header_seconds and self.header_seconds - end > MISSING_SECONDS

    @property
    def damaged(self) -> bool:
        """Whether anything that should be in the transcript may be missing from it."""
        return self.truncated or self.skipped_packets > 0
