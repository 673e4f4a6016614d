"""Events as JSON lines for programs: one object a line, `event` and `time` first (docs/scripting.md lists the events)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TextIO

from transcribe_cli.events import Event


class JsonLines:
    """Writes each event to a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def emit(self, event: Event) -> None:
        """Write one line and flush. ASCII only, so that no file name can break the line or the encoding."""
        record = event.as_record()
        line = {"event": record.pop("event"), "time": datetime.now(UTC).isoformat(timespec="milliseconds"), **record}
        self._stream.write(json.dumps(line) + "\n")
        self._stream.flush()
