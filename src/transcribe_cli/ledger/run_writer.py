"""Writes the rows of a run to the ledger as the run's events arrive."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, update

from transcribe_cli.events import (
    AttemptEnded,
    AttemptFailed,
    Event,
    ModelLoaded,
    RecordingDone,
    RecordingFailed,
    RecordingStarted,
    RunFinished,
    RunStarted,
)
from transcribe_cli.ledger.facts import RunFacts
from transcribe_cli.ledger.tables import ATTEMPTS, JOBS, RUNS
from transcribe_cli.text.credentials import shown_text


@dataclass
class _Job:
    """A recording in progress.

    Attributes:
        id: of its row in `jobs`.
        attempts: number of attempts so far.
        attempt: id of the current attempt's row; None between attempts.
        started_at: start of the current attempt.
        reported: whether the backend reported the end of the current attempt.
        charged: USD for all attempts that backends reported.
    """

    id: int
    attempts: int = 0
    attempt: int | None = None
    started_at: datetime | None = None
    reported: bool = False
    charged: float = 0.0


class RunWriter:
    """Writes the rows of one run."""

    def __init__(self, facts: RunFacts) -> None:
        self._facts = facts
        self._jobs: dict[str, _Job] = {}

    def write(self, connection: Connection, events: Iterable[tuple[datetime, Event]]) -> None:
        """Write events, each with its UTC time."""
        for when, event in events:
            self._write_event(connection, when.replace(tzinfo=None), event)

    def _write_event(self, connection: Connection, when: datetime, event: Event) -> None:
        match event:
            case RunStarted():
                self._start_run(connection, when, event)
            case ModelLoaded():
                device = {"device": event.device, "load_seconds": event.seconds}
                connection.execute(update(RUNS).where(RUNS.c.id == self._facts.id, RUNS.c.device.is_(None)).values(device))
            case RecordingStarted():
                self._start_attempt(connection, when, event)
            case AttemptEnded():
                self._report_attempt(connection, when, event)
            case AttemptFailed():
                ended = {"seconds": event.seconds, "cost": event.cost, **self._error(event.code, event.message)}
                self._end_attempt(connection, when, event.recording, ended, event.backend)
            case RecordingDone():
                self._finish_recording(connection, when, event)
            case RecordingFailed():
                spent = {"seconds": event.seconds, "cost": event.cost, **self._error(event.code, event.message)}
                self._end_job(connection, when, event.recording, spent, {"state": "failed"})
            case RunFinished():
                self._end_run(connection, when, event)
            case _:
                pass

    def _start_run(self, connection: Connection, when: datetime, event: RunStarted) -> None:
        facts = self._facts
        connection.execute(
            insert(RUNS).values(
                id=facts.id,
                started_at=when,
                host=socket.gethostname(),
                pid=os.getpid(),
                tool=facts.tool,
                backend=facts.backend,
                sources=json.dumps([self._clean(source) for source in facts.sources]),
                model=facts.spec.model,
                beam_size=facts.spec.beam_size,
                sequential=facts.spec.sequential,
                diarize=facts.spec.diarize,
                recordings=event.recordings,
            )
        )

    def _end_run(self, connection: Connection, when: datetime, event: RunFinished) -> None:
        totals = {name: value for name, value in asdict(event).items() if name in RUNS.c}
        connection.execute(update(RUNS).where(RUNS.c.id == self._facts.id).values(finished_at=when, **totals))

    def _start_attempt(self, connection: Connection, when: datetime, event: RecordingStarted) -> None:
        job = self._job(connection, when, event.recording)
        self._end_attempt(connection, when, event.recording, {})  # one that moved to another backend before anything was sent
        backend = event.backend or self._facts.backend
        values = {"job_id": job.id, "number": job.attempts + 1, "backend": backend, "started_at": when}
        row = _key(connection.execute(insert(ATTEMPTS).values(values)).inserted_primary_key)
        self._jobs[event.recording] = _Job(job.id, job.attempts + 1, row, when, charged=job.charged)

    def _report_attempt(self, connection: Connection, when: datetime, event: AttemptEnded) -> None:
        """Write what the backend reports. Of an error it has only the code; a later event has the message."""
        job = self._jobs.get(event.recording)
        if job is None or job.attempt is None or job.started_at is None:
            return
        job.reported = True
        job.charged += event.cost or 0.0
        values = {
            "finished_at": when,
            "seconds": (when - job.started_at).total_seconds(),
            "cost": event.cost,
            "error_code": event.error or None,
            "backend": event.backend,
            "place": event.place or None,
            "job": event.job or None,
            "computing": event.computing,
            "queued": event.queued,
            "audio_seconds": event.audio,
            "bytes_sent": event.bytes,
            "perhaps_again": event.perhaps_again,
        }
        connection.execute(update(ATTEMPTS).where(ATTEMPTS.c.id == job.attempt).values(values))

    def _end_attempt(
        self, connection: Connection, when: datetime, recording: str, values: Mapping[str, Any], backend: str = ""
    ) -> None:
        job = self._jobs.get(recording)
        if job is None or job.attempt is None:
            return
        ended = {"finished_at": when, **values, **({"backend": backend} if backend else {})}
        if ended.get("cost") is not None:  # the recording's cost, which includes other backends'
            ended["cost"] = round(ended["cost"] - job.charged, 6)
        if job.reported:  # its time and cost are written already; the event has those of all attempts
            ended = {name: values[name] for name in ("error_code", "error") if name in values}
        if ended:
            connection.execute(update(ATTEMPTS).where(ATTEMPTS.c.id == job.attempt).values(ended))
        job.attempt = None

    def _finish_recording(self, connection: Connection, when: datetime, event: RecordingDone) -> None:
        result = {
            "state": "rendered" if event.rendered else "diarized" if event.diarized else "done",
            "audio_seconds": event.duration,
            "language": event.language,
            "words": event.words,
            "speakers": event.speakers,
            "verdict": event.verdict,
            "reasons": json.dumps(
                [
                    {**asdict(doubt), "code": self._clean(doubt.code), "detail": self._clean(doubt.detail)}
                    for doubt in event.reasons
                ]
            ),
        }
        spent = {"seconds": event.seconds, "cost": event.cost}
        self._end_attempt(connection, when, event.recording, spent, event.backend)
        self._end_job(connection, when, event.recording, spent, result)

    def _end_job(
        self, connection: Connection, when: datetime, recording: str, spent: Mapping[str, Any], result: Mapping[str, Any]
    ) -> None:
        self._end_attempt(connection, when, recording, spent)
        job = self._job(connection, when, recording)
        connection.execute(update(JOBS).where(JOBS.c.id == job.id).values(finished_at=when, **spent, **result))
        del self._jobs[recording]

    def _job(self, connection: Connection, when: datetime, recording: str) -> _Job:
        """The recording's job; its row is created if there is none. Recordings that are rendered or fail early have no start event."""
        if recording not in self._jobs:
            uri = self._clean(self._facts.uris.get(recording, ""))
            values = {
                "run_id": self._facts.id,
                "recording": self._clean(recording),
                "uri": uri,
                "state": "begun",
                "started_at": when,
            }
            self._jobs[recording] = _Job(_key(connection.execute(insert(JOBS).values(values)).inserted_primary_key))
        return self._jobs[recording]

    def _error(self, code: str, message: str) -> dict[str, str]:
        return {"error_code": code, "error": self._clean(message)}

    def _clean(self, text: str) -> str:
        """Remove known secrets, and the credentials and queries of URLs; escape what no database stores: bytes that are not UTF-8, NUL."""
        text = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
        for secret in self._facts.secrets:
            text = text.replace(secret, "…")
        return shown_text(text)


def _key(key: Sequence[Any] | None) -> int:
    """The primary key of an inserted row."""
    if key is None:
        raise ValueError("the database returned no key for the row")
    return int(key[0])
