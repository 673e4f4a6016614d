"""From a local file to a 16 kHz mono waveform on scratch; everything hostile happens in a child process.

In reading order:

    facts.py      what is said about a file: Probe (from its header), Damage (after decoding)
    limits.py     how much a file may ask for
    waveform.py   the result: (samples,) on scratch, read in slices
    scratch.py    scratch files: names, locks, and sweeping what dead processes left
    decoder.py    the parent's side: one request at a time to one persistent child
    process.py    that child as an operating-system process: pipes, threads, signals
    child.py      the child's side: its own limits, and its command loop
    container.py  opening a file so that nothing else can be opened; choosing a track; what the header says
    promised.py   the length that the header promises, where it does
    decode.py     packets to samples: what is damaged is skipped
    timeline.py   where each frame belongs: what is missing is filled
    mono.py       frames of any kind to 16 kHz mono
    channels.py   … or with every channel by itself
    pcm.py        the scratch file as the child writes it
    ffmpeg.py     the second decoder, for codecs that PyAV's FFmpeg lacks (extra `ffmpeg`)
"""

from transcribe_cli.audio.decoder import Decoder
from transcribe_cli.audio.facts import SAMPLE_RATE, Damage, Probe
from transcribe_cli.audio.limits import Limits
from transcribe_cli.audio.waveform import Waveform

__all__ = ["SAMPLE_RATE", "Damage", "Decoder", "Limits", "Probe", "Waveform"]
