"""The second decoder: a system `ffmpeg`, for codecs that PyAV's FFmpeg was built without (Codec2), called through ffmpeg-python.

Only after PyAV found nothing, only when the extra `ffmpeg` is installed and the program is there. It opens files by name, so what
keeps it from opening others is `-format_whitelist`; `-protocol_whitelist file` alone does not (HLS and ffconcat are files too).
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
from transcribe_cli.audio.facts import SAMPLE_RATE, Damage
from transcribe_cli.audio.pcm import Pcm, ScratchError

_PLACE = "file:recording"
_LOOK_SECONDS = 0.1  # between two looks at how far it is


def available() -> bool:
    """Whether the extra `ffmpeg` is installed and there is an `ffmpeg` on PATH."""
    try:
        import ffmpeg
    except ImportError:
        return False
    return hasattr(ffmpeg, "compile") and shutil.which("ffmpeg") is not None  # other packages are called ffmpeg too


def arguments(path: Path, track: int | None, max_seconds: float) -> list[str]:
    """The command line that decodes a track of `path` to 16 kHz mono int16 on standard output.

    It stops a second after `max_seconds`, so that the caller sees that the limit was passed.
    """
    import ffmpeg

    source = ffmpeg.input(
        _PLACE,  # ffmpeg-python hashes its arguments, and fails at names that are not UTF-8
        protocol_whitelist="file",
        format_whitelist=FORMATS,
        threads=1,
    )
    wanted = source.audio if track is None else source[f"a:{track}"]
    target = wanted.output("pipe:1", format="s16le", ac=1, ar=SAMPLE_RATE, t=min(max_seconds + 1, 1e7))
    compiled: list[str] = target.global_args("-nostdin", "-v", "error").compile(cmd=shutil.which("ffmpeg") or "ffmpeg")
    # Without `file:`, a name such as `concat:a|b` is a protocol.
    return [f"file:{path.absolute()}" if argument == _PLACE else argument for argument in compiled]


def decode(path: Path, track: int | None, pcm: Pcm, max_seconds: float, progress: Callable[[float], None]) -> Damage | None:
    """Write the track to `pcm`; None when ffmpeg finds no audio either.

    It is killed by the same limits as the process that calls this: it inherits them, and shares its process group.
    Raises ScratchError when the disk is full.
    """
    program = subprocess.Popen(
        arguments(path, track, max_seconds), stdin=subprocess.DEVNULL, stdout=pcm.fileno(), stderr=subprocess.DEVNULL
    )
    try:
        while program.poll() is None:
            time.sleep(_LOOK_SECONDS)
            progress(pcm.measure() / SAMPLE_RATE)
    finally:
        program.kill()
        program.wait()
    if program.returncode and not os.fstatvfs(pcm.fileno()).f_bavail:
        raise ScratchError(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    seconds = pcm.measure() / SAMPLE_RATE
    if not seconds:
        return None
    return Damage(decoded_seconds=seconds, reached_seconds=seconds, skipped_packets=int(program.returncode != 0))
