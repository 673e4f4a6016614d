"""What the decoder's child gives up before it sees a recording: other files, sockets, processes and programs, privileges.

Everything here is Linux's; where a kernel lacks a part, or a container forbids it, the other measures remain (see container.py).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import shutil
import sys
from pathlib import Path

from transcribe_cli.audio import capabilities, landlock, seccomp

_SET_DUMPABLE, _SET_NO_NEW_PRIVS = 4, 38
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store", "/etc/ld.so.cache")


def enter(program: str | None = None, recording: Path | None = None) -> None:
    """Give up all that decoding does not need; for the whole process, if it has one thread. There is no way back.

    Args:
        program: a program on PATH that may still run, with its libraries.
        recording: the file that this program may read.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0)  # no core file, also where a program collects them; no debugger of the same user
    if libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return
    readable = [] if program is None else _files_of(program)
    if recording is not None:
        readable.append(recording)
    landlock.restrict(readable, [] if program is None else [Path(os.devnull)])
    capabilities.keep(0 if program is None else capabilities.READ_ANY_FILE)
    seccomp.restrict(programs=program is not None)


def forbid_threads() -> None:
    """From now on this process starts no thread. The kernel does not apply this to root. The filter already forbids processes."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def _files_of(program: str) -> list[Path]:
    """A program and the folders of libraries: the system's, those next to the program, those of LD_LIBRARY_PATH."""
    found = shutil.which(program)
    if found is None:
        return []
    file = Path(found).resolve()
    nearby = [file.parent.parent / "lib", file.parent.parent / "lib64"]
    chosen = [Path(entry) for entry in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if entry]
    return [file, *map(Path, _LIBRARIES), *nearby, *chosen]
