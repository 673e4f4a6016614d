"""What is asked of the ledger later: how fast a place was, which runs there were, what failed in them."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, func, select

from transcribe_cli.cost import ENOUGH_AUDIO, PastRun
from transcribe_cli.ledger.tables import JOBS, RUNS
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
    rows = [row for row in rows if row["audio_seconds"] >= ENOUGH_AUDIO] or rows
    return [_past(row) for row in rows]


def past_jobs(connection: Connection, spec: JobSpec, backend: str) -> list[PastRun]:
    """For each of the last runs elsewhere, the audio of its jobs and the seconds that were billed for them."""
    audio, seconds = func.sum(JOBS.c.audio_seconds), func.sum(JOBS.c.seconds)
    found = (
        select(audio.label("audio_seconds"), seconds.label("seconds"))
        .join(RUNS, JOBS.c.run_id == RUNS.c.id)
        .where(RUNS.c.backend == backend, RUNS.c.model == spec.model, RUNS.c.diarize == spec.diarize, JOBS.c.state == "done")
        .group_by(RUNS.c.id, RUNS.c.started_at)
        .having(seconds > 0)
        .order_by(RUNS.c.started_at.desc())
        .limit(LAST_RUNS)
    )
    return [PastRun(row.audio_seconds, row.seconds, 0.0) for row in connection.execute(found)]


def runs(connection: Connection, since: datetime | None = None, last: int | None = None) -> list[Run]:
    """The runs that began at or after `since` (UTC), at most the `last` so many, the newest last."""
    columns = [RUNS.c[name] for name in Run.__dataclass_fields__]
    asked = select(*columns).where(*_since(since)).order_by(RUNS.c.started_at.desc(), RUNS.c.id).limit(last)
    found = [Run(**row) for row in connection.execute(asked).mappings()]
    return found[::-1]


def failed_jobs(connection: Connection, among: Sequence[Run]) -> list[FailedJob]:
    """What failed in these runs, in the order of time."""
    columns = [JOBS.c[name] for name in FailedJob.__dataclass_fields__]
    ids = [run.id for run in among]
    found: list[FailedJob] = []
    for first in range(0, len(ids), 500):  # databases limit how many values a question may have
        some = select(*columns).where(JOBS.c.run_id.in_(ids[first : first + 500]), JOBS.c.state == "failed").order_by(JOBS.c.id)
        found += [FailedJob(**row) for row in connection.execute(some).mappings()]
    return found


def _since(since: datetime | None) -> list[ColumnElement[bool]]:
    if since is None:
        return []
    return [RUNS.c.started_at >= since.astimezone(UTC).replace(tzinfo=None)]


def _past(row: RowMapping) -> PastRun:
    # The model is loaded while the first recordings are decoded; more than half of a run is not that.
    load = min(row["load_seconds"] or 0.0, row["seconds"] / 2)
    return PastRun(row["audio_seconds"], row["seconds"] - load, load)
