"""The ledger: what was run, where, how fast, for how much, and what failed. History, never state: no run decides anything by it.

A database that SQLAlchemy can reach; without further ado a SQLite file in the user's state folder. Reading order: `tables` (what is
kept), `migrations` (how an older ledger becomes a newer one), `database` (reaching it, and every way in which that fails), `entries` (a
run's rows as its events come), `history` (what is asked of it later). All of them import SQLAlchemy; nothing here does.
"""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_state_path

FILE_NAME = "ledger.db"


def ledger_url(given: str | None, state_dir: Path | None) -> str:
    """The URL of the ledger: the given one, or that of the SQLite file in the state folder; None is the user's own."""
    return given or f"sqlite:///{(state_dir or user_state_path('transcribe-cli')).absolute() / FILE_NAME}"


def is_there(url: str) -> bool:
    """Whether it is worth asking: a SQLite file that does not exist knows nothing, and SQLAlchemy takes a while to say so."""
    file = url.removeprefix("sqlite:///")
    return file == url or Path(file).exists()
