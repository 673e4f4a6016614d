"""Plain lines for logs, cron and pipes."""

from __future__ import annotations

from typing import TextIO

from transcribe_cli.events import AttemptFailed, Event, Notice, RecordingDone, RecordingFailed, RunFinished
from transcribe_cli.reporting.messages import message_for


class PlainLines:
    """Writes a line for each event that has a message; only problems when quiet."""

    def __init__(self, stream: TextIO, *, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet

    def emit(self, event: Event) -> None:
        """Write the event's line and flush."""
        if (self._quiet and not _is_problem(event)) or (line := message_for(event)) is None:
            return
        # Characters that the stream cannot encode are escaped.
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        self._stream.flush()


def _is_problem(event: Event) -> bool:
    """A failure, a retry, a warning, a text that is probably wrong, or a summary that says why the run fails."""
    match event:
        case RecordingFailed() | AttemptFailed() | Notice(level="warning") | RecordingDone(verdict="bad"):
            return True
        case RunFinished(failed_on=verdict):
            return verdict is not None
        case _:
            return False
