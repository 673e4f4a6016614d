"""Requests to the child, as JSON lines over a Unix socket, with the open files that they are about.

The parent opens every file. So the child needs no right to open any, and Linux can take it away (sandbox.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator, Sequence
from typing import Any

_MAX_FILES = 2  # the recording, and the scratch file
_READ_BYTES = 1 << 16


def send(connection: socket.socket, request: dict[str, Any], files: Sequence[int] = ()) -> None:
    """Write one request; the child gets duplicates of these descriptors. If the child is gone, do nothing."""
    line = json.dumps(request | {"files": len(files)}).encode("ascii") + b"\n"
    with contextlib.suppress(OSError):  # broken pipe, reset: the caller sees the end of its replies
        sent = socket.send_fds(connection, [line], files) if files else 0
        connection.sendall(line[sent:])


def receive(connection: socket.socket) -> Iterator[tuple[dict[str, Any], list[int]]]:
    """Each request with its descriptors, until the parent closes the connection or ends. The caller closes them."""
    buffer, files = b"", list[int]()
    while True:
        try:
            data, received, _, _ = socket.recv_fds(connection, _READ_BYTES, _MAX_FILES)
        except OSError:
            return
        for descriptor in received:
            os.set_inheritable(descriptor, False)
        files += received
        if not data:
            return
        *lines, buffer = (buffer + data).split(b"\n")
        for line in lines:
            request = json.loads(line)
            count = request["files"]
            yield request, files[:count]
            files = files[count:]
