"""The fallback decoder: a system `ffmpeg`, for codecs that PyAV's FFmpeg was built without (Codec2), called through ffmpeg-python.

It runs only if PyAV cannot decode the file, the extra `ffmpeg` is installed and the program is on PATH. It opens files by name, so
`-format_whitelist` is what prevents access to other files. `-protocol_whitelist file` alone does not (HLS and ffconcat are files too).
https://ffmpeg.org/ffmpeg-formats.html#Format-Options
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from transcribe_cli.audio.container import FORMATS
from transcribe_cli.audio.media_info import SAMPLE_RATE, Damage
from transcribe_cli.audio.pcm_file import PcmFile, ScratchError

_PATH_PLACEHOLDER = "file:recording"
_POLL_SECONDS = 0.1  # between two checks of the progress


def is_available() -> bool:
    """Whether the extra `ffmpeg` is installed and an `ffmpeg` is on PATH."""
    try:
        import ffmpeg
    except ImportError:
        return False
    return hasattr(ffmpeg, "compile") and shutil.which("ffmpeg") is not None  # other packages are called ffmpeg too


def command_line(path: Path, track: int | None, max_seconds: float) -> list[str]:
    """The command line that decodes a track of `path` to 16 kHz mono int16 on standard output.

    It stops a second after `max_seconds`, so that the caller can detect a longer recording.
    """
    import ffmpeg

    source = ffmpeg.input(
        _PATH_PLACEHOLDER,  # ffmpeg-python hashes its arguments, and fails on names that are not UTF-8
        protocol_whitelist="file",
        format_whitelist=FORMATS,
        threads=1,
    )
    audio = source.audio if track is None else source[f"a:{track}"]
    target = audio.output("pipe:1", format="s16le", ac=1, ar=SAMPLE_RATE, t=min(max_seconds + 1, 1e7))
    compiled: list[str] = target.global_args("-nostdin", "-v", "error").compile(cmd=shutil.which("ffmpeg") or "ffmpeg")
    # Without `file:`, a name such as `concat:a|b` is a protocol.
    return [f"file:{path.absolute()}" if argument == _PATH_PLACEHOLDER else argument for argument in compiled]


def decode(
    path: Path, track: int | None, pcm: PcmFile, max_seconds: float, on_progress: Callable[[float], None]
) -> Damage | None:
    """Write the track to `pcm`; None if ffmpeg finds no audio either.

    ffmpeg inherits the resource limits and the process group of the caller, so the same limits kill it. It is not stopped when this raises:
    whoever ends the caller ends the group. Raises ScratchError when the disk is full.
    """
    program = subprocess.Popen(
        command_line(path, track, max_seconds), stdin=subprocess.DEVNULL, stdout=pcm.fileno(), stderr=subprocess.DEVNULL
    )
    while program.poll() is None:
        time.sleep(_POLL_SECONDS)
        on_progress(pcm.update_length() / SAMPLE_RATE)
    if program.returncode and not os.fstatvfs(pcm.fileno()).f_bavail:
        raise ScratchError(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    seconds = pcm.update_length() / SAMPLE_RATE
    if not seconds:
        return None
    return Damage(decoded_seconds=seconds, reached_seconds=seconds, skipped_packets=int(program.returncode != 0))
