"""Attacker: another writer of a shared ledger, or whoever made a file of SQLite that somebody reads.

They put absurd rows there: wrong types, NULLs, endless texts, costs of 1e308, dates in the year 99999, names with terminal escapes.
`report` and the estimates of `plan` leave out such rows with one line, and show the others; nothing of a row reaches a terminal unescaped.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import environment
from tests.ledger.runs import facts, rented_run, sqlite, whole_run, write
from transcribe_cli.costs.estimate import measured_speed
from transcribe_cli.errors import LedgerUnavailable
from transcribe_cli.ledger.database import Database
from transcribe_cli.ledger.history import backend_usage, doubtful_jobs, failed_jobs, past_attempts, past_runs, runs
from transcribe_cli.ledger.rows import describe
from transcribe_cli.ledger.tables import RUNS
from transcribe_cli.reporting.report import Report, html, lines
from transcribe_cli.spec import JobSpec

SMALL = JobSpec(model="small")
ESCAPES = "\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202e"
VALUES: list[Any] = [
    None,
    "",
    "abc",
    ESCAPES,
    "x" * 5_000_000,
    b"\xff\xfe\x00\x1b",
    -1,
    2**63 - 1,
    -(2**63),
    1e308,
    -1e308,
    float("inf"),
    1e-320,
    "99999-01-01 00:00:00",
    "0001-01-01 00:00:00",
    "9999-12-31 23:59:59.999999",
    "2026-11-20T00:00:00+23:59",
    "2026-11-20 00:00:00 \x1b[2J",
    "[" * 100_000,
    '["\\ud800"]',
    "NaN",
    "Infinity",
]
COLUMNS = [
    *[("runs", name) for name in RUNS.columns.keys() if name != "id"],  # noqa: SIM118 - not a dict
    *[
        ("jobs", name)
        for name in ("run_id", "recording", "uri", "state", "finished_at", "cost", "error", "error_code", "reasons", "verdict")
    ],
    *[
        ("attempts", name)
        for name in ("backend", "place", "seconds", "cost", "computing", "audio_seconds", "bytes_sent", "error_code")
    ],
]


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger with good runs, on this machine and elsewhere, and one with a failure."""
    database = Database(sqlite(tmp_path))
    write(database, whole_run())
    write(database, rented_run(), facts(backend="runpod"))
    write(database, [*whole_run()], facts(uris={"a.mp3": "file:///b.mp3"}))
    database.close()
    return tmp_path / "ledger.db"


def plant(ledger: Path, table: str, column: str, value: object) -> None:
    """Change one row of a table without any check, also not of NOT NULL."""
    with closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, ' NOT NULL', '')")
        connection.execute("UPDATE jobs SET state = 'failed', error = 'e', error_code = 'c', verdict = 'bad'")
        connection.commit()
    with closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = (SELECT max(rowid) FROM {table})", (value,))


def read(ledger: Path) -> tuple[Report, list[str]]:
    """The report, and where rows were damaged."""
    damaged: list[str] = []
    database = Database(f"sqlite:///{ledger}")
    with closing(database), database.read_connection() as connection:
        assert connection is not None
        for backend in ("runpod", "local"):
            measured_speed(past_attempts(connection, SMALL, backend))
        speed = measured_speed(past_runs(connection, SMALL))
        assert speed is None or 0 < speed.rtfx < 1e12
        found = runs(connection, None, None, damaged)
        failed, doubtful = failed_jobs(connection, found, damaged), doubtful_jobs(connection, found, damaged)
        report = Report(found, failed, backend_usage(connection, found, damaged), doubtful, describe(damaged))
    return report, damaged


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:24].encode("ascii", "backslashreplace").decode())
def test_an_absurd_value_in_any_column_is_left_out_or_shown_escaped(ledger: Path, tmp_path: Path, value: object) -> None:
    """Text, JSON and HTML; the other two runs stay."""
    original = ledger.read_bytes()
    for table, column in COLUMNS:
        ledger.write_bytes(original)
        plant(ledger, table, column, value)
        report, damaged = read(ledger)
        assert len(report.runs) >= 2
        assert len(damaged) <= 2  # a job that failed and is doubtful is read twice
        text = "\n".join(lines(report))
        page, document = html(report), json.dumps(report.record(), allow_nan=False)
        for shown in (text, page, document):
            assert len(shown) < 100_000
            assert not any(character in shown for character in "\x1b\x07\x9b\u202e")
            assert all(("left out" in shown) == bool(damaged) for _ in damaged)
        json.loads(document)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [("runs", "started_at", "99999-01-01"), ("runs", "cost", 1e308), ("runs", "host", None), ("jobs", "cost", "abc")],
)
def test_what_was_left_out_is_said_in_one_line(ledger: Path, table: str, column: str, value: object) -> None:
    plant(ledger, table, column, value)
    report, damaged = read(ledger)
    assert damaged == [f"{table}.{column}"]
    assert f"1 damaged row of the ledger left out ({table}.{column})." in list(lines(report))
    assert report.record()["damaged"] == report.damaged


@pytest.mark.parametrize("version", ["abc", None, -1, 0, b"\xff", 1e308, 2**62])
def test_an_absurd_schema_version_is_one_line(ledger: Path, version: object) -> None:
    plant(ledger, "ledger_schema", "version", version)
    with pytest.raises(LedgerUnavailable) as caught:
        read(ledger)
    assert "\n" not in str(caught.value)


def test_the_commands_show_no_escape_and_no_traceback(ledger: Path, tmp_path: Path) -> None:
    """`report` in its three forms, and `plan`, which estimates from the ledger."""
    plant(ledger, "runs", "host", ESCAPES)
    plant(ledger, "runs", "model", ESCAPES)
    plant(ledger, "jobs", "recording", ESCAPES)
    plant(ledger, "jobs", "error", ESCAPES)
    plant(ledger, "runs", "cost", float("inf"))
    (tmp_path / "a.mp3").touch()
    for command in (["report"], ["report", "--json"], ["report", "--html"], ["plan", "a.mp3", "--model", "demo"]):
        line = [sys.executable, "-m", "transcribe_cli", *command, "--state-dir", str(tmp_path)]
        ran = subprocess.run(line, cwd=tmp_path, env=environment(), capture_output=True, text=True)
        assert ran.returncode in (0, 3), ran.stderr
        assert "Traceback" not in ran.stderr
        assert "Unexpected" not in ran.stderr
        assert not any(character in ran.stdout + ran.stderr for character in "\x1b\x07\x9b\u202e")
