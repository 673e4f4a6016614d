"""Temporary file names that contain the machine and the process that writes them, and whether that process is alive."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import socket
from functools import cache
from pathlib import Path

# Linux numbers processes up to 2**22.
_TEMPORARY = re.compile(r"\.transcribe-(?P<host>[0-9a-f]{8})-(?P<pid>[0-9]{1,10})-[0-9a-f]{8}\.tmp")


def temporary_name() -> str:
    """A new temporary name. Short and random, because a name derived from a long target name would exceed 255 bytes."""
    return f".transcribe-{host_id()}-{os.getpid()}-{secrets.token_hex(4)}.tmp"


def parse_temporary_name(name: str) -> re.Match[str] | None:
    """The `host` and `pid` in a temporary name of this tool; None for any other name."""
    return _TEMPORARY.fullmatch(name)


@cache
def host_id() -> str:
    """8 hex digits that identify this machine since its boot, or this container: the scope in which a process id is unique."""
    parts = [socket.gethostname()]
    # The boot id distinguishes cloned machines with the same name.
    for path in ("/etc/machine-id", "/proc/sys/kernel/random/boot_id"):
        with contextlib.suppress(OSError):
            parts.append(Path(path).read_text())
    with contextlib.suppress(OSError):
        # A container may share the name of the host but not its process ids. The initial namespace has a fixed number.
        parts.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def is_alive(pid: int) -> bool:
    """Whether a process with this id exists on this machine. The number may come from a file that anybody wrote."""
    if pid <= 0:  # to the kernel, these are groups of processes
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
