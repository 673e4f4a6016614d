"""What is known about a recording's audio: from its header (Probe), and after decoding it (Damage)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

SAMPLE_RATE = 16_000
"""Samples per second of every waveform. Whisper, Silero and pyannote were trained on this rate."""

MIN_COMPLETE_SHARE = 0.98
"""A waveform shorter than this share of the declared duration is truncated. Encoder padding and trimming stay well above it."""

MIN_MISSING_SECONDS = 0.5
"""At least this much must also be missing, so that a clip of one second is never reported for its padding."""


MAX_SPANS = 1000
"""Of one kind in one recording; more are joined into the last."""

Spans: TypeAlias = tuple[tuple[float, float], ...]
"""Stretches of time: start and end in seconds, in order."""


def first_spans(spans: Sequence[tuple[float, float]]) -> Spans:
    """At most `MAX_SPANS` stretches; the last one covers the rest."""
    kept = [(float(start), float(end)) for start, end in spans[:MAX_SPANS]]
    return (*kept[:-1], (kept[-1][0], float(spans[-1][1]))) if kept else ()


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
        default_track: number of the track that is decoded unless another is requested.
        track_languages: the language that the file names for each audio track, "" where it names none.
    """

    duration: float | None
    container: str
    codec: str
    sample_rate: int
    channels: int
    audio_tracks: int
    video: bool
    default_track: int = 0
    track_languages: tuple[str, ...] = ()


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
        left_out: where channels were left out of the mix, because they cancel others, or hold noise that drowns them.
        louder: where the sound was made louder, because it would be lost in 16 bits.
        stopped: whether the decoder took too long, and was stopped before the end.
        indexed_seconds: audio in the index of an MP4, of which an edit list may show less; 0 where that is unknown.
    """

    header_seconds: float | None = None
    decoded_seconds: float = 0.0
    packets: int = 0
    skipped_packets: int = 0
    filled_seconds: float = 0.0
    reached_seconds: float = 0.0
    left_out: Spans = ()
    louder: Spans = ()
    stopped: bool = False
    indexed_seconds: float = 0.0

    @property
    def truncated(self) -> bool:
        """Whether the file ends well before the declared duration, or its decoder was stopped."""
        if self.stopped:
            return True
        if self.header_seconds is None:
            return False
        end = max(self.decoded_seconds + self.filled_seconds, self.reached_seconds)
        return end < MIN_COMPLETE_SHARE * self.header_seconds and self.header_seconds - end > MIN_MISSING_SECONDS

    @property
    def header_mismatch(self) -> bool:
        """Whether the file holds well more audio than its header declares. An edit list may hide some; the rest was decoded."""
        if self.header_seconds is None:
            return False
        end = max(self.decoded_seconds + self.filled_seconds, self.indexed_seconds)
        return self.header_seconds < MIN_COMPLETE_SHARE * end and end - self.header_seconds > MIN_MISSING_SECONDS

    @property
    def flags(self) -> tuple[str, ...]:
        """What a transcript of it says, in the words of its `flags`."""
        found = {
            "truncated": self.truncated,
            "header_mismatch": self.header_mismatch,
            "damaged": self.skipped_packets > 0,
            "channels_cancelled": bool(self.left_out),
        }
        return tuple(flag for flag, holds in found.items() if holds)

    @property
    def damaged(self) -> bool:
        """Whether the transcript may lack part of the recording."""
        return self.truncated or self.skipped_packets > 0
