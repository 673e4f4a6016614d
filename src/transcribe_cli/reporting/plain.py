"""Plain lines for logs, cron and pipes."""

from __future__ import annotations

from typing import TextIO

from transcribe_cli.events import AttemptFailed, Event, Notice, RecordingFailed
from transcribe_cli.reporting.messages import message_for


class PlainLines:
    """Writes a line for each event that has a message; only failures, retries and warnings when quiet."""

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet

    def emit(self, event: Event) -> None:
        """Write the event's line and flush."""
        is_problem = isinstance(event, RecordingFailed | AttemptFailed) or (
            isinstance(event, Notice) and event.level == "warning"
        )
        if (self._quiet and not is_problem) or (line := message_for(event)) is None:
            return
        # Characters that the stream cannot encode are escaped.
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        self._stream.flush()
