"""Resource limits for one file, so that a decompression bomb, a hang or a crash fails only that file."""

from __future__ import annotations

from dataclasses import dataclass

from transcribe_cli.audio.media_info import SAMPLE_RATE

BYTES_PER_SECOND = 2 * SAMPLE_RATE
"""Of a waveform in a scratch file: one int16 for each sample."""

MIN_SOURCE_BYTES_PER_SECOND = 250
"""Of a recording. Speech codecs use 90 (Codec2 at 700 bit/s) to 800. Below this, a declared duration or a timestamp jump is not
trusted, so that a file of one kilobyte cannot claim hours of silence or gigabytes of free scratch space."""

MIN_FLAC_BYTES_PER_SECOND = 1.5
"""The same for a FLAC whose header does not tell its smallest frame: silence takes so little."""

MIN_FALLBACK_BYTES_PER_SECOND = 50
"""The same for the fallback decoder, which decodes Codec2, also at 450 bit/s."""

MIN_SOURCE_RATE, MAX_SOURCE_RATE = 2_000, 1_536_000
"""In Hz. Speech is not intelligible below 2 kHz, and telephones use 8 kHz. A crafted header can claim 3 Hz, which makes nine hours of a
small file, or 1.8 GHz, which would cost the resampler gigabytes."""


@dataclass(frozen=True)
class Limits:
    """What the decoder may use for one file.

    Attributes:
        max_seconds: maximum duration; a longer recording raises TooLong. Default 16 h: the longest recordings in practice are
            12-hour hearings; 24 h of silence fit in a 164 KB FLAC.
        memory_bytes: address space of the child (RLIMIT_AS). Decoding needs under 200 MB; the rest is for huge `moov` boxes.
        stall_seconds: the child is killed after this long without progress.
        grace_seconds: fixed part of the timeout for one file.
        max_realtime_factor: the timeout grows by this many seconds for each second of decoded audio (typical use: 0.005).
    """

    max_seconds: float = 16 * 3600.0
    memory_bytes: int = 2 << 30
    stall_seconds: float = 60.0
    grace_seconds: float = 300.0
    max_realtime_factor: float = 0.5

    def scratch_bytes(self, channels: int = 1) -> int:
        """The largest file that the child may write (RLIMIT_FSIZE)."""
        return int(min((self.max_seconds + 60) * BYTES_PER_SECOND * channels, 2.0**62))  # max_seconds may be infinite

    def timeout_seconds(self, decoded_seconds: float) -> float:
        """Wall time after which a decoder that has decoded this many seconds of audio is stopped as too slow."""
        return self.grace_seconds + self.max_realtime_factor * decoded_seconds
