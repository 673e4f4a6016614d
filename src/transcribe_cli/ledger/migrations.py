"""How a ledger of an older version becomes one of this: a list of steps, of which a new ledger takes all.

A step is never changed once it was released; what changes is a step more. It runs in one transaction with the number that it leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, inspect, text
from sqlalchemy.schema import CreateColumn

from transcribe_cli.errors import LedgerUnavailable
from transcribe_cli.ledger.tables import ATTEMPTS, METADATA, SCHEMA

Step = Callable[[Connection], None]


def _version_1(connection: Connection) -> None:
    """Runs, jobs and attempts. Tables of somebody else that are called so make it fail rather than be used."""
    METADATA.create_all(connection, checkfirst=False)


def _version_2(connection: Connection) -> None:
    """What places that may be paid say of an attempt; a new ledger has it since the first step."""
    there = {column["name"] for column in inspect(connection).get_columns(ATTEMPTS.name)}
    for name in ("place", "job", "computing", "queued", "audio_seconds", "bytes_sent", "perhaps_again"):
        if name not in there:
            column = CreateColumn(ATTEMPTS.c[name]).compile(dialect=connection.dialect)
            connection.execute(text(f"ALTER TABLE {ATTEMPTS.name} ADD COLUMN {column}"))


# Step n makes version n + 1 of version n.
STEPS: Sequence[Step] = (_version_1, _version_2)


def upgrade(connection: Connection) -> None:
    """Bring the ledger to the newest version, within the transaction that is open.

    Raises:
        LedgerUnavailable: a newer version of the tool wrote it.
    """
    found = version(connection)
    check_version(found)
    for number in range(found, len(STEPS)):
        STEPS[number](connection)
        if number == 0:
            SCHEMA.create(connection)
            connection.execute(SCHEMA.insert().values(version=1))
        else:
            connection.execute(SCHEMA.update().values(version=number + 1))


def version(connection: Connection) -> int:
    """Which version the ledger has; 0 for none at all."""
    if not inspect(connection).has_table(SCHEMA.name):
        return 0
    return int(connection.execute(SCHEMA.select()).scalar_one())


def check_version(found: int) -> None:
    """That a ledger of this version can be read and written.

    Raises:
        LedgerUnavailable: a newer version of the tool wrote it.
    """
    if found > len(STEPS):
        message = f"The ledger has schema version {found}; this version of the tool knows {len(STEPS)}."
        raise LedgerUnavailable(message, "Update the tool, or name another ledger with --ledger-url.")
