"""What is asked of the ledger later: how fast a place was, which runs there were, what failed in them."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, case, func, select

from transcribe_cli.costs.estimate import MIN_AUDIO_SECONDS, PastRun
from transcribe_cli.costs.remote_meter import CANCELLED
from transcribe_cli.ledger.tables import ATTEMPTS, JOBS, RUNS
from transcribe_cli.spec import JobSpec

# What was long ago says less about a machine than its last runs.
LAST_RUNS = 20


@dataclass(frozen=True)
class Run:
    """A run as the ledger has it. Times are UTC; `finished_at` is None while it runs, or when it was killed."""

    id: str
    started_at: datetime
    finished_at: datetime | None
    host: str
    backend: str
    sources: str
    model: str
    device: str | None
    load_seconds: float | None
    recordings: int
    transcribed: int
    diarized: int
    rendered: int
    failed: int
    elsewhere: int
    not_tried: int
    audio_seconds: float
    seconds: float | None
    cost: float | None
    exit_code: int | None
    stopped_by: str | None

    @property
    def rtfx(self) -> float | None:
        """Seconds of audio for each second, loading included; None when nothing was heard."""
        return self.audio_seconds / self.seconds if self.seconds and self.audio_seconds else None


@dataclass(frozen=True)
class FailedJob:
    """A recording that failed in a run, at `finished_at` in UTC."""

    run_id: str
    recording: str
    uri: str
    finished_at: datetime | None
    cost: float | None
    error_code: str
    error: str


@dataclass(frozen=True)
class BackendUsage:
    """What a run had done at a place that may have to be paid: attempts, seconds, USD; `cost` is of those whose cost is known."""

    run_id: str
    backend: str
    place: str | None
    attempts: int
    failed: int
    computing: float | None
    audio_seconds: float | None
    cost: float | None
    of_unknown_cost: int


def past_runs(connection: Connection, spec: JobSpec, *, device: str = "auto", only_speakers: bool = False) -> list[PastRun]:
    """The last runs on this machine that did such work, the newest first.

    Those that came to their end and had enough audio, if there are any.

    Args:
        connection: to the ledger.
        spec: model, beams, whether in sequence and whether with speakers are what counts.
        device: `cpu` or `cuda`; `auto` takes the runs on the device of the newest.
        only_speakers: runs that only found out who speaks, rather than those that did not.
    """
    speakers = and_(RUNS.c.transcribed == 0, RUNS.c.diarized > 0) if only_speakers else RUNS.c.diarized == 0
    wanted = [
        RUNS.c.host == socket.gethostname(),
        RUNS.c.backend == "local",
        RUNS.c.model == spec.model,
        RUNS.c.beam_size == spec.beam_size,
        RUNS.c.sequential == spec.sequential,
        RUNS.c.diarize == spec.diarize,
        RUNS.c.audio_seconds > 0,
        RUNS.c.seconds > 0,
        speakers,
    ]
    if device != "auto":
        wanted.append(RUNS.c.device.startswith(device))
    rows = connection.execute(select(RUNS).where(*wanted).order_by(RUNS.c.started_at.desc()).limit(LAST_RUNS)).mappings().all()
    rows = [row for row in rows if row["device"] == rows[0]["device"]]
    rows = [row for row in rows if row["stopped_by"] is None] or rows  # of what was in work then, the audio is not counted
    rows = [row for row in rows if row["audio_seconds"] >= MIN_AUDIO_SECONDS] or rows
    return [_past(row) for row in rows]


def past_attempts(connection: Connection, spec: JobSpec, backend: str) -> list[PastRun]:
    """For each of the last runs elsewhere, the audio of the attempts that succeeded there and the seconds that it computed for them.

    Where a place does not tell these, the seconds from sending to having the result.
    """
    audio = func.sum(ATTEMPTS.c.audio_seconds)
    seconds = func.sum(func.coalesce(func.nullif(ATTEMPTS.c.computing, 0), ATTEMPTS.c.seconds))
    found = (
        select(audio.label("audio_seconds"), seconds.label("seconds"))
        .join(JOBS, ATTEMPTS.c.job_id == JOBS.c.id)
        .join(RUNS, JOBS.c.run_id == RUNS.c.id)
        .where(
            ATTEMPTS.c.backend == backend,
            ATTEMPTS.c.audio_seconds > 0,
            ATTEMPTS.c.error_code.is_(None),
            RUNS.c.model == spec.model,
            RUNS.c.diarize == spec.diarize,
            JOBS.c.state == "done",
        )
        .group_by(RUNS.c.id, RUNS.c.started_at)
        .having(seconds > 0)
        .order_by(RUNS.c.started_at.desc())
        .limit(LAST_RUNS)
    )
    return [PastRun(row.audio_seconds, row.seconds, 0.0) for row in connection.execute(found)]


def backend_usage(connection: Connection, among: Sequence[Run]) -> list[BackendUsage]:
    """What these runs had done at places that may have to be paid, by run and place in the order of time."""
    failed = func.sum(case((ATTEMPTS.c.error_code != CANCELLED, 1), else_=0))
    asked = (
        select(
            JOBS.c.run_id,
            ATTEMPTS.c.backend,
            ATTEMPTS.c.place,
            func.count().label("attempts"),
            failed.label("failed"),
            func.sum(ATTEMPTS.c.computing).label("computing"),
            func.sum(ATTEMPTS.c.audio_seconds).label("audio_seconds"),
            func.sum(ATTEMPTS.c.cost).label("cost"),
            func.sum(case((ATTEMPTS.c.cost.is_(None), 1), else_=0)).label("of_unknown_cost"),
        )
        .join(JOBS, ATTEMPTS.c.job_id == JOBS.c.id)
        .where(ATTEMPTS.c.bytes_sent.is_not(None))
        .group_by(JOBS.c.run_id, ATTEMPTS.c.backend, ATTEMPTS.c.place)
        .order_by(func.min(ATTEMPTS.c.id))
    )
    found: list[BackendUsage] = []
    for ids in _some(among):
        found += [BackendUsage(**row) for row in connection.execute(asked.where(JOBS.c.run_id.in_(ids))).mappings()]
    return found


def runs(connection: Connection, since: datetime | None = None, last: int | None = None) -> list[Run]:
    """The runs that began at or after `since` (UTC), at most the `last` so many, the newest last."""
    columns = [RUNS.c[name] for name in Run.__dataclass_fields__]
    asked = select(*columns).where(*_since(since)).order_by(RUNS.c.started_at.desc(), RUNS.c.id).limit(last)
    found = [Run(**row) for row in connection.execute(asked).mappings()]
    return found[::-1]


def failed_jobs(connection: Connection, among: Sequence[Run]) -> list[FailedJob]:
    """What failed in these runs, in the order of time."""
    columns = [JOBS.c[name] for name in FailedJob.__dataclass_fields__]
    found: list[FailedJob] = []
    for ids in _some(among):
        some = select(*columns).where(JOBS.c.run_id.in_(ids), JOBS.c.state == "failed").order_by(JOBS.c.id)
        found += [FailedJob(**row) for row in connection.execute(some).mappings()]
    return found


def _some(among: Sequence[Run]) -> Iterator[list[str]]:
    """The ids of runs in parts: databases limit how many values a question may have."""
    for first in range(0, len(among), 500):
        yield [run.id for run in among[first : first + 500]]


def _since(since: datetime | None) -> list[ColumnElement[bool]]:
    if since is None:
        return []
    return [RUNS.c.started_at >= since.astimezone(UTC).replace(tzinfo=None)]


def _past(row: RowMapping) -> PastRun:
    # The model is loaded while the first recordings are decoded; more than half of a run is not that.
    load = min(row["load_seconds"] or 0.0, row["seconds"] / 2)
    return PastRun(row["audio_seconds"], row["seconds"] - load, load)
