"""Upgrades a ledger to the current schema version by a list of steps. A new ledger runs all of them.

A released step is never changed; a change of the schema is a new step. A step and its version number are written in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Table, inspect, text
from sqlalchemy.schema import CreateColumn

from transcribe_cli.errors import LedgerUnavailable
from transcribe_cli.ledger.tables import ATTEMPTS, JOBS, METADATA, SCHEMA

Step = Callable[[Connection], None]


def _version_1(connection: Connection) -> None:
    """Create runs, jobs and attempts. Fails if tables of these names exist, because they belong to another program."""
    METADATA.create_all(connection, checkfirst=False)


def _version_2(connection: Connection) -> None:
    """Add the columns for what backends that charge report. A new ledger has them since the first step."""
    _add_columns(connection, ATTEMPTS, ("place", "job", "computing", "queued", "audio_seconds", "bytes_sent", "perhaps_again"))


def _version_3(connection: Connection) -> None:
    """Add the columns for the verdict on a transcript. A new ledger has them since the first step."""
    _add_columns(connection, JOBS, ("verdict", "reasons"))


def _add_columns(connection: Connection, table: Table, names: Sequence[str]) -> None:
    existing = {column["name"] for column in inspect(connection).get_columns(table.name)}
    for name in names:
        if name not in existing:
            column = CreateColumn(table.c[name]).compile(dialect=connection.dialect)
            connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {column}"))


# Step n upgrades version n to version n + 1.
STEPS: Sequence[Step] = (_version_1, _version_2, _version_3)


def upgrade(connection: Connection) -> None:
    """Upgrade the ledger to the current version, within the open transaction.

    Raises:
        LedgerUnavailable: a newer version of the tool wrote the ledger.
    """
    current = version(connection)
    check_version(current)
    for number in range(current, len(STEPS)):
        STEPS[number](connection)
        if number == 0:
            SCHEMA.create(connection)
            connection.execute(SCHEMA.insert().values(version=1))
        else:
            connection.execute(SCHEMA.update().values(version=number + 1))


def version(connection: Connection) -> int:
    """Return the schema version of the ledger; 0 if there is no ledger.

    Raises:
        LedgerUnavailable: it is no version.
    """
    if not inspect(connection).has_table(SCHEMA.name):
        return 0
    found = connection.execute(SCHEMA.select()).scalar_one()
    if not isinstance(found, int) or found < 1:
        raise LedgerUnavailable("The ledger has no valid schema version.", "Set another ledger with --ledger-url.")
    return found


def check_version(current: int) -> None:
    """Check that this tool can read and write a ledger of this version.

    Raises:
        LedgerUnavailable: a newer version of the tool wrote the ledger.
    """
    if current > len(STEPS):
        message = f"The ledger has schema version {current}; this version of the tool supports up to {len(STEPS)}."
        raise LedgerUnavailable(message, "Update the tool, or set another ledger with --ledger-url.")
