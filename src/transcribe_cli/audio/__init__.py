"""From a local file to a 16 kHz mono waveform on scratch; everything hostile happens in a child process.

In reading order:

    facts.py      what is said about a file: Probe (from its header), Damage (after decoding)
    limits.py     how much a file may ask for
    waveform.py   the result: (samples,) on scratch, read in slices
    scratch.py    scratch files: names, locks, sweeping what dead processes left
    decoder.py    the parent's side: one request at a time to one persistent child
    process.py    that child as an operating-system process: pipes, threads, signals
    child.py      the child's side: its limits and its command loop
    container.py  opening a file so that nothing else can be opened; tracks; what the header says
    decode.py     packets to 16 kHz mono, with what is damaged skipped and what is missing filled
    ffmpeg.py     the second decoder, for codecs that PyAV's FFmpeg lacks (extra `ffmpeg`)
"""

from transcribe_cli.audio.decoder import Decoder
from transcribe_cli.audio.facts import SAMPLE_RATE, Damage, Probe
from transcribe_cli.audio.limits import Limits
from transcribe_cli.audio.waveform import Waveform

__all__ = ["SAMPLE_RATE", "Damage", "Decoder", "Limits", "Probe", "Waveform"]
