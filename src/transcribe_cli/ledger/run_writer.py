"""A run's rows in the ledger, written as its events come."""

from __future__ import annotations

import json
import os
import re
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

# What an address may carry and a ledger must not: a password, a signature, a token.
_USER = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY = re.compile(r"(?<=\S)\?\S+=\S+")


@dataclass
class _Job:
    """The rows of a recording that is worked on; `told` is true once a place has told of the attempt, `paid` USD of all that were."""

    id: int
    attempts: int = 0
    attempt: int | None = None
    began: datetime | None = None
    told: bool = False
    paid: float = 0.0


class RunWriter:
    """The rows of one run."""

    def __init__(self, facts: RunFacts) -> None:
        self._facts = facts
        self._jobs: dict[str, _Job] = {}

    def write(self, connection: Connection, events: Iterable[tuple[datetime, Event]]) -> None:
        """What these events mean, each with the UTC time at which it happened."""
        for when, event in events:
            self._one(connection, when.replace(tzinfo=None), event)

    def _one(self, connection: Connection, when: datetime, event: Event) -> None:
        match event:
            case RunStarted():
                self._begin_run(connection, when, event)
            case ModelLoaded():
                device = {"device": event.device, "load_seconds": event.seconds}
                connection.execute(update(RUNS).where(RUNS.c.id == self._facts.id, RUNS.c.device.is_(None)).values(device))
            case RecordingStarted():
                self._begin_attempt(connection, when, event)
            case AttemptEnded():
                self._tell_attempt(connection, when, event)
            case AttemptFailed():
                ended = {"seconds": event.seconds, "cost": event.cost, **self._error(event.code, event.message)}
                self._end_attempt(connection, when, event.recording, ended, event.backend)
            case RecordingDone():
                self._done(connection, when, event)
            case RecordingFailed():
                spent = {"seconds": event.seconds, "cost": event.cost, **self._error(event.code, event.message)}
                self._end_job(connection, when, event.recording, spent, {"state": "failed"})
            case RunFinished():
                self._end_run(connection, when, event)
            case _:
                pass

    def _begin_run(self, connection: Connection, when: datetime, event: RunStarted) -> None:
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
        counted = {name: value for name, value in asdict(event).items() if name in RUNS.c}
        connection.execute(update(RUNS).where(RUNS.c.id == self._facts.id).values(finished_at=when, **counted))

    def _begin_attempt(self, connection: Connection, when: datetime, event: RecordingStarted) -> None:
        job = self._job(connection, when, event.recording)
        self._end_attempt(connection, when, event.recording, {})  # one that went to another place before anything was sent
        backend = event.backend or self._facts.backend
        values = {"job_id": job.id, "number": job.attempts + 1, "backend": backend, "started_at": when}
        row = _key(connection.execute(insert(ATTEMPTS).values(values)).inserted_primary_key)
        self._jobs[event.recording] = _Job(job.id, job.attempts + 1, row, when, paid=job.paid)

    def _tell_attempt(self, connection: Connection, when: datetime, event: AttemptEnded) -> None:
        """What the place says; of an error this is the code, the sentence comes with what follows from it."""
        job = self._jobs.get(event.recording)
        if job is None or job.attempt is None or job.began is None:
            return
        job.told = True
        job.paid += event.cost or 0.0
        values = {
            "finished_at": when,
            "seconds": (when - job.began).total_seconds(),
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
        if ended.get("cost") is not None:  # the recording's, of which other places had their part
            ended["cost"] = round(ended["cost"] - job.paid, 6)
        if job.told:  # what it took and cost stands there; what the run says is of all attempts
            ended = {name: values[name] for name in ("error_code", "error") if name in values}
        if ended:
            connection.execute(update(ATTEMPTS).where(ATTEMPTS.c.id == job.attempt).values(ended))
        job.attempt = None

    def _done(self, connection: Connection, when: datetime, event: RecordingDone) -> None:
        about = {
            "state": "rendered" if event.rendered else "diarized" if event.diarized else "done",
            "audio_seconds": event.duration,
            "language": event.language,
            "words": event.words,
            "speakers": event.speakers,
        }
        spent = {"seconds": event.seconds, "cost": event.cost}
        self._end_attempt(connection, when, event.recording, spent, event.backend)
        self._end_job(connection, when, event.recording, spent, about)

    def _end_job(
        self, connection: Connection, when: datetime, recording: str, spent: Mapping[str, Any], about: Mapping[str, Any]
    ) -> None:
        self._end_attempt(connection, when, recording, spent)
        job = self._job(connection, when, recording)
        connection.execute(update(JOBS).where(JOBS.c.id == job.id).values(finished_at=when, **spent, **about))
        del self._jobs[recording]

    def _job(self, connection: Connection, when: datetime, recording: str) -> _Job:
        """The rows of a recording, begun if it has none: what is rendered, or fails at once, was never started."""
        if recording not in self._jobs:
            uri = self._clean(self._facts.uris.get(recording, ""))
            about = {"run_id": self._facts.id, "recording": self._clean(recording), "uri": uri}
            begun = {**about, "state": "begun", "started_at": when}
            self._jobs[recording] = _Job(_key(connection.execute(insert(JOBS).values(begun)).inserted_primary_key))
        return self._jobs[recording]

    def _error(self, code: str, message: str) -> dict[str, str]:
        return {"error_code": code, "error": self._clean(message)}

    def _clean(self, text: str) -> str:
        """Without what nobody may read here: known secrets, and what addresses carry beside the place."""
        for secret in self._facts.secrets:
            text = text.replace(secret, "…")
        return _QUERY.sub("?…", _USER.sub("", text))


def _key(key: Sequence[Any] | None) -> int:
    """The primary key of a row that was inserted."""
    if key is None:
        raise ValueError("the database gave the row no key")
    return int(key[0])
