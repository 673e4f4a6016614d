"""Events of runs, and helpers that write them to a ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.verdicts import HOSTILE, doubt
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
from transcribe_cli.ledger import RunFacts
from transcribe_cli.ledger.database import Database
from transcribe_cli.ledger.run_writer import RunWriter
from transcribe_cli.spec import JobSpec

RUN_START = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
STARTED = RunStarted(recordings=3, to_transcribe=2, to_diarize=0, to_render=0, done=1, bytes=9)


def facts(**more: Any) -> RunFacts:
    """The facts about a run on this machine."""
    values: dict[str, Any] = {
        "tool": "transcribe-cli 0",
        "backend": "local",
        "sources": ["aulas"],
        "spec": JobSpec(model="small"),
    }
    return RunFacts(**{**values, "uris": {"a.mp3": "file:///aulas/a.mp3"}, **more})


def done(name: str, **more: Any) -> RecordingDone:
    """The final event of a recording of an hour that took a minute."""
    values: dict[str, Any] = {"outputs": (), "language": "pt", "duration": 3600.0, "seconds": 60.0, "words": 9, "flags": ()}
    return RecordingDone(name, **{**values, **more})


def finished(**more: Any) -> RunFinished:
    """The final event of a run: an hour of audio in 70 seconds."""
    counts = dict.fromkeys(("diarized", "rendered", "skipped", "failed", "elsewhere", "not_tried"), 0)
    values: dict[str, Any] = {"transcribed": 1, "audio_seconds": 3600.0, "seconds": 70.0, "rtfx": 51.4, "exit_code": 0}
    return RunFinished(**{**counts, **values, **more})


def whole_run(**more: Any) -> list[Event]:
    """A run with one recording."""
    loaded = ModelLoaded("small", more.pop("device", "cpu/int8"), 2, 10.0)
    return [STARTED, loaded, RecordingStarted("a.mp3", 9), done("a.mp3", cost=0.01), finished(**more)]


def eventful_run() -> list[Event]:
    """A run with every kind of event."""
    return [
        STARTED,
        RecordingStarted("a.mp3", 9),
        ModelLoaded("small", "cpu/int8", 2, 10.0),
        AttemptFailed("a.mp3", "recording_changed", "a.mp3 changed while it was read.", 3.0, None, "runpod"),
        RecordingStarted("a.mp3", 9),
        RecordingStarted("b.mp3", 9),
        RecordingFailed("b.mp3", "not_audio", "b.mp3 is not audio.", "", 2.0, 0.002),
        done("a.mp3", cost=0.06, speakers=2),
        done("c.mp3", rendered=True, seconds=0.1),
        finished(failed=1, rendered=1, skipped=1, cost=0.07, exit_code=3),
    ]


def doubtful_run() -> list[Event]:
    """A run with a transcript of each verdict; the reasons contain a password and text that no terminal should get."""
    bad = doubt(f"{HOSTILE} See https://me:topsecret@host/x?a=b", (0.0, 65.0), level="bad")
    return [
        STARTED,
        done("good.mp3", verdict="good"),
        done("check.mp3", verdict="check", reasons=(doubt("Loops.", (2.0, 3.0)),)),
        done("bad.mp3", verdict="bad", reasons=(bad, doubt("Loops."))),
        finished(transcribed=3, exit_code=3),
    ]


def attempt(name: str, **more: Any) -> AttemptEnded:
    """An attempt at an endpoint that computed half a minute for an hour of audio."""
    values: dict[str, Any] = {"place": "ep1", "job": "j1", "computing": 30.0, "queued": 4.0, "audio": 3600.0, "bytes": 7}
    rest: dict[str, Any] = {"cost": 0.009, "error": "", "perhaps_again": False}
    return AttemptEnded(name, **{"backend": "runpod", **values, **rest, **more})


def rented_run() -> list[Event]:
    """A run with one recording at an endpoint: the first result was lost, the second attempt succeeded."""
    again = AttemptFailed("a.mp3", "place_failed", "Its result was lost. Try 2 of 3.", 30.0, 0.009, "runpod")
    return [
        STARTED,
        RecordingStarted("a.mp3", 9, backend="runpod"),
        attempt("a.mp3", error="place_failed"),
        again,
        RecordingStarted("a.mp3", 9, backend="runpod"),
        attempt("a.mp3", job="j2", cost=0.018, computing=60.0, perhaps_again=True),
        done("a.mp3", cost=0.027, backend="runpod"),
        finished(cost=0.027, cost_by_backend={"runpod": 0.027}),
    ]


def write(database: Database, events: list[Event], known: RunFacts | None = None, start: datetime = RUN_START) -> RunFacts:
    """Write these events, a second apart, in one transaction."""
    known = known or facts()
    with database.write_transaction() as connection:
        dated = [(start + timedelta(seconds=second), event) for second, event in enumerate(events)]
        RunWriter(known).write(connection, dated)
    return known


def sqlite(folder: Path) -> str:
    """The URL of a ledger in this folder."""
    return f"sqlite:///{folder / 'ledger.db'}"
