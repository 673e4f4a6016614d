"""Voice activity detection: Silero over a waveform that is still being decoded, then speech regions, then clips of at most 30 s.

detector.py  probabilities of speech; state is carried from block to block
quiet_speech.py  the same for speech that is far quieter than usual
regions.py   probabilities to regions, as early as possible
packing.py   regions to groups of at most 30 s, each of which becomes a clip
channels.py  which channels have their own speaker, and where one only contains crosstalk
"""

from transcribe_cli.vad.channels import FRAME_WINDOWS, cancels_in_mix, channel_levels, crosstalk, distinct_channels
from transcribe_cli.vad.detector import WINDOW_SAMPLES, SpeechDetector, load_detector
from transcribe_cli.vad.packing import Packer
from transcribe_cli.vad.quiet_speech import QuietSpeechDetector, audible, speech_seconds
from transcribe_cli.vad.regions import CLIP_SAMPLES, CLIP_SECONDS, Region, RegionFinder

__all__ = [
    "CLIP_SAMPLES",
    "CLIP_SECONDS",
    "FRAME_WINDOWS",
    "WINDOW_SAMPLES",
    "Packer",
    "QuietSpeechDetector",
    "Region",
    "RegionFinder",
    "SpeechDetector",
    "audible",
    "cancels_in_mix",
    "channel_levels",
    "crosstalk",
    "distinct_channels",
    "load_detector",
    "speech_seconds",
]
