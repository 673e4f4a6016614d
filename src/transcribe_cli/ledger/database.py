"""Connections to the ledger's database. Every failure is a LedgerUnavailable with a message of one line.

With SQLite's locking several runs can write at the same time, also on network file systems that support locks. Each transaction takes the
write lock when it starts (https://www.sqlite.org/lang_transaction.html#immediate): a transaction that reads first and then writes would
fail at once instead of waiting for the lock.
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

# How long to wait for a connection, or for the lock of another run that writes.
TIMEOUT_SECONDS = 5.0
_DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql"}


class LedgerBusy(LedgerUnavailable):
    """Another process holds the lock; a retry may succeed."""

    code = "ledger_busy"
    retryable = True


class Database:
    """The database at a URL. It connects on first use.

    Raises:
        LedgerUnavailable: the URL is invalid, or the database's driver is not installed. The URL's password is in no message.
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
            hint = "Use a URL of SQLAlchemy, such as postgresql+psycopg://user@host/name."
            raise LedgerUnavailable("The ledger's URL is invalid.", hint) from error

    @property
    def name(self) -> str:
        """A name for messages: the file, or the URL without its password and options."""
        if (file := self._file) is not None:
            return printable(str(file))
        return printable(self._url.set(query={}).render_as_string(hide_password=True))

    @contextmanager
    def write_transaction(self) -> Iterator[Connection]:
        """Open a transaction. Creates the ledger if it does not exist, and upgrades an older one.

        Raises:
            LedgerBusy: another run held the lock for `TIMEOUT_SECONDS`.
            LedgerUnavailable: the ledger cannot be created, opened or written; the transaction was rolled back.
        """
        with self._mapped_errors(), self._transaction() as connection:
            yield connection

    @contextmanager
    def read_connection(self) -> Iterator[Connection | None]:
        """Open a connection for queries; None if the ledger does not exist. Does not create one, but upgrades an older one.

        Raises:
            LedgerUnavailable: the ledger cannot be opened, is not a ledger, or has a newer version.
        """
        if (file := self._file) is not None and not file.exists():
            yield None
            return
        with self._mapped_errors(), self._engine.connect() as connection:
            version = migrations.version(connection)
            connection.rollback()  # otherwise an upgrade would wait for this connection
            migrations.check_version(version)
            if 0 < version < len(migrations.STEPS):
                with self._transaction():
                    pass
            yield connection if version else None

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        if (file := self._file) is not None:
            _make_private(file)
        with self._engine.connect() as connection:
            if self._url.get_backend_name() == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            _upgrade(connection)
            yield connection
            connection.commit()

    @contextmanager
    def _mapped_errors(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            reason = _reason(error)
            error_class = LedgerBusy if "locked" in reason else LedgerUnavailable
            raise error_class(f"The ledger {self.name} cannot be used ({reason}).") from error
        except SQLAlchemyError as error:
            raise LedgerUnavailable(f"The ledger {self.name} cannot be used ({_reason(error)}).") from error
        except OSError as error:
            raise LedgerUnavailable(f"The ledger {self.name} cannot be used ({error.strerror}).") from error

    @property
    def _file(self) -> Path | None:
        """The file of a SQLite database; None for other databases."""
        name = self._url.database
        if self._url.get_backend_name() != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
            return None
        return Path(name)


def _upgrade(connection: Connection) -> None:
    """Run the missing migration steps. On a server, another run may do so at the same time; then this run's error is ignored."""
    try:
        migrations.upgrade(connection)
    except DBAPIError:
        connection.rollback()
        if migrations.version(connection) < len(migrations.STEPS):
            raise


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return sqlalchemy.create_engine(url, connect_args=_timeout_arguments(url), pool_pre_ping=True)
    engine = sqlalchemy.create_engine(url, connect_args={"timeout": TIMEOUT_SECONDS})

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, record: object) -> None:  # noqa: ANN401 - a sqlite3 connection, wrapped by SQLAlchemy
        connection.isolation_level = None  # `write_transaction` starts transactions, not the driver
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")  # what a file's views and triggers may call
        connection.text_factory = lambda data: data.decode("utf-8", "replace")  # a text of a file may be any bytes

    return engine


def _timeout_arguments(url: URL) -> dict[str, Any]:
    """The connection timeout as an argument of the driver, if it has one."""
    return {"connect_timeout": int(TIMEOUT_SECONDS)} if url.get_backend_name() in _DRIVERS else {}


def _make_private(file: Path) -> None:
    """Create an empty file that only the user can read, because it will contain names of recordings."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _reason(error: SQLAlchemyError) -> str:
    """The driver's message, on one short line."""
    message = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    return printable(message[:200])
