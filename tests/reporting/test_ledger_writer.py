"""The ledger writer: it does not delay the run, and its errors do not end it."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from tests.ledger.runs import eventful_run, facts, rented_run, sqlite
from transcribe_cli.events import Event, Notice, RecordingProgress, RecordingSkipped, RunFinished, RunStarted
from transcribe_cli.ledger import RECORDED_EVENTS
from transcribe_cli.ledger import database as database_module
from transcribe_cli.ledger.database import Database
from transcribe_cli.reporting import ledger_writer
from transcribe_cli.reporting.ledger_writer import write_to_ledger


def count_rows(folder: Path, table: str = "runs") -> int:
    """How many rows the table has."""
    with sqlite3.connect(folder / "ledger.db") as connection:
        count = connection.execute(f"select count(*) from {table}").fetchone()[0]
    connection.close()
    return int(count)


def record(folder: Path, events: list[Event]) -> list[Event]:
    """Write a run to the ledger in this folder; the events that a display receives."""
    received: list[Event] = []
    with write_to_ledger(sqlite(folder), facts(), received.append) as emit:
        for event in events:
            emit(event)
    return received


def test_a_run_is_recorded_and_every_event_is_passed_on(tmp_path: Path) -> None:
    """In order, with nothing added."""
    assert record(tmp_path, eventful_run()) == eventful_run()
    assert (count_rows(tmp_path), count_rows(tmp_path, "jobs"), count_rows(tmp_path, "attempts")) == (1, 3, 3)


def test_events_without_rows_cost_no_transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each clip of a lecture emits progress, which the ledger does not store; every event that it stores occurs in these runs."""
    assert {type(event) for event in (*eventful_run(), *rented_run())} == set(RECORDED_EVENTS)
    transactions: list[Database] = []
    write_transaction = Database.write_transaction
    monkeypatch.setattr(
        Database, "write_transaction", lambda database: transactions.append(database) or write_transaction(database)
    )
    progress: list[Event] = [RecordingProgress("a.mp3", second, 100.0) for second in range(100)]
    record(tmp_path, [*eventful_run()[:3], *progress, *eventful_run()[3:]])
    assert len(transactions) <= len(eventful_run())


def test_a_run_with_nothing_to_do_is_not_recorded(tmp_path: Path) -> None:
    """A cron job that runs every ten minutes would fill the ledger with empty runs."""
    end = eventful_run()[-1]
    assert isinstance(end, RunFinished)
    record(tmp_path / "state", [RunStarted(1, 0, 0, 0, 1, 0), RecordingSkipped("a.mp3", "done"), end])
    assert not (tmp_path / "state").exists()


def test_an_error_is_one_warning_and_nothing_else(tmp_path: Path) -> None:
    """Here, there is a file in place of the folder."""
    (tmp_path / "state").touch()
    received = record(tmp_path / "state", eventful_run() * 3)
    notices = [event for event in received if isinstance(event, Notice)]
    assert [event for event in received if not isinstance(event, Notice)] == eventful_run() * 3
    assert [notice.level for notice in notices] == ["warning"]
    assert "The ledger does not record this run" in notices[0].message


def test_an_invalid_address_is_one_warning() -> None:
    """It is detected when the first row is written."""
    received: list[Event] = []
    with write_to_ledger("nonsense", facts(), received.append) as emit:
        for event in eventful_run():
            emit(event)
    assert [event for event in received if isinstance(event, Notice)] == [received[-1]]


def test_a_ledger_that_is_locked_for_a_while_has_everything_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer waits for the other run in the background."""
    monkeypatch.setattr(database_module, "TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(ledger_writer, "MAX_ATTEMPTS", 1000)
    monkeypatch.setattr(ledger_writer, "CLOSE_TIMEOUT_SECONDS", 60.0)
    record(tmp_path, eventful_run())
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    release = threading.Timer(1.0, lambda: other.execute("rollback"))
    release.start()
    assert record(tmp_path, eventful_run()) == eventful_run()
    release.join()
    other.close()
    assert count_rows(tmp_path) == 2


def test_the_writer_gives_up_on_a_ledger_that_stays_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one warning; the run that holds the lock is not affected."""
    monkeypatch.setattr(database_module, "TIMEOUT_SECONDS", 0.05)
    record(tmp_path, eventful_run())
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("begin immediate")
    received = record(tmp_path, eventful_run())
    other.execute("rollback")
    other.close()
    [notice] = [event for event in received if isinstance(event, Notice)]
    assert "locked" in notice.message
    assert count_rows(tmp_path) == 1


def test_a_ledger_that_does_not_answer_does_not_delay_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Ctrl-C must end within seconds."""
    monkeypatch.setattr(ledger_writer, "CLOSE_TIMEOUT_SECONDS", 0.3)
    record(tmp_path, eventful_run())
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("begin immediate")
    received = record(tmp_path, eventful_run())
    other.execute("rollback")
    other.close()
    [notice] = [event for event in received if isinstance(event, Notice)]
    assert "did not answer in time" in notice.message
