"""Decoding a local file to a 16 kHz mono waveform in a temporary file. Untrusted input is parsed only in a child process.

In reading order:

    media_info.py         what is known about a file: Probe (from its header), Damage (after decoding)
    limits.py             resource limits for one file
    waveform.py           the result: (samples,) in a scratch file, read in slices
    scratch.py            scratch files: names, locks, and removal of files that dead processes left
    decoder.py            the parent's side: one request at a time to one persistent child
    track_choice.py       which track, where the user names a language or leaves it to the tool
    child_process.py      the child as an operating-system process: pipes, threads, signals
    request_socket.py     requests to the child, with the open files that they are about
    replies.py            its replies, checked like a foreign file
    recording_file.py     the recording as an open file
    child.py              the child's side: its resource limits and its request loop
    sandbox.py            what the child gives up before it sees a recording
    landlock.py           the part of it that concerns files
    seccomp.py            the part of it that concerns system calls
    container.py          opens a file without access to any other file; selects a track; reads the header
    pcm_layout.py         where the header of a file of plain samples says that they are
    pcm_extent.py         where they really end; FFmpeg is shown the file to there
    declared_duration.py  the duration that the header declares, if it declares one
    track_decoder.py      packets to samples; damaged packets are skipped
    timeline.py           the position of each frame; gaps are filled with silence
    mono_converter.py     frames in any format to 16 kHz mono
    channel_blocks.py     blocks of several channels, without those that would spoil the mix
    channel_choice.py     which these are: channels that cancel, or hold only noise
    channel_statistics.py levels of the channels and of their mix
    sample_formats.py     samples of frames as arrays, and back
    channel_converter.py  frames in any format to 16 kHz with separate channels
    pcm_file.py           the scratch file as the child writes it
    ffmpeg.py             the fallback decoder, for codecs that PyAV's FFmpeg lacks (extra `ffmpeg`)
    opus.py               a waveform as an Opus file, for upload
"""

from transcribe_cli.audio.decoder import Decoder
from transcribe_cli.audio.limits import Limits
from transcribe_cli.audio.media_info import SAMPLE_RATE, Damage, Probe
from transcribe_cli.audio.track_choice import choose_track
from transcribe_cli.audio.waveform import Waveform

__all__ = ["SAMPLE_RATE", "Damage", "Decoder", "Limits", "Probe", "Waveform", "choose_track"]
