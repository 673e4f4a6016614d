"""The ledger as a listener: it keeps nobody waiting, and ends no run."""

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


def rows(folder: Path, table: str = "runs") -> int:
    """How many there are."""
    with sqlite3.connect(folder / "ledger.db") as connection:
        found = connection.execute(f"select count(*) from {table}").fetchone()[0]
    connection.close()
    return int(found)


def told(folder: Path, events: list[Event]) -> list[Event]:
    """What a display hears of a run whose ledger is in this folder."""
    heard: list[Event] = []
    with write_to_ledger(sqlite(folder), facts(), heard.append) as emit:
        for event in events:
            emit(event)
    return heard


def test_a_run_is_written_down_and_everything_is_passed_on(tmp_path: Path) -> None:
    """In its order, with nothing added."""
    assert told(tmp_path, eventful_run()) == eventful_run()
    assert (rows(tmp_path), rows(tmp_path, "jobs"), rows(tmp_path, "attempts")) == (1, 3, 3)


def test_what_leaves_nothing_costs_no_transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each clip of a lecture is told of; those that count are all that the ledger knows what to do with."""
    assert {type(event) for event in (*eventful_run(), *rented_run())} == set(RECORDED_EVENTS)
    begun: list[Database] = []
    writing = Database.write_transaction
    monkeypatch.setattr(Database, "writing", lambda database: begun.append(database) or writing(database))
    progress: list[Event] = [RecordingProgress("a.mp3", second, 100.0) for second in range(100)]
    told(tmp_path, [*eventful_run()[:3], *progress, *eventful_run()[3:]])
    assert len(begun) <= len(eventful_run())


def test_a_run_with_nothing_to_do_is_not_written_down(tmp_path: Path) -> None:
    """A cron job that looks every ten minutes would fill the ledger with nothing."""
    end = eventful_run()[-1]
    assert isinstance(end, RunFinished)
    told(tmp_path / "state", [RunStarted(1, 0, 0, 0, 1, 0), RecordingSkipped("a.mp3", "done"), end])
    assert not (tmp_path / "state").exists()


def test_trouble_is_one_warning_and_nothing_else(tmp_path: Path) -> None:
    """Here, a file where the folder should be."""
    (tmp_path / "state").touch()
    heard = told(tmp_path / "state", eventful_run() * 3)
    notices = [event for event in heard if isinstance(event, Notice)]
    assert [event for event in heard if not isinstance(event, Notice)] == eventful_run() * 3
    assert [notice.level for notice in notices] == ["warning"]
    assert "is not written down" in notices[0].message


def test_an_address_that_cannot_be_meant_is_one_warning() -> None:
    """It is found out when the first row is written."""
    heard: list[Event] = []
    with write_to_ledger("nonsense", facts(), heard.append) as emit:
        for event in eventful_run():
            emit(event)
    assert [event for event in heard if isinstance(event, Notice)] == [heard[-1]]


def test_a_ledger_that_is_locked_for_a_while_has_everything_in_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run is waited for, beside the work."""
    monkeypatch.setattr(database_module, "TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(ledger_writer, "TRIES", 1000)
    monkeypatch.setattr(ledger_writer, "CLOSING_SECONDS", 60.0)
    told(tmp_path, eventful_run())
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    release = threading.Timer(1.0, lambda: other.execute("rollback"))
    release.start()
    assert told(tmp_path, eventful_run()) == eventful_run()
    release.join()
    other.close()
    assert rows(tmp_path) == 2


def test_a_ledger_that_stays_locked_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one warning; the run that holds it is unharmed."""
    monkeypatch.setattr(database_module, "TIMEOUT_SECONDS", 0.05)
    told(tmp_path, eventful_run())
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("begin immediate")
    heard = told(tmp_path, eventful_run())
    other.execute("rollback")
    other.close()
    [notice] = [event for event in heard if isinstance(event, Notice)]
    assert "locked" in notice.message
    assert rows(tmp_path) == 1


def test_a_ledger_that_does_not_answer_does_not_hold_up_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Ctrl-C must end within seconds."""
    monkeypatch.setattr(ledger_writer, "CLOSING_SECONDS", 0.3)
    told(tmp_path, eventful_run())
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("begin immediate")
    heard = told(tmp_path, eventful_run())
    other.execute("rollback")
    other.close()
    [notice] = [event for event in heard if isinstance(event, Notice)]
    assert "did not answer in time" in notice.message
