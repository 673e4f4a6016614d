"""Where there is speech: Silero over a waveform that is still being decoded, then speech regions, then clips of at most 30 s.

detector.py  probabilities of speech, state carried from block to block
regions.py   from probabilities to regions, as early as they are certain
packing.py   regions in groups of at most 30 s: what becomes a clip
channels.py  which channels have a speaker of their own, and where one only overhears another
"""

from transcribe_cli.vad.channels import FRAME_WINDOWS, cancels_in_mix, channel_levels, crosstalk, distinct_channels
from transcribe_cli.vad.detector import WINDOW_SAMPLES, SpeechDetector, load_detector
from transcribe_cli.vad.packing import Packer
from transcribe_cli.vad.regions import CLIP_SAMPLES, CLIP_SECONDS, Region, Regions

__all__ = [
    "CLIP_SAMPLES",
    "CLIP_SECONDS",
    "FRAME_WINDOWS",
    "WINDOW_SAMPLES",
    "Packer",
    "Region",
    "Regions",
    "SpeechDetector",
    "cancels_in_mix",
    "channel_levels",
    "crosstalk",
    "distinct_channels",
    "load_detector",
]
