"""Writes the events of a run to the ledger. No error of the ledger stops the run.

A background thread writes, so that a slow disk or a ledger locked by another run does not delay the work. A run with nothing to do is
not recorded: a cron job that runs every ten minutes would fill the ledger with empty runs.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from transcribe_cli.errors import LedgerUnavailable
from transcribe_cli.events import Emit, Event, Notice, RecordingDone, RecordingFailed, RecordingStarted
from transcribe_cli.ledger import RECORDED_EVENTS, RunFacts

if TYPE_CHECKING:
    from transcribe_cli.ledger.database import Database
    from transcribe_cli.ledger.run_writer import RunWriter

# How long the end of a run waits for the last rows to be written; a Ctrl-C must end within five seconds.
CLOSE_TIMEOUT_SECONDS = 2.0
# Attempts to write to a ledger that another run keeps locked; each one waits `database.TIMEOUT_SECONDS`.
MAX_ATTEMPTS = 3

_TimedEvent = tuple[datetime, Event]


@contextmanager
def write_to_ledger(url: str, facts: RunFacts, emit: Emit) -> Iterator[Emit]:
    """An `Emit` that passes events on to `emit` and writes them to the ledger; ledger errors are reported in at most one notice."""
    writer = _BackgroundWriter(url, facts, emit)
    writer.start()
    try:
        yield writer.emit
    finally:
        writer.close()


class _BackgroundWriter:
    """The thread that writes to the ledger, and its queue of events."""

    def __init__(self, url: str, facts: RunFacts, emit: Emit) -> None:
        self._url = url
        self._facts = facts
        self._emit = emit
        self._events: queue.SimpleQueue[_TimedEvent | None] = queue.SimpleQueue()
        self._error: LedgerUnavailable | None = None
        self._error_reported = False
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def emit(self, event: Event) -> None:
        """Pass the event on and queue it for the ledger."""
        self._report_error()
        if isinstance(event, RECORDED_EVENTS):
            self._events.put((datetime.now(UTC), event))
        self._emit(event)

    def close(self) -> None:
        """Wait until the last rows are written, at most `CLOSE_TIMEOUT_SECONDS`."""
        self._events.put(None)
        self._thread.join(CLOSE_TIMEOUT_SECONDS)
        if self._thread.is_alive():
            self._error = LedgerUnavailable("The ledger did not answer in time.")
        self._report_error()

    def _report_error(self) -> None:
        if self._error is not None and not self._error_reported:
            self._error_reported = True
            self._emit(Notice(f"{self._error} The ledger does not record this run, or not all of it.", "warning"))

    def _run(self) -> None:
        """The thread. Stores errors instead of raising them; `emit` and `close` report them."""
        try:
            self._write_all(self._wait_for_work())
        except LedgerUnavailable as error:
            self._error = error
        except Exception as error:
            self._error = LedgerUnavailable(f"Unexpected {type(error).__name__} in the ledger ({error}).")

    def _wait_for_work(self) -> list[_TimedEvent]:
        """The events up to the first that shows the run has work to do; [] when there is none."""
        pending: list[_TimedEvent] = []
        while (item := self._events.get()) is not None:
            pending.append(item)
            if isinstance(item[1], RecordingStarted | RecordingDone | RecordingFailed):
                return pending
        return []

    def _write_all(self, pending: list[_TimedEvent]) -> None:
        if not pending:
            return
        from transcribe_cli.ledger.database import Database  # imports SQLAlchemy, which a run with nothing to do does not need
        from transcribe_cli.ledger.run_writer import RunWriter

        database, writer, closed = Database(self._url), RunWriter(self._facts), False
        try:
            while pending or not closed:
                closed = self._collect(pending) or closed
                writer = self._write(database, writer, pending)
                pending = []
        finally:
            database.close()

    def _collect(self, pending: list[_TimedEvent]) -> bool:
        """Add all queued events; wait for one if `pending` is empty. True when the queue was closed."""
        while not pending or not self._events.empty():
            if (item := self._events.get()) is None:
                return True
            pending.append(item)
        return False

    def _write(self, database: Database, writer: RunWriter, events: list[_TimedEvent]) -> RunWriter:
        """Write these events in one transaction; the writer's new state."""
        from transcribe_cli.ledger.database import LedgerBusy

        attempts = 0
        while True:
            attempts += 1
            after = deepcopy(writer)  # a failed transaction must not change the state
            try:
                with database.write_transaction() as connection:
                    after.write(connection, events)
            except LedgerBusy:
                if attempts == MAX_ATTEMPTS:
                    raise
            else:
                return after
