"""How much one file may ask for. A bomb, a hang or a crash must stay one file's error."""

from __future__ import annotations

from dataclasses import dataclass

from transcribe_cli.audio.facts import SAMPLE_RATE

BYTES_PER_SECOND = 2 * SAMPLE_RATE
"""Of a waveform on scratch: one int16 for each sample."""

SPARSEST_BYTES_PER_SECOND = 250
"""Of a recording. Speech codecs spend 90 (Codec2 at 700 bit/s) to 800; below this we do not believe a header's length or a jump in
its timestamps, so that a file of one kilobyte cannot ask for hours of silence or for gigabytes of free scratch."""


@dataclass(frozen=True)
class Limits:
    """What the decoder may use for one file.

    Attributes:
        max_seconds: length of the audio, past which TooLong is raised. 16 h: the longest recordings people bring are days of
            hearings at 12 h; 24 h of silence fit in a 164 KB FLAC.
        memory_bytes: address space of the child (RLIMIT_AS). Decoding needs under 200 MB; the rest is for huge `moov` boxes.
        stall_seconds: this long without any sign of progress, and the child is killed.
        grace_seconds: every file may take this long ...
        slowest: ... plus this many seconds for each second of audio decoded so far (ordinary: 0.005).
    """

    max_seconds: float = 16 * 3600.0
    memory_bytes: int = 2 << 30
    stall_seconds: float = 60.0
    grace_seconds: float = 300.0
    slowest: float = 0.5

    def scratch_bytes(self, channels: int = 1) -> int:
        """The largest file that the child may write (RLIMIT_FSIZE)."""
        return int(min((self.max_seconds + 60) * BYTES_PER_SECOND * channels, 2.0**62))  # max_seconds may be infinite

    def allowed_seconds(self, decoded_seconds: float) -> float:
        """Wall time after which a decoder that has come this far is too slow to go on."""
        return self.grace_seconds + self.slowest * decoded_seconds
