"""Queries of the ledger: how fast a backend was, past runs, and what failed in them."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Text, and_, case, cast, func, literal_column, select

from transcribe_cli.costs.estimate import MIN_AUDIO_SECONDS, PastRun
from transcribe_cli.costs.remote_meter import CANCELLED
from transcribe_cli.ledger.rows import (
    MIN_SECONDS,
    Amount,
    Count,
    ExitCode,
    Moment,
    Seconds,
    columns_for,
    in_range,
    parse_rows,
    readable,
)
from transcribe_cli.ledger.tables import ATTEMPTS, JOBS, RUNS
from transcribe_cli.spec import JobSpec
from transcribe_cli.text.numbers import MAX_NUMBER, MAX_SECONDS

# The number of runs from which a speed is measured. Older runs say less about a machine.
LAST_RUNS = 20
# Longer lists of reasons are cut, and then not read.
MAX_REASONS_CHARACTERS = 100_000


@dataclass(frozen=True)
class Run:
    """A row of `runs`. Timestamps are UTC; `finished_at` is None while the run is in progress, or if it was killed."""

    id: str
    started_at: Moment
    finished_at: Moment | None
    host: str
    backend: str
    sources: str
    model: str
    device: str | None
    load_seconds: Seconds | None
    recordings: Count
    transcribed: Count
    diarized: Count
    rendered: Count
    failed: Count
    elsewhere: Count
    not_tried: Count
    audio_seconds: Seconds
    seconds: Seconds | None
    cost: Amount | None
    exit_code: ExitCode | None
    stopped_by: str | None

    @property
    def rtfx(self) -> float | None:
        """Seconds of audio per second, including loading; None without audio."""
        if self.seconds is None or self.seconds < MIN_SECONDS or not self.audio_seconds:
            return None
        return self.audio_seconds / self.seconds


@dataclass(frozen=True)
class FailedJob:
    """A recording that failed in a run. `finished_at` is UTC."""

    run_id: str
    recording: str
    uri: str
    finished_at: Moment | None
    cost: Amount | None
    error_code: str
    error: str


@dataclass(frozen=True)
class DoubtfulJob:
    """A recording whose text a run found doubtful. `finished_at` is UTC, `verdict` check or bad, `reasons` a JSON list of `Doubt`.

    It is `superseded` if a later one of the selected runs gave a verdict on the same recording.
    """

    run_id: str
    recording: str
    uri: str
    finished_at: Moment | None
    verdict: str
    reasons: str | None
    superseded: bool


@dataclass(frozen=True)
class BackendUsage:
    """What a run used of a backend that may charge. `cost` is the sum of the known costs, in USD."""

    run_id: str
    backend: str
    place: str | None
    attempts: Count
    failed: Count
    computing: Amount | None
    audio_seconds: Amount | None
    cost: Amount | None
    of_unknown_cost: Count


def past_runs(connection: Connection, spec: JobSpec, *, device: str = "auto", only_speakers: bool = False) -> list[PastRun]:
    """Return the last comparable runs on this machine, newest first.

    Runs that were stopped or had little audio are returned only if there are no others.

    Args:
        connection: to the ledger.
        spec: comparable runs have the same model, beam size, `sequential` and `diarize`.
        device: `cpu` or `cuda`; `auto` takes runs on the device of the newest run.
        only_speakers: return runs that only diarized, instead of runs that transcribed.
    """
    speakers = and_(RUNS.c.transcribed == 0, RUNS.c.diarized > 0) if only_speakers else RUNS.c.diarized == 0
    conditions = [
        RUNS.c.host == socket.gethostname(),
        RUNS.c.backend == "local",
        RUNS.c.model == spec.model,
        RUNS.c.beam_size == spec.beam_size,
        RUNS.c.sequential == spec.sequential,
        RUNS.c.diarize == spec.diarize,
        RUNS.c.audio_seconds.between(MIN_SECONDS, MAX_SECONDS),
        RUNS.c.seconds.between(MIN_SECONDS, MAX_SECONDS),
        speakers,
    ]
    if device != "auto":
        conditions.append(RUNS.c.device.startswith(device))
    query = select(*columns_for(RUNS, _Timing)).where(*conditions).order_by(RUNS.c.started_at.desc()).limit(LAST_RUNS)
    rows = parse_rows(_Timing, connection.execute(query).mappings(), None, RUNS)
    rows = [row for row in rows if row.device == rows[0].device]
    rows = [row for row in rows if row.stopped_by is None] or rows  # the audio of unfinished recordings is not counted
    rows = [row for row in rows if row.audio_seconds >= MIN_AUDIO_SECONDS] or rows
    return [_past_run(row) for row in rows]


def past_attempts(connection: Connection, spec: JobSpec, backend: str) -> list[PastRun]:
    """Return the audio and the compute time of the successful attempts on a backend, for each of the last runs with such attempts.

    If a backend does not report its compute time, the time from sending the audio to receiving the result counts.
    """
    audio = func.sum(in_range(ATTEMPTS.c.audio_seconds))
    seconds = func.sum(func.coalesce(func.nullif(in_range(ATTEMPTS.c.computing), 0), in_range(ATTEMPTS.c.seconds)))
    query = (
        select(audio.label("audio_seconds"), seconds.label("seconds"))
        .join(JOBS, ATTEMPTS.c.job_id == JOBS.c.id)
        .join(RUNS, JOBS.c.run_id == RUNS.c.id)
        .where(
            ATTEMPTS.c.backend == backend,
            ATTEMPTS.c.audio_seconds.between(MIN_SECONDS, MAX_SECONDS),
            ATTEMPTS.c.error_code.is_(None),
            RUNS.c.model == spec.model,
            RUNS.c.diarize == spec.diarize,
            JOBS.c.state == "done",
        )
        .group_by(RUNS.c.id, RUNS.c.started_at)
        .having(seconds >= MIN_SECONDS)
        .order_by(RUNS.c.started_at.desc())
        .limit(LAST_RUNS)
    )
    return [PastRun(row.audio_seconds, row.seconds, 0.0) for row in connection.execute(query)]


def backend_usage(connection: Connection, selected: Sequence[Run], damaged: list[str] | None = None) -> list[BackendUsage]:
    """Return what these runs used of backends that may charge, by run and endpoint, in order of time."""
    failed = func.sum(case((ATTEMPTS.c.error_code != CANCELLED, 1), else_=0))
    query = (
        select(
            readable(JOBS.c.run_id),
            readable(ATTEMPTS.c.backend),
            readable(ATTEMPTS.c.place),
            func.count().label("attempts"),
            failed.label("failed"),
            func.sum(in_range(ATTEMPTS.c.computing)).label("computing"),
            func.sum(in_range(ATTEMPTS.c.audio_seconds)).label("audio_seconds"),
            func.sum(in_range(ATTEMPTS.c.cost, -MAX_NUMBER, MAX_NUMBER)).label("cost"),
            func.sum(case((ATTEMPTS.c.cost.is_(None), 1), else_=0)).label("of_unknown_cost"),
        )
        .join(JOBS, ATTEMPTS.c.job_id == JOBS.c.id)
        .where(ATTEMPTS.c.bytes_sent.is_not(None))
        .group_by(JOBS.c.run_id, ATTEMPTS.c.backend, ATTEMPTS.c.place)
        .order_by(func.min(ATTEMPTS.c.id))
    )
    usage: list[BackendUsage] = []
    for ids in _id_batches(selected):
        found = connection.execute(query.where(JOBS.c.run_id.in_(ids))).mappings()
        usage += parse_rows(BackendUsage, found, damaged, ATTEMPTS)
    return usage


def runs(
    connection: Connection, since: datetime | None = None, last: int | None = None, damaged: list[str] | None = None
) -> list[Run]:
    """Return the runs that started at or after `since`, limited to the `last` newest ones; the newest is last.

    `damaged` receives where rows are damaged, which are left out.
    """
    query = select(*columns_for(RUNS, Run)).where(*_since(since)).order_by(RUNS.c.started_at.desc(), RUNS.c.id).limit(last)
    newest_first = parse_rows(Run, connection.execute(query).mappings(), damaged, RUNS)
    return newest_first[::-1]


def failed_jobs(connection: Connection, selected: Sequence[Run], damaged: list[str] | None = None) -> list[FailedJob]:
    """Return the failed recordings of these runs, in order of time."""
    failed: list[FailedJob] = []
    for ids in _id_batches(selected):
        query = select(*columns_for(JOBS, FailedJob)).where(JOBS.c.run_id.in_(ids), JOBS.c.state == "failed").order_by(JOBS.c.id)
        failed += parse_rows(FailedJob, connection.execute(query).mappings(), damaged, JOBS)
    return failed


def doubtful_jobs(connection: Connection, selected: Sequence[Run], damaged: list[str] | None = None) -> list[DoubtfulJob]:
    """Return the recordings of these runs whose text a person should check, in order of time."""
    columns = [column for column in columns_for(JOBS, _DoubtfulRow) if column.name != "reasons"]
    reasons = func.substr(cast(JOBS.c.reasons, Text), 1, MAX_REASONS_CHARACTERS, type_=Text).label("reasons")
    identity = func.coalesce(func.nullif(readable(JOBS.c.uri), literal_column("''")), readable(JOBS.c.recording))
    found: list[_DoubtfulRow] = []
    latest: dict[str, int] = {}
    for ids in _id_batches(selected):
        in_runs = JOBS.c.run_id.in_(ids)
        query = select(*columns, reasons).where(in_runs, JOBS.c.verdict.in_(("check", "bad")))
        found += parse_rows(_DoubtfulRow, connection.execute(query).mappings(), damaged, JOBS)
        judged = select(identity, func.max(JOBS.c.id)).where(in_runs, JOBS.c.verdict.is_not(None)).group_by(identity)
        for recording, job in connection.execute(judged):
            latest[recording] = max(job, latest.get(recording, 0))
    found.sort(key=lambda row: row.id)
    return [_doubtful_job(row, superseded=row.id < latest.get(row.uri or row.recording, row.id)) for row in found]


def _id_batches(selected: Sequence[Run]) -> Iterator[list[str]]:
    """The ids of the runs in batches, because databases limit the number of values in a query."""
    for first in range(0, len(selected), 500):
        yield [run.id for run in selected[first : first + 500]]


def _since(since: datetime | None) -> list[ColumnElement[bool]]:
    if since is None:
        return []
    return [RUNS.c.started_at >= since.astimezone(UTC).replace(tzinfo=None)]


@dataclass(frozen=True)
class _Timing:
    """What of a run tells the speed of a machine."""

    device: str | None
    stopped_by: str | None
    load_seconds: Seconds | None
    audio_seconds: Seconds
    seconds: Seconds


@dataclass(frozen=True)
class _DoubtfulRow:
    """What of a job says that its text is doubtful."""

    id: Count
    run_id: str
    recording: str
    uri: str
    finished_at: Moment | None
    verdict: str
    reasons: str | None


def _doubtful_job(row: _DoubtfulRow, *, superseded: bool) -> DoubtfulJob:
    return DoubtfulJob(row.run_id, row.recording, row.uri, row.finished_at, row.verdict, row.reasons, superseded)


def _past_run(row: _Timing) -> PastRun:
    # The model is loaded while the first recordings are decoded, so not all of the load time is lost; at most half of the run counts.
    load = min(row.load_seconds or 0.0, row.seconds / 2)
    return PastRun(row.audio_seconds, row.seconds - load, load)
