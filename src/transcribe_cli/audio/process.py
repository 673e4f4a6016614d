"""The decoder's child as an operating-system process: started without inheriting anything, talked to in lines, killed as a group."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import weakref
from collections import deque
from dataclasses import asdict
from typing import IO, Any, cast

from transcribe_cli.audio.limits import Limits

_COMMAND = [sys.executable, "-P", "-m", "transcribe_cli.audio.child"]  # -P: an av.py in the current folder is not imported
_INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT", "TEMP")
_LONGEST_LINE = 1 << 20
_KEPT_LINES = 20  # of what it writes to stderr


class ChildProcess:
    """One child; it is not reused after it ended.

    Attributes:
        replies: parsed answers in order; None once it has ended.
        complaints: the last lines of its stderr.
    """

    def __init__(self, limits: Limits) -> None:
        self.replies: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.complaints: deque[str] = deque(maxlen=_KEPT_LINES)
        self._popen = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            start_new_session=True,  # a Ctrl-C in the terminal is for us; we decide what becomes of the child
        )
        self._finalizer = weakref.finalize(self, _end, self._popen, os.getpid())  # threads hold pipes, never self
        self._stdin = cast("IO[bytes]", self._popen.stdin)
        self._readers = [
            threading.Thread(target=_read_replies, args=(self._popen.stdout, self.replies), daemon=True),
            threading.Thread(target=_read_complaints, args=(self._popen.stderr, self.complaints), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self.send({"limits": asdict(limits)})

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._popen.pid

    @property
    def alive(self) -> bool:
        """Whether it can be asked something."""
        return self._popen.poll() is None

    def send(self, request: dict[str, Any]) -> None:
        """Write one request; that the child is gone is seen in `replies`."""
        with contextlib.suppress(BrokenPipeError):
            self._stdin.write(json.dumps(request).encode("ascii") + b"\n")
            self._stdin.flush()

    def kill(self) -> None:
        """Kill it and whatever it started, now; from any thread, any number of times."""
        _kill(self._popen)

    def end(self) -> int:
        """Kill it, wait for it, read its last words; returns how it ended, as `subprocess` numbers it."""
        self._finalizer()
        for reader in self._readers:
            reader.join(timeout=1.0)
        return self._popen.wait()


def _kill(popen: subprocess.Popen[bytes]) -> None:
    # The group's number is the child's, which nobody else can get before the child is waited for.
    if popen.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(popen.pid, signal.SIGKILL)


def _end(popen: subprocess.Popen[bytes], owner: int) -> None:
    if os.getpid() != owner:
        return  # in a fork: it is not ours
    _kill(popen)
    popen.wait()
    if popen.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            popen.stdin.close()


def _environment() -> dict[str, str]:
    """Nothing secret: only what a Python needs to start, and our own import path, so that it imports exactly what we do."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return kept | {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "OPENBLAS_NUM_THREADS": "1",
    }


def _read_replies(pipe: IO[bytes], replies: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    with pipe, contextlib.suppress(ValueError):  # what is not JSON, or has no end, comes from a child that is out of its mind
        while line := pipe.readline(_LONGEST_LINE):
            replies.put(json.loads(line))
    replies.put(None)


def _read_complaints(pipe: IO[bytes], complaints: deque[str]) -> None:
    with pipe:
        while line := pipe.readline(_LONGEST_LINE):
            complaints.append(line.decode("utf-8", "replace").rstrip())
