"""Temporary names that say which process of which machine writes them, and whether that one is still there."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import socket
from functools import cache
from pathlib import Path

_TEMPORARY = re.compile(r"\.transcribe-(?P<host>[0-9a-f]{8})-(?P<pid>\d+)-[0-9a-f]{8}\.tmp")


def temporary_name() -> str:
    """A new one. It is short and random, since a name made from the target's would pass 255 bytes when that is long."""
    return f".transcribe-{host_id()}-{os.getpid()}-{secrets.token_hex(4)}.tmp"


def parse_temporary_name(name: str) -> re.Match[str] | None:
    """The `host` and `pid` in a temporary name of ours; None for any other name."""
    return _TEMPORARY.fullmatch(name)


@cache
def host_id() -> str:
    """8 hex digits for this machine since it was started, or this container: where a process id means the same process."""
    parts = [socket.gethostname()]
    # The boot's own identity tells machines apart that were cloned with their names.
    for path in ("/etc/machine-id", "/proc/sys/kernel/random/boot_id"):
        with contextlib.suppress(OSError):
            parts.append(Path(path).read_text())
    with contextlib.suppress(OSError):
        # A container may share the host's name, not its process ids. The first namespace has a fixed number.
        parts.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def is_alive(pid: int) -> bool:
    """Whether there is a process of this number here."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
