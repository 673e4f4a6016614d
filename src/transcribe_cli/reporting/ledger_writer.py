"""The ledger as a listener: what happens in a run is written down beside the work, and nothing that goes wrong with that stops it.

A thread of its own writes, so that a slow disk or another run that holds the ledger keeps nobody waiting. A run in which there was
nothing to do is not written down: a cron job that looks every ten minutes would fill the ledger with nothing.
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

# What the end of a run waits for the last rows; a Ctrl-C must end within five seconds.
CLOSING_SECONDS = 2.0
# How often a ledger that another run keeps locked is tried again, each time as long as `database.TIMEOUT_SECONDS`.
TRIES = 3

_Dated = tuple[datetime, Event]


@contextmanager
def write_to_ledger(url: str, facts: RunFacts, emit: Emit) -> Iterator[Emit]:
    """What tells `emit` and writes into the ledger; at most one notice says that it cannot be written."""
    history = _History(url, facts, emit)
    history.start()
    try:
        yield history.emit
    finally:
        history.close()


class _History:
    """The queue between the run and the thread that writes."""

    def __init__(self, url: str, facts: RunFacts, emit: Emit) -> None:
        self._url = url
        self._facts = facts
        self._tell = emit
        self._events: queue.SimpleQueue[_Dated | None] = queue.SimpleQueue()
        self._trouble: LedgerUnavailable | None = None
        self._told = False
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def emit(self, event: Event) -> None:
        """Pass it on, and have it written down."""
        self._tell_trouble()
        if isinstance(event, RECORDED_EVENTS):
            self._events.put((datetime.now(UTC), event))
        self._tell(event)

    def close(self) -> None:
        """Wait for the last rows, but not for long."""
        self._events.put(None)
        self._thread.join(CLOSING_SECONDS)
        if self._thread.is_alive():
            self._trouble = LedgerUnavailable("The ledger did not answer in time.")
        self._tell_trouble()

    def _tell_trouble(self) -> None:
        if self._trouble is not None and not self._told:
            self._told = True
            self._tell(Notice(f"{self._trouble} This run is not written down, or not to its end.", "warning"))

    def _work(self) -> None:
        """The thread: never raises, because nobody would hear it."""
        try:
            self._write(self._worth_it())
        except LedgerUnavailable as error:
            self._trouble = error
        except Exception as error:
            self._trouble = LedgerUnavailable(f"Unexpected {type(error).__name__} in the ledger ({error}).")

    def _worth_it(self) -> list[_Dated]:
        """The events until one says that there is something to do; none when none does."""
        waiting: list[_Dated] = []
        while (item := self._events.get()) is not None:
            waiting.append(item)
            if isinstance(item[1], RecordingStarted | RecordingDone | RecordingFailed):
                return waiting
        return []

    def _write(self, waiting: list[_Dated]) -> None:
        if not waiting:
            return
        from transcribe_cli.ledger.database import Database  # brings SQLAlchemy, which a run with nothing to do need not wait for
        from transcribe_cli.ledger.run_writer import RunWriter

        database, entries, over = Database(self._url), RunWriter(self._facts), False
        try:
            while waiting or not over:
                over = self._gather(waiting) or over
                entries = self._written(database, entries, waiting)
                waiting = []
        finally:
            database.close()

    def _gather(self, waiting: list[_Dated]) -> bool:
        """Add what has happened meanwhile; wait for it when there is nothing. True when nothing more comes."""
        while not waiting or not self._events.empty():
            if (item := self._events.get()) is None:
                return True
            waiting.append(item)
        return False

    def _written(self, database: Database, entries: RunWriter, events: list[_Dated]) -> RunWriter:
        """The entries after these events, all of which are in the ledger."""
        from transcribe_cli.ledger.database import LedgerBusy

        tries = 0
        while True:
            tries += 1
            after = deepcopy(entries)  # what a transaction wrote that came to nothing is to be forgotten
            try:
                with database.write_transaction() as connection:
                    after.write(connection, events)
            except LedgerBusy:
                if tries == TRIES:
                    raise
            else:
                return after
