"""What a lease says: which process of which machine works on a recording, since when, and how far it is."""

from __future__ import annotations

import json
import math
import os
import secrets
import socket
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any

from transcribe_cli.sinks import host_id, is_alive


@dataclass(frozen=True)
class Owner:
    """Who holds a lease.

    Attributes:
        host: name of the machine, for people; "" when the lease cannot be read.
        machine: 8 hex digits for the machine or container, within which `pid` means something.
        token: random, of this one taking: no two leases are ever the same.
        began: when its run began, UTC, ISO 8601.
        taken: when it took this lease.
        beat: counts the refreshes.
        seconds: of the recording's `duration` that are recognized.
        writing: whether it is about to write the outputs, and must not be disturbed.
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
        """This process, taking a lease now."""
        name = socket.gethostname()
        return cls(name, host_id(), os.getpid(), secrets.token_hex(8), began, utc_now())

    @classmethod
    def loads(cls, data: bytes) -> Owner:
        """The owner that a lease names; an empty one when it is cut or not ours. The file may come from anybody: never raises."""
        try:
            document = json.loads(data)
            found: dict[str, Any] = {field.name: _checked(field.name, document[field.name]) for field in fields(cls)}
            return cls(**found)
        except (ValueError, KeyError, TypeError, RecursionError):
            return cls()

    def dumps(self) -> bytes:
        """As it stands in the lease."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @property
    def has_ended(self) -> bool:
        """Whether it is certain that the process ended: it ran here, and is not there."""
        return self.machine == host_id() and not is_alive(self.pid)


def utc_now() -> str:
    """Now, UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@cache
def _kinds() -> dict[str, type | tuple[type, ...]]:
    kinds = {field.name: type(field.default) for field in fields(Owner)}
    return {name: (int, float) if kind is float else kind for name, kind in kinds.items()}


def _checked(name: str, value: object) -> object:
    if not isinstance(value, _kinds()[name]) or (isinstance(value, float) and not math.isfinite(value)):
        raise TypeError(name)
    return value
