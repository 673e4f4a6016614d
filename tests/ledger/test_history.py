"""Queries of the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.runs import (
    RUN_START,
    STARTED,
    attempt,
    done,
    doubtful_run,
    eventful_run,
    facts,
    finished,
    rented_run,
    sqlite,
    whole_run,
    write,
)
from transcribe_cli.costs.estimate import PastRun
from transcribe_cli.events import RecordingStarted
from transcribe_cli.ledger.database import Database
from transcribe_cli.ledger.history import backend_usage, doubtful_jobs, failed_jobs, past_attempts, past_runs, runs
from transcribe_cli.spec import JobSpec

SMALL = JobSpec(model="small")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A new ledger."""
    new = Database(sqlite(tmp_path))
    yield new
    new.close()


def past(database: Database, spec: JobSpec = SMALL, **which: Any) -> list[PastRun]:
    """The past runs from which the speed of this machine is measured."""
    with database.read_connection() as connection:
        assert connection is not None
        return past_runs(connection, spec, **which)


def test_the_load_time_is_separate_from_the_time_of_a_run(database: Database) -> None:
    """An hour of audio in 70 s, of which 10 s were loading."""
    write(database, whole_run())
    assert past(database) == [PastRun(3600.0, 60.0, 10.0)]


def test_only_comparable_runs_are_returned(database: Database) -> None:
    """With the same model, beam size, diarization, device and backend."""
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
    """Unless a device is given. A machine that got a GPU has another speed."""
    for night, device in enumerate(["cpu/int8", "cpu/int8", "cuda/float16"]):
        write(database, whole_run(device=device), start=RUN_START + timedelta(days=night))
    assert len(past(database)) == 1
    assert len(past(database, device="cpu")) == 2


def test_complete_and_long_runs_are_preferred(database: Database) -> None:
    """Others are returned only if there are none of these."""
    write(database, whole_run(stopped_by="until", exit_code=5))
    assert len(past(database)) == 1
    write(database, whole_run(audio_seconds=10.0))
    assert [run.audio_seconds for run in past(database)] == [10.0]
    write(database, whole_run())
    assert [run.audio_seconds for run in past(database)] == [3600.0]


def test_the_speed_of_a_remote_backend_is_that_of_its_jobs(database: Database) -> None:
    """The compute time of successful attempts counts, not the run's time; without a reported compute time, the attempt's time."""
    write(database, rented_run(), facts(backend="runpod"))
    unreported = [attempt("a.mp3", backend="openai", computing=unknown) for unknown in (None, 0.0)]
    for ended in unreported:
        write(database, [STARTED, RecordingStarted("a.mp3", 9, backend="openai"), ended, done("a.mp3"), finished()])
    with database.read_connection() as connection:
        assert connection is not None
        assert past_attempts(connection, SMALL, "runpod") == [PastRun(3600.0, 60.0, 0.0)]
        assert past_attempts(connection, SMALL, "openai") == [PastRun(3600.0, 1.0, 0.0)] * 2
        assert past_attempts(connection, JobSpec(model="medium"), "runpod") == []


def test_usage_is_summed_by_run_and_endpoint(database: Database) -> None:
    """Attempts, failures, seconds and cost; without this machine."""
    write(database, rented_run(), facts(backend="runpod"))
    write(database, whole_run(), start=RUN_START + timedelta(days=1))
    with database.read_connection() as connection:
        assert connection is not None
        [first, second] = runs(connection)
        [usage] = backend_usage(connection, [first, second])
        assert backend_usage(connection, [second]) == []
    assert (usage.run_id, usage.backend, usage.place, usage.attempts, usage.failed) == (first.id, "runpod", "ep1", 2, 1)
    assert (usage.computing, usage.audio_seconds, usage.of_unknown_cost) == (90.0, 7200.0, 0)
    assert usage.cost == pytest.approx(0.027)


def test_runs_can_be_limited_by_date_and_number(database: Database) -> None:
    """The newest is last."""
    for night in range(5):
        write(database, whole_run(), start=RUN_START + timedelta(days=night))
    with database.read_connection() as connection:
        assert connection is not None
        everything = runs(connection)
        assert [run.started_at.day for run in everything] == [20, 21, 22, 23, 24]
        assert [run.started_at.day for run in runs(connection, last=2)] == [23, 24]
        assert len(runs(connection, datetime(2026, 11, 22, tzinfo=UTC))) == 3
        assert everything[0].rtfx == pytest.approx(3600 / 70)


def test_failures_are_those_of_the_given_runs(database: Database) -> None:
    """With the recording and the reason."""
    write(database, eventful_run())
    write(database, whole_run(), start=RUN_START + timedelta(days=1))
    with database.read_connection() as connection:
        assert connection is not None
        [failed] = failed_jobs(connection, runs(connection))
        assert (failed.recording, failed.error_code, failed.cost) == ("b.mp3", "not_audio", 0.002)
        assert failed_jobs(connection, runs(connection, last=1)) == []


def test_doubtful_transcripts_are_listed_with_their_reasons(database: Database) -> None:
    """Those of the selected runs, not the good ones; without the passwords that a reason might contain."""
    first, _ = write(database, doubtful_run()), write(database, doubtful_run())
    with database.read_connection() as connection:
        assert connection is not None
        check, bad = doubtful_jobs(connection, [run for run in runs(connection) if run.id == first.id])
    assert (check.recording, check.verdict, bad.recording, bad.verdict) == ("check.mp3", "check", "bad.mp3", "bad")
    assert json.loads(check.reasons or "") == [{"code": "loops", "level": "check", "detail": "Loops.", "spans": [[2.0, 3.0]]}]
    assert "topsecret" not in (bad.reasons or "")
    assert len(json.loads(bad.reasons or "")) == 2


def test_a_later_verdict_on_the_same_recording_supersedes_an_earlier_one(database: Database) -> None:
    """Whether it is good or not; a run that failed for it, or an earlier version's, does not."""
    known = {"uris": {f"{name}.mp3": f"file:///{name}.mp3" for name in ("good", "check", "bad")}}
    write(database, doubtful_run(), facts(**known))
    write(database, [STARTED, done("bad.mp3"), finished()], facts(**known), RUN_START + timedelta(days=1))
    write(database, [STARTED, done("check.mp3", verdict="good"), finished()], facts(**known), RUN_START + timedelta(days=2))
    with database.read_connection() as connection:
        assert connection is not None
        everything = runs(connection)
        assert [(job.recording, job.superseded) for job in doubtful_jobs(connection, everything)] == [
            ("check.mp3", True),
            ("bad.mp3", False),
        ]
        assert not any(job.superseded for job in doubtful_jobs(connection, everything[:1]))
