"""What the ledger says about past runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.runs import BEGAN, STARTED, attempt, done, eventful_run, facts, finished, rented_run, sqlite, whole_run, write
from transcribe_cli.costs.estimate import PastRun
from transcribe_cli.events import RecordingStarted
from transcribe_cli.ledger.database import Database
from transcribe_cli.ledger.history import backend_usage, failed_jobs, past_attempts, past_runs, runs
from transcribe_cli.spec import JobSpec

SMALL = JobSpec(model="small")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A new ledger."""
    made = Database(sqlite(tmp_path))
    yield made
    made.close()


def past(database: Database, spec: JobSpec = SMALL, **which: Any) -> list[PastRun]:
    """The runs that say how fast this machine is."""
    with database.read_connection() as connection:
        assert connection is not None
        return past_runs(connection, spec, **which)


def test_a_run_says_how_fast_the_machine_is_after_loading(database: Database) -> None:
    """An hour of audio in 70 s, of which 10 s were loading."""
    write(database, whole_run())
    assert past(database) == [PastRun(3600.0, 60.0, 10.0)]


def test_only_runs_of_the_same_work_say_something(database: Database) -> None:
    """Model, beams, in sequence, with speakers, on this device, on this machine, here."""
    write(database, whole_run())
    write(database, whole_run(), facts(spec=JobSpec(model="small", beam_size=1)))
    write(database, whole_run(), facts(spec=JobSpec(model="small", diarize=True)))
    write(database, whole_run(), facts(spec=JobSpec(model="medium")))
    write(database, whole_run(), facts(backend="runpod"))
    write(database, whole_run(transcribed=0, diarized=1))
    assert len(past(database)) == 1
    assert len(past(database, JobSpec(model="small", beam_size=1))) == 1
    assert len(past(database, only_speakers=True)) == 1
    assert past(database, JobSpec(model="large-v3")) == []
    assert past(database, device="cuda") == []


def test_the_device_is_that_of_the_newest_run(database: Database) -> None:
    """Unless one is named: a machine that has a GPU since yesterday is another machine."""
    for night, device in enumerate(["cpu/int8", "cpu/int8", "cuda/float16"]):
        write(database, whole_run(device=device), began=BEGAN + timedelta(days=night))
    assert len(past(database)) == 1
    assert len(past(database, device="cpu")) == 2


def test_long_runs_that_came_to_their_end_say_more(database: Database) -> None:
    """Others are only asked when there are no such."""
    write(database, whole_run(stopped_by="until", exit_code=5))
    assert len(past(database)) == 1
    write(database, whole_run(audio_seconds=10.0))
    assert [run.audio_seconds for run in past(database)] == [10.0]
    write(database, whole_run())
    assert [run.audio_seconds for run in past(database)] == [3600.0]


def test_a_place_elsewhere_is_as_fast_as_its_jobs(database: Database) -> None:
    """What it computed for those that succeeded, not how long the run waited; or as long as they took, where it does not say."""
    write(database, rented_run(), facts(backend="runpod"))
    silent = [attempt("a.mp3", backend="openai", computing=unknown) for unknown in (None, 0.0)]
    for ended in silent:
        write(database, [STARTED, RecordingStarted("a.mp3", 9, backend="openai"), ended, done("a.mp3"), finished()])
    with database.read_connection() as connection:
        assert connection is not None
        assert past_attempts(connection, SMALL, "runpod") == [PastRun(3600.0, 60.0, 0.0)]
        assert past_attempts(connection, SMALL, "openai") == [PastRun(3600.0, 1.0, 0.0)] * 2
        assert past_attempts(connection, JobSpec(model="medium"), "runpod") == []


def test_what_was_paid_is_told_by_run_and_place(database: Database) -> None:
    """Attempts, those that failed, seconds, money; this machine is not among them."""
    write(database, rented_run(), facts(backend="runpod"))
    write(database, whole_run(), began=BEGAN + timedelta(days=1))
    with database.read_connection() as connection:
        assert connection is not None
        [first, second] = runs(connection)
        [paid] = backend_usage(connection, [first, second])
        assert backend_usage(connection, [second]) == []
    assert (paid.run_id, paid.backend, paid.place, paid.attempts, paid.failed) == (first.id, "runpod", "ep1", 2, 1)
    assert (paid.computing, paid.audio_seconds, paid.of_unknown_cost) == (90.0, 7200.0, 0)
    assert paid.cost == pytest.approx(0.027)


def test_runs_can_be_asked_for_by_day_and_number(database: Database) -> None:
    """The newest last."""
    for night in range(5):
        write(database, whole_run(), began=BEGAN + timedelta(days=night))
    with database.read_connection() as connection:
        assert connection is not None
        everything = runs(connection)
        assert [run.started_at.day for run in everything] == [20, 21, 22, 23, 24]
        assert [run.started_at.day for run in runs(connection, last=2)] == [23, 24]
        assert len(runs(connection, datetime(2026, 11, 22, tzinfo=UTC))) == 3
        assert everything[0].rtfx == pytest.approx(3600 / 70)


def test_failures_are_those_of_the_runs_asked_for(database: Database) -> None:
    """With the recording and the reason."""
    write(database, eventful_run())
    write(database, whole_run(), began=BEGAN + timedelta(days=1))
    with database.read_connection() as connection:
        assert connection is not None
        [failed] = failed_jobs(connection, runs(connection))
        assert (failed.recording, failed.error_code, failed.cost) == ("b.mp3", "not_audio", 0.002)
        assert failed_jobs(connection, runs(connection, last=1)) == []
