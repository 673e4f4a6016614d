"""The rows that a run writes to the ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.runs import RUN_START, STARTED, attempt, done, eventful_run, facts, finished, rented_run, sqlite, write
from transcribe_cli.events import RecordingFailed, RecordingStarted
from transcribe_cli.ledger.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A new ledger."""
    new = Database(sqlite(tmp_path))
    yield new
    new.close()


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    """The rows of a table, read with SQLite directly."""
    connection = sqlite3.connect(folder / "ledger.db")
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(f"select * from {table} order by rowid")]
    finally:
        connection.close()


def test_a_run_has_a_row_with_its_totals(database: Database, tmp_path: Path) -> None:
    """Sources, model, device, counts, times and cost."""
    known = write(database, eventful_run())
    [run] = rows(tmp_path, "runs")
    assert run["id"] == known.id
    assert run["sources"] == '["aulas"]'
    assert (run["model"], run["beam_size"], run["backend"], run["device"]) == ("small", 5, "local", "cpu/int8")
    assert (run["recordings"], run["transcribed"], run["failed"], run["skipped"], run["exit_code"]) == (3, 1, 1, 1, 3)
    assert (run["audio_seconds"], run["seconds"], run["load_seconds"], run["cost"]) == (3600.0, 70.0, 10.0, 0.07)
    assert run["started_at"] == RUN_START.strftime("%Y-%m-%d %H:%M:%S.%f")


def test_each_recording_has_a_job_and_its_attempts(database: Database, tmp_path: Path) -> None:
    """A recording that changed has two. A recording that was only rendered has none."""
    write(database, eventful_run())
    a, b, c = rows(tmp_path, "jobs")
    assert (a["recording"], a["uri"], a["state"], a["cost"], a["speakers"]) == ("a.mp3", "file:///aulas/a.mp3", "done", 0.06, 2)
    assert (b["state"], b["error_code"], b["error"], b["cost"]) == ("failed", "not_audio", "b.mp3 is not audio.", 0.002)
    assert (c["recording"], c["state"], c["seconds"]) == ("c.mp3", "rendered", 0.1)
    names = ("job_id", "number", "backend", "error_code", "seconds")
    assert [tuple(row[name] for name in names) for row in rows(tmp_path, "attempts")] == [
        (a["id"], 1, "runpod", "recording_changed", 3.0),
        (a["id"], 2, "local", None, 60.0),
        (b["id"], 1, "local", "not_audio", 2.0),
    ]
    assert all(row["finished_at"] for row in rows(tmp_path, "attempts"))


def test_a_remote_attempt_has_what_the_backend_reports(database: Database, tmp_path: Path) -> None:
    """Each has its own time and cost, which the recording's total does not replace, and its error message."""
    write(database, rented_run(), facts(backend="openai"))
    first, second = rows(tmp_path, "attempts")
    names = ("number", "backend", "place", "job", "computing", "queued", "audio_seconds", "bytes_sent", "cost", "error_code")
    assert tuple(first[name] for name in names) == (1, "runpod", "ep1", "j1", 30.0, 4.0, 3600.0, 7, 0.009, "place_failed")
    assert tuple(second[name] for name in names) == (2, "runpod", "ep1", "j2", 60.0, 4.0, 3600.0, 7, 0.018, None)
    assert (first["error"], second["error"]) == ("Its result was lost. Try 2 of 3.", None)
    assert (first["perhaps_again"], second["perhaps_again"], second["seconds"]) == (0, 1, 1.0)
    [job] = rows(tmp_path, "jobs")
    assert (job["state"], job["cost"], job["seconds"]) == ("done", 0.027, 60.0)


def test_a_local_attempt_after_a_remote_one_has_its_own_cost(database: Database, tmp_path: Path) -> None:
    """The recording's cost is the sum."""
    remote = [RecordingStarted("a.mp3", 9, backend="runpod"), attempt("a.mp3", error="place_failed", cost=0.009)]
    local = [RecordingStarted("a.mp3", 9, backend="local"), done("a.mp3", cost=0.029, backend="local")]
    write(database, [STARTED, *remote, *local, finished()], facts(backend="runpod"))
    assert [(row["backend"], row["cost"]) for row in rows(tmp_path, "attempts")] == [("runpod", 0.009), ("local", 0.02)]
    assert [row["cost"] for row in rows(tmp_path, "jobs")] == [0.029]


def test_an_attempt_cancelled_at_the_end_of_the_run_has_its_cost(database: Database, tmp_path: Path) -> None:
    """The state of its job is still begun."""
    started = RecordingStarted("a.mp3", 9, backend="runpod")
    write(database, [STARTED, started, attempt("a.mp3", error="cancelled"), finished(exit_code=5, stopped_by="max_cost")])
    [row], [job] = rows(tmp_path, "attempts"), rows(tmp_path, "jobs")
    assert (row["error_code"], row["cost"], job["state"]) == ("cancelled", 0.009, "begun")


def test_a_killed_run_has_no_end(database: Database, tmp_path: Path) -> None:
    """Nor have its unfinished jobs and attempts."""
    write(database, [STARTED, RecordingStarted("a.mp3", 9)])
    [run], [job], [attempt] = (rows(tmp_path, table) for table in ("runs", "jobs", "attempts"))
    assert run["finished_at"] is job["finished_at"] is attempt["finished_at"] is None
    assert job["state"] == "begun"


def test_rows_are_written_while_the_run_is_in_progress(database: Database, tmp_path: Path) -> None:
    """In several transactions."""
    from transcribe_cli.ledger.run_writer import RunWriter

    writer = RunWriter(facts())
    for number, event in enumerate(eventful_run()):
        with database.write_transaction() as connection:
            writer.write(connection, [(RUN_START + timedelta(seconds=number), event)])
    assert [len(rows(tmp_path, table)) for table in ("runs", "jobs", "attempts")] == [1, 3, 3]


def test_secrets_are_not_written(database: Database, tmp_path: Path) -> None:
    """Neither known secrets nor those in URLs, in any text."""
    known = facts(
        sources=["s3://key:topsecret@bucket/aulas", "https://host/a.mp3?X-Amz-Signature=topsecret&x=1"],
        uris={"a.mp3": "https://host/a.mp3?sig=topsecret"},
        secrets=frozenset({"hf_topsecret"}),
    )
    message = "GET https://me:topsecret@host/a.mp3?token=topsecret (with hf_topsecret) failed: what now? a=b"
    failed = RecordingFailed("a.mp3", "unreadable", message, "")
    write(database, [STARTED, RecordingStarted("a.mp3", 9), failed, RecordingStarted("b.mp3?sig=topsecret", 9)], known)
    assert b"topsecret" not in (tmp_path / "ledger.db").read_bytes()
    job, other = rows(tmp_path, "jobs")
    assert other["recording"] == "b.mp3?…"
    assert job["uri"] == "https://host/a.mp3?…"
    assert job["error"] == "GET https://host/a.mp3?… (with …) failed: what now? a=b"


def test_a_name_with_sql_is_stored_unchanged(database: Database, tmp_path: Path) -> None:
    """It is bound as a parameter, not inserted into the SQL text."""
    name = "a'); drop table runs; --\n\x1b[31m.mp3"
    write(database, [STARTED, RecordingStarted(name, 9)])
    assert rows(tmp_path, "jobs")[0]["recording"] == name


def test_a_name_that_is_not_utf8_is_escaped(database: Database, tmp_path: Path) -> None:
    """No database stores it as it is, and one such name must not end the ledger of the run."""
    failed = RecordingFailed("a.mp3", "not_audio", "bad\udcff\0.mp3 is not audio.", "", 1.0)
    write(database, [STARTED, RecordingStarted("a.mp3", 1), failed, finished()])
    (job,) = rows(tmp_path, "jobs")
    assert job["error"] == r"bad\udcff\x00.mp3 is not audio."
