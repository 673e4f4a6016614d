"""The location of the ledger, the facts about a run before its first event, and the events that are recorded. Without SQLAlchemy."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

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
from transcribe_cli.state_folder import state_path

FILE_NAME = "ledger.db"
# The events that are written to the ledger.
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
    """What is known about a run before its first event.

    Attributes:
        backend: `local`, `runpod`, …
        sources: as the user wrote them.
        uris: URIs of the recordings, by the label that events use.
        secrets: texts that are removed from everything that is written.
    """

    tool: str
    backend: str
    sources: Sequence[str]
    spec: JobSpec
    uris: Mapping[str, str]
    secrets: frozenset[str] = frozenset()
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


def ledger_url(given: str | None, state_dir: Path | None) -> str:
    """Return the URL of the ledger: the given one, or that of the SQLite file in `state_dir`. Default: the user's state folder.

    Raises:
        ConfigError: the file is a link out of `state_dir`.
    """
    return given or f"sqlite:///{state_path(state_dir, FILE_NAME).absolute()}"


def ledger_exists(url: str) -> bool:
    """Whether there may be a ledger: False only if its SQLite file does not exist. Saves the import of SQLAlchemy."""
    file = url.removeprefix("sqlite:///").partition("?")[0]
    return not url.startswith("sqlite:///") or file.startswith("file:") or Path(file).exists()
