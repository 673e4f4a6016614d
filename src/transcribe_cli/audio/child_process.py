"""The decoder's child as an operating-system process: it inherits nothing, exchanges JSON lines, and is killed as a group."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, cast

from transcribe_cli.audio import request_socket
from transcribe_cli.audio.limits import Limits
from transcribe_cli.audio.replies import InvalidReply, Reply, parse

_COMMAND = [sys.executable, "-P", "-m", "transcribe_cli.audio.child"]  # -P: never import an av.py from the current folder
_INHERITED_VARIABLES = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "TMPDIR",
    "SYSTEMROOT",
    "TEMP",
)
_MAX_LINE_BYTES = 1 << 20
_KEPT_STDERR_LINES = 20


class ChildProcess:
    """One child process. It cannot be restarted.

    Attributes:
        replies: replies in order; None once the child has ended. It is killed if it writes what is no reply.
        stderr_lines: the last lines of its stderr.
    """

    def __init__(self, limits: Limits, fallback: Path | None = None) -> None:
        """`fallback`: a recording that it decodes with a system `ffmpeg`; it accepts no other."""
        self.replies: queue.SimpleQueue[Reply | None] = queue.SimpleQueue()
        self._lies = threading.Event()
        self.stderr_lines: deque[str] = deque(maxlen=_KEPT_STDERR_LINES)
        self._connection, childs_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._popen = _start(childs_end)
        self._finalizer = weakref.finalize(
            self, _stop, self._popen, self._connection, os.getpid()
        )  # threads hold pipes, never self
        self._readers = [
            threading.Thread(target=_read_replies, args=(self._popen, limits, self.replies, self._lies), daemon=True),
            threading.Thread(target=_read_stderr, args=(self._popen.stderr, self.stderr_lines), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self.send({"limits": asdict(limits), "fallback": os.fsencode(fallback).hex() if fallback else None})

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    @property
    def is_running(self) -> bool:
        """Whether it can accept requests."""
        return self._popen.poll() is None

    @property
    def has_lied(self) -> bool:
        """Whether it has written what is no reply, and was killed for that."""
        return self._lies.is_set()

    def send(self, request: dict[str, Any], files: Sequence[int] = ()) -> None:
        """Write one request, with the descriptors of its files. If the child is gone, `replies` yields None."""
        request_socket.send(self._connection, request, files)

    def kill(self) -> None:
        """Kill the child and its descendants at once. May be called from any thread, any number of times."""
        _kill(self._popen)

    def stop(self) -> int:
        """Kill the child, wait for it, and read the rest of its output; returns the exit code as `subprocess` defines it."""
        self._finalizer()
        for reader in self._readers:
            reader.join(timeout=1.0)
        return self._popen.wait()


def _start(standard_input: socket.socket) -> subprocess.Popen[bytes]:
    with standard_input:
        return subprocess.Popen(
            _COMMAND,
            stdin=standard_input.fileno(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            start_new_session=True,  # a Ctrl-C in the terminal reaches only the parent, which then stops the child
        )


def _kill(popen: subprocess.Popen[bytes]) -> None:
    # The group id is the child's process id, which cannot be reused before the child is waited for.
    if popen.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(popen.pid, signal.SIGKILL)


def _stop(popen: subprocess.Popen[bytes], connection: socket.socket, owner: int) -> None:
    if os.getpid() != owner:
        return  # in a fork: the child belongs to the original process
    _kill(popen)
    popen.wait()
    connection.close()


def _environment() -> dict[str, str]:
    """No secrets: only the variables that Python needs to start, and the parent's import path, so that both import the same modules."""
    kept = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
    return kept | {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "OPENBLAS_NUM_THREADS": "1",
    }


def _read_replies(
    popen: subprocess.Popen[bytes], limits: Limits, replies: queue.SimpleQueue[Reply | None], lies: threading.Event
) -> None:
    with cast("IO[bytes]", popen.stdout) as pipe:
        try:
            while line := pipe.readline(_MAX_LINE_BYTES):
                replies.put(parse(line, limits))
        except InvalidReply:
            lies.set()
            _kill(popen)
    replies.put(None)


def _read_stderr(pipe: IO[bytes], lines: deque[str]) -> None:
    with pipe:
        while line := pipe.readline(_MAX_LINE_BYTES):
            lines.append(line.decode("utf-8", "replace").rstrip())
