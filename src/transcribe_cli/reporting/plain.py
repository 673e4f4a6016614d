"""Plain lines: for logs, cron and pipes, one line for each thing that people should know."""

from __future__ import annotations

from typing import TextIO

from transcribe_cli.events import AttemptFailed, Event, Notice, RecordingFailed
from transcribe_cli.reporting.messages import message_for


class PlainLines:
    """Writes a line for each event that has one; only failures and warnings when quiet."""

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet

    def emit(self, event: Event) -> None:
        """One line, flushed."""
        serious = isinstance(event, RecordingFailed | AttemptFailed) or (isinstance(event, Notice) and event.level == "warning")
        if (self._quiet and not serious) or (line := message_for(event)) is None:
            return
        # A terminal or log that is not UTF-8 gets escapes rather than an exception.
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        self._stream.flush()
