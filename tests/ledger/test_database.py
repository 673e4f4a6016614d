"""Creating, sharing and upgrading a ledger: every failure is a LedgerUnavailable with one line."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from tests.ledger.runs import doubtful_run, rented_run, sqlite, whole_run, write
from transcribe_cli.errors import LedgerUnavailable
from transcribe_cli.ledger import database as module
from transcribe_cli.ledger import ledger_exists, migrations
from transcribe_cli.ledger.database import Database, LedgerBusy
from transcribe_cli.ledger.history import doubtful_jobs, runs


def count(database: Database) -> int:
    """The number of runs in the ledger."""
    with database.read_connection() as connection:
        return 0 if connection is None else len(runs(connection))


def failure(database: Database) -> LedgerUnavailable:
    """The error when events are written."""
    with pytest.raises(LedgerUnavailable) as caught:
        write(database, whole_run())
    database.close()
    assert "\n" not in str(caught.value)
    return caught.value


def test_only_the_owner_can_read_a_new_ledger(tmp_path: Path) -> None:
    """It contains names of recordings."""
    folder = tmp_path / "state"
    database = Database(sqlite(folder))
    write(database, whole_run())
    database.close()
    assert (folder.stat().st_mode & 0o777, (folder / "ledger.db").stat().st_mode & 0o777) == (0o700, 0o600)
    assert [path.name for path in folder.iterdir()] == ["ledger.db"]


def test_reading_creates_nothing(tmp_path: Path) -> None:
    """A missing ledger, or an empty file, has no runs."""
    database = Database(sqlite(tmp_path / "state"))
    assert count(database) == 0
    assert not (tmp_path / "state").exists()
    (tmp_path / "ledger.db").touch()
    assert count(Database(sqlite(tmp_path))) == 0


def test_a_missing_file_is_detected_without_sqlalchemy(tmp_path: Path) -> None:
    """Other databases may exist."""
    assert not ledger_exists(sqlite(tmp_path))
    assert not ledger_exists(f"{sqlite(tmp_path)}?timeout=3")
    (tmp_path / "ledger.db").touch()
    assert ledger_exists(sqlite(tmp_path))
    assert ledger_exists(f"{sqlite(tmp_path)}?timeout=3")
    assert ledger_exists("sqlite:///file:nowhere?mode=ro&uri=true")
    assert ledger_exists("postgresql+psycopg://team@host/db")


def test_a_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    """And not changed."""
    (tmp_path / "ledger.db").write_text("these are my notes, not a database\n" * 99)
    database = Database(sqlite(tmp_path))
    assert "not a database" in failure(database).message
    with pytest.raises(LedgerUnavailable, match="not a database"):
        count(database)
    assert (tmp_path / "ledger.db").read_text().startswith("these are my notes")


def test_a_damaged_ledger_is_reported(tmp_path: Path) -> None:
    """With overwritten pages."""
    database = Database(sqlite(tmp_path))
    for _ in range(40):
        write(database, whole_run())
    database.close()
    with (tmp_path / "ledger.db").open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(60_000))
    assert failure(Database(sqlite(tmp_path))).code == "ledger_unavailable"


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    """Because there is a file at its path."""
    (tmp_path / "state").touch()
    assert "cannot be used" in failure(Database(sqlite(tmp_path / "state"))).message


def test_a_locked_ledger_is_busy_after_a_timeout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The transaction that timed out is not in the ledger."""
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.1)
    database = Database(sqlite(tmp_path))
    write(database, whole_run())
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("begin immediate")
    error = failure(database)
    assert isinstance(error, LedgerBusy)
    assert error.retryable
    other.execute("rollback")
    other.close()
    write(database, whole_run())
    assert count(database) == 2


def test_tables_of_another_program_are_not_used(tmp_path: Path) -> None:
    """No tables are created in a database with another program's table `jobs`."""
    other = sqlite3.connect(tmp_path / "ledger.db")
    other.execute("create table jobs (id)")
    other.commit()
    assert "already exists" in failure(Database(sqlite(tmp_path))).message
    assert other.execute("select name from sqlite_master").fetchall() == [("jobs",)]
    other.close()


@pytest.mark.parametrize("url", ["", "ledger.db", "nosuch://host/db", "http://host", "sqlite://host/x", "postgresql://:port/x"])
def test_an_invalid_url_is_reported(url: str) -> None:
    """With an example of a valid one."""
    with pytest.raises(LedgerUnavailable, match="ledger"):
        write(Database(url), whole_run())


def test_a_missing_driver_is_reported_with_the_pip_command() -> None:
    """For databases other than SQLite."""
    with pytest.raises(LedgerUnavailable, match="pip install pymysql"):
        Database("mysql+pymysql://me:topsecret@host/db")


def test_an_unreachable_server_is_reported_without_the_password() -> None:
    """In the message, the hint and the name of the database."""
    pytest.importorskip("psycopg")
    database = Database("postgresql+psycopg://me:topsecret@127.0.0.1:9/db?application_name=topsecret")
    assert "topsecret" not in database.name
    assert "topsecret" not in str(failure(database))


def test_many_processes_can_write_at_the_same_time(tmp_path: Path) -> None:
    """Also if all of them try to create the ledger: no run is lost, no process times out."""
    code = (
        "import sys; from tests.ledger.runs import write, whole_run; from transcribe_cli.ledger.database import Database\n"
        "database = Database(sys.argv[1])\n"
        "for _ in range(10): write(database, whole_run())\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, sqlite(tmp_path)]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    assert count(Database(sqlite(tmp_path))) == 40


def test_a_ledger_of_a_newer_version_is_neither_read_nor_written(tmp_path: Path) -> None:
    """The error has a hint."""
    database = Database(sqlite(tmp_path))
    write(database, whole_run())
    with database.write_transaction() as connection:
        connection.execute(text("update ledger_schema set version = 99"))
    assert "version 99" in failure(database).message
    with pytest.raises(LedgerUnavailable, match="--ledger-url"):
        count(database)


def test_an_older_ledger_is_upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step runs once, whether the ledger is read or written first. Existing runs are kept."""
    database = Database(sqlite(tmp_path))
    write(database, whole_run())

    def add_a_column(connection: Connection) -> None:
        connection.execute(text("alter table runs add column room varchar"))

    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, add_a_column))
    assert count(database) == 1
    write(database, whole_run())
    with database.read_connection() as connection:
        assert connection is not None
        assert migrations.version(connection) == len(migrations.STEPS)
        assert connection.execute(text("select count(*), count(room) from runs")).one() == (2, 0)


def test_a_ledger_of_version_1_gets_the_columns_of_rented_backends(tmp_path: Path) -> None:
    """Existing rows are kept; new rows have the columns."""
    database = Database(sqlite(tmp_path))
    write(database, whole_run())
    new_columns = ("place", "job", "computing", "queued", "audio_seconds", "bytes_sent", "perhaps_again")
    with database.write_transaction() as connection:
        for name in new_columns:
            connection.execute(text(f"alter table attempts drop column {name}"))
        connection.execute(text("update ledger_schema set version = 1"))
    write(database, rented_run())
    with database.read_connection() as connection:
        assert connection is not None
        assert migrations.version(connection) == len(migrations.STEPS)
        assert connection.execute(text("select count(*), count(place), sum(computing) from attempts")).one() == (3, 2, 90.0)


def test_a_failed_step_does_not_change_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The upgrade is one transaction."""
    database = Database(sqlite(tmp_path))
    write(database, whole_run())

    def fail(connection: Connection) -> None:
        connection.execute(text("alter table runs add column room varchar"))
        connection.execute(text("nonsense"))

    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, fail))
    failure(database)
    monkeypatch.undo()
    write(database, whole_run())
    assert count(database) == 2


def test_a_ledger_of_version_2_gets_the_columns_of_verdicts(tmp_path: Path) -> None:
    """Existing rows are kept, without a verdict; new rows have one."""
    database = Database(sqlite(tmp_path))
    write(database, whole_run())
    with database.write_transaction() as connection:
        for name in ("verdict", "reasons"):
            connection.execute(text(f"alter table jobs drop column {name}"))
        connection.execute(text("update ledger_schema set version = 2"))
    with database.read_connection() as connection:
        assert connection is not None
        assert migrations.version(connection) == len(migrations.STEPS)
        assert doubtful_jobs(connection, runs(connection)) == []
    write(database, doubtful_run())
    with database.read_connection() as connection:
        assert connection is not None
        assert connection.execute(text("select count(*), count(verdict) from jobs")).one() == (4, 3)
