"""Reaching the database of the ledger, and every way in which that fails as one error with one line.

SQLite's own locking lets several runs write at once, also on network file systems that lock: each transaction takes the write lock
when it begins (https://www.sqlite.org/lang_transaction.html#immediate), because one that has read and then wants to write is turned
away at once instead of waiting for its turn.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError

from transcribe_cli.errors import LedgerUnavailable
from transcribe_cli.ledger import migrations
from transcribe_cli.text.printable import printable

# How long another run is waited for that writes, in seconds.
TIMEOUT_SECONDS = 5.0
_DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql"}


class LedgerBusy(LedgerUnavailable):
    """Somebody else kept it locked; it may be free again in a while."""

    code = "ledger_busy"
    retryable = True


class Database:
    """The database behind a URL; nothing is opened before it is used.

    Raises:
        LedgerUnavailable: there is no such kind of database, or no driver for it. No message has the password of the URL.
    """

    def __init__(self, url: str) -> None:
        try:
            self._url = sqlalchemy.make_url(url)
            self._engine = _engine(self._url)
        except ModuleNotFoundError as error:
            name = _DRIVERS.get(self._url.get_backend_name(), str(error.name))
            raise LedgerUnavailable(
                f"The ledger needs {error.name}, which is not installed.", f"Try: pip install {name}"
            ) from error
        except (ArgumentError, NoSuchModuleError, ValueError) as error:
            hint = "An URL of SQLAlchemy is wanted, such as postgresql+psycopg://user@host/name."
            raise LedgerUnavailable("The ledger's URL cannot be meant.", hint) from error

    @property
    def name(self) -> str:
        """What people call it: the file, or the URL without its password and options."""
        if (file := self._file) is not None:
            return printable(str(file))
        return printable(self._url.set(query={}).render_as_string(hide_password=True))

    @contextmanager
    def write_transaction(self) -> Iterator[Connection]:
        """A transaction on an up-to-date ledger, made if there is none.

        Raises:
            LedgerBusy: another run kept it locked for `TIMEOUT_SECONDS`.
            LedgerUnavailable: it cannot be made, opened or written; nothing of the transaction is in it.
        """
        with self._failures(), self._transaction() as connection:
            yield connection

    @contextmanager
    def read_connection(self) -> Iterator[Connection | None]:
        """A connection for questions; None when there is no ledger yet. Makes none, but brings an older one up to date.

        Raises:
            LedgerUnavailable: it cannot be opened, is something else, or of a newer version.
        """
        if (file := self._file) is not None and not file.exists():
            yield None
            return
        with self._failures(), self._engine.connect() as connection:
            found = migrations.version(connection)
            connection.rollback()  # or an upgrade would wait for this very connection
            migrations.check_version(found)
            if 0 < found < len(migrations.STEPS):
                with self._transaction():
                    pass
            yield connection if found else None

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        if (file := self._file) is not None:
            _make_private(file)
        with self._engine.connect() as connection:
            if self._url.get_backend_name() == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            _bring_up_to_date(connection)
            yield connection
            connection.commit()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            reason = _reason(error)
            kind = LedgerBusy if "locked" in reason else LedgerUnavailable
            raise kind(f"The ledger {self.name} cannot be used ({reason}).") from error
        except SQLAlchemyError as error:
            raise LedgerUnavailable(f"The ledger {self.name} cannot be used ({_reason(error)}).") from error
        except OSError as error:
            raise LedgerUnavailable(f"The ledger {self.name} cannot be used ({error.strerror}).") from error

    @property
    def _file(self) -> Path | None:
        """Of a SQLite database that is one."""
        name = self._url.database
        if self._url.get_backend_name() != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
            return None
        return Path(name)


def _bring_up_to_date(connection: Connection) -> None:
    """All steps that the ledger lacks; where two runs take them at once, as servers let them, one comes too late."""
    try:
        migrations.upgrade(connection)
    except DBAPIError:
        connection.rollback()
        if migrations.version(connection) < len(migrations.STEPS):
            raise


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return sqlalchemy.create_engine(url, connect_args=_patience(url), pool_pre_ping=True)
    engine = sqlalchemy.create_engine(url, connect_args={"timeout": TIMEOUT_SECONDS})

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, record: object) -> None:  # noqa: ANN401 - sqlite3's, behind SQLAlchemy's face
        connection.isolation_level = None  # the driver begins no transactions of its own; `write_transaction` does
        connection.execute("PRAGMA foreign_keys = ON")

    return engine


def _patience(url: URL) -> dict[str, Any]:
    """So that a server which does not answer is given up soon; in the words of the drivers that have some."""
    return {"connect_timeout": int(TIMEOUT_SECONDS)} if url.get_backend_name() in _DRIVERS else {}


def _make_private(file: Path) -> None:
    """An empty file that nobody else can read: names of recordings are nobody else's business."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _reason(error: SQLAlchemyError) -> str:
    """What the driver said, on one short line."""
    said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    return printable(said[:200])
