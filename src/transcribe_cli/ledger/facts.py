"""Where the ledger is, what is known of a run before its first event, which events count; nothing here imports SQLAlchemy."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_state_path

from transcribe_cli.events import (
    AttemptEnded,
    AttemptFailed,
    ModelLoaded,
    RecordingDone,
    RecordingFailed,
    RecordingStarted,
    RunFinished,
    RunStarted,
)
from transcribe_cli.spec import JobSpec

FILE_NAME = "ledger.db"
# The events that leave something in the ledger.
RECORDED_EVENTS = (
    RunStarted,
    ModelLoaded,
    RecordingStarted,
    AttemptEnded,
    AttemptFailed,
    RecordingDone,
    RecordingFailed,
    RunFinished,
)


@dataclass(frozen=True)
class RunFacts:
    """What is known of a run before its first event.

    Attributes:
        backend: where its jobs run: `local`, `runpod`, …
        sources: as they were named.
        uris: of its recordings, by the label that events call them.
        secrets: texts that must not be written down, whatever message has them.
    """

    tool: str
    backend: str
    sources: Sequence[str]
    spec: JobSpec
    uris: Mapping[str, str]
    secrets: frozenset[str] = frozenset()
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


def ledger_url(given: str | None, state_dir: Path | None) -> str:
    """The URL of the ledger: the given one, or that of the SQLite file in the state folder; None is the user's own."""
    return given or f"sqlite:///{(state_dir or user_state_path('transcribe-cli')).absolute() / FILE_NAME}"


def ledger_exists(url: str) -> bool:
    """Whether it is worth asking: a SQLite file that does not exist knows nothing, and SQLAlchemy takes a while to say so."""
    file = url.removeprefix("sqlite:///").partition("?")[0]
    return not url.startswith("sqlite:///") or file.startswith("file:") or Path(file).exists()
