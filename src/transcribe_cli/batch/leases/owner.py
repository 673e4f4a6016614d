"""The content of a lease: which process on which machine works on a recording, since when, and its progress."""

from __future__ import annotations

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any

from transcribe_cli.batch.leases.lease_store import MAX_BYTES
from transcribe_cli.sinks import host_id, is_alive
from transcribe_cli.text.json_data import parse_json
from transcribe_cli.text.numbers import checked_count, checked_seconds

# The name of a host has 255 characters at most.
_MAX_CHARACTERS = 255


@dataclass(frozen=True)
class Owner:
    """The process that holds a lease.

    Attributes:
        host: name of the machine, for display; "" when the lease cannot be read.
        machine: 8 hex digits that identify the machine or container in which `pid` is valid.
        token: random for each acquisition, so that no two leases are ever equal.
        began: when the run began, UTC, ISO 8601.
        taken: when the lease was acquired.
        beat: number of refreshes.
        seconds: seconds of the recording that are recognized, of its `duration`.
        writing: whether the process is writing the outputs. No other process may take the lease over then.
    """

    host: str = ""
    machine: str = ""
    pid: int = 0
    token: str = ""
    began: str = ""
    taken: str = ""
    beat: int = 0
    seconds: float = 0.0
    duration: float = 0.0
    writing: bool = False

    @classmethod
    def this_process(cls, began: str) -> Owner:
        """This process, acquiring a lease now."""
        name = socket.gethostname()
        return cls(name, host_id(), os.getpid(), secrets.token_hex(8), began, utc_now())

    @classmethod
    def loads(cls, data: bytes) -> Owner:
        """The owner that a lease names; an empty one when it is truncated or not valid. Never raises: anybody may have written the file."""
        if len(data) >= MAX_BYTES:  # a longer file, of which only the beginning was read
            return cls()
        try:
            document = parse_json(data)
            values: dict[str, Any] = {field.name: _checked(field.name, document[field.name]) for field in fields(cls)}
            return cls(**values)
        except (ValueError, KeyError, TypeError):
            return cls()

    def dumps(self) -> bytes:
        """The bytes of the lease file."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @property
    def has_ended(self) -> bool:
        """Whether the process has certainly ended: it ran on this machine and no longer exists."""
        return self.machine == host_id() and not is_alive(self.pid)


def utc_now() -> str:
    """The current time, UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _checked(name: str, value: object) -> object:
    kind = _field_types()[name]
    if kind is float:
        return checked_seconds(value)
    if kind is int:
        return checked_count(value)
    if not isinstance(value, kind) or (isinstance(value, str) and len(value) > _MAX_CHARACTERS):
        raise TypeError(name)
    return value


@cache
def _field_types() -> dict[str, type]:
    return {field.name: type(field.default) for field in fields(Owner)}
