"""A shared ledger on a PostgreSQL server that the tests start. Skipped if the server or the driver is not installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.ledger.runs import doubtful_run, eventful_run, facts, rented_run, write
from transcribe_cli.costs.estimate import PastRun
from transcribe_cli.ledger import migrations
from transcribe_cli.ledger.database import Database
from transcribe_cli.ledger.history import backend_usage, doubtful_jobs, failed_jobs, past_attempts, past_runs, runs
from transcribe_cli.spec import JobSpec

PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)

pytestmark = pytest.mark.skipif(PROGRAMS is None, reason="no PostgreSQL server is installed")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server that listens only on a socket in its own folder. PostgreSQL refuses to run as root."""
    pytest.importorskip("psycopg")
    assert PROGRAMS is not None
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # a socket's path is limited to 107 bytes, and pytest's folders are longer
    unprivileged: dict[str, Any] = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
    if unprivileged:
        shutil.chown(folder, "nobody", "nogroup")

    def program(name: str, *arguments: str) -> None:
        command = [PROGRAMS / name, "-D", folder / "data", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **unprivileged)

    program("initdb", "-U", "team", "-A", "trust", "--no-sync")
    try:
        program("pg_ctl", "-w", "-l", str(folder / "log"), "-o", f"-k {folder} -c listen_addresses= -c fsync=off", "start")
        yield f"postgresql+psycopg://team@/postgres?host={folder}"
        program("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def test_many_processes_can_create_the_ledger_at_the_same_time(server: str) -> None:
    """No run is lost, including the first ones, which find no tables."""
    code = (
        "import sys; from tests.ledger.runs import write, whole_run; from transcribe_cli.ledger.database import Database\n"
        "database = Database(sys.argv[1])\n"
        "for _ in range(5): write(database, whole_run())\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, server]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    database = Database(server)
    with database.read_connection() as connection:
        assert connection is not None
        assert len(runs(connection)) == 20
    database.close()


def test_queries_return_the_same_as_with_sqlite(server: str) -> None:
    """Speeds, runs and failures."""
    database = Database(server)
    known = write(database, eventful_run(), facts(spec=JobSpec(model="medium")))
    write(database, rented_run(), facts(backend="runpod", spec=JobSpec(model="medium")))
    with database.read_connection() as connection:
        assert connection is not None
        assert past_runs(connection, JobSpec(model="medium")) == [PastRun(3600.0, 60.0, 10.0)]
        assert past_attempts(connection, JobSpec(model="medium"), "runpod") == [PastRun(3600.0, 60.0, 0.0)]
        [failed] = failed_jobs(connection, [run for run in runs(connection) if run.id == known.id])
        assert failed.error == "b.mp3 is not audio."
        [usage] = [usage for usage in backend_usage(connection, runs(connection)) if usage.backend == "runpod"]
        assert (usage.attempts, usage.failed, usage.computing, usage.of_unknown_cost) == (2, 1, 90.0, 0)
    assert "team" in database.name
    database.close()


def test_an_older_ledger_is_upgraded(server: str) -> None:
    """It gets the columns of verdicts, and keeps its rows."""
    database = Database(server)
    write(database, rented_run())
    with database.write_transaction() as connection:
        connection.execute(text("alter table jobs drop column verdict, drop column reasons"))
        connection.execute(text("update ledger_schema set version = 2"))
        rows = connection.execute(text("select count(*) from jobs")).scalar_one()
    known = write(database, doubtful_run())
    with database.read_connection() as connection:
        assert connection is not None
        assert migrations.version(connection) == len(migrations.STEPS)
        assert connection.execute(text("select count(*) from jobs where verdict is null")).scalar_one() == rows
        found = doubtful_jobs(connection, [run for run in runs(connection) if run.id == known.id])
        assert [job.verdict for job in found] == ["check", "bad"]
    database.close()
