"""What is known about a recording's audio: from its header (Probe), and after decoding it (Damage)."""

from __future__ import annotations

from dataclasses import dataclass

SAMPLE_RATE = 16_000
"""Samples per second of every waveform. Whisper, Silero and pyannote were trained on this rate."""

MIN_COMPLETE_SHARE = 0.98
"""A waveform shorter than this share of the declared duration is truncated. Encoder padding and trimming stay well above it."""

MIN_MISSING_SECONDS = 0.5
"""At least this much must also be missing, so that a clip of one second is never reported for its padding."""


@dataclass(frozen=True)
class Probe:
    """What the header says. Nothing was decoded.

    Attributes:
        duration: seconds, or None when the header does not say (a WebM from a browser). An estimate for raw AAC (3 % off) and
            for MP3 without a Xing header.
        container: FFmpeg's name of the format, such as `mov,mp4,m4a,3gp,3g2,mj2`.
        codec: FFmpeg's name of the selected track's codec, or "" when this FFmpeg has no decoder for it.
        sample_rate: in Hz, 0 when the header does not say.
        channels: 0 when the header does not say.
        audio_tracks: number of audio tracks; they are numbered from 0.
        video: whether there is a video track (cover art does not count).
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
    """How the decoded audio differs from what the file declared.

    Attributes:
        header_seconds: the duration that the header declares, None where it is only an estimate (raw AAC, MPEG-TS, MP3 without Xing).
        decoded_seconds: seconds that came out of the decoder, without filled gaps.
        packets: packets that were read.
        skipped_packets: packets of these that could not be decoded.
        filled_seconds: silence inserted where timestamps show that audio is missing, so that times match those in a player.
        reached_seconds: the last timestamp of any data in the file, video included.
    """

    header_seconds: float | None = None
    decoded_seconds: float = 0.0
    packets: int = 0
    skipped_packets: int = 0
    filled_seconds: float = 0.0
    reached_seconds: float = 0.0

    @property
    def truncated(self) -> bool:
        """Whether the file ends well before the declared duration."""
        if self.header_seconds is None:
            return False
        end = max(self.decoded_seconds + self.filled_seconds, self.reached_seconds)
        return end < MIN_COMPLETE_SHARE * self.header_seconds and self.header_seconds - end > MIN_MISSING_SECONDS

    @property
    def damaged(self) -> bool:
        """Whether the transcript may lack part of the recording."""
        return self.truncated or self.skipped_packets > 0
