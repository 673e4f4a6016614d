"""Reads rows that anybody may have written: a ledger is shared, and a file of SQLite takes any value in any column.

Values are selected so that no driver fails on them: texts cut to a length, times as texts. Then each row is validated; one that is damaged
is left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from sqlalchemy import Column, ColumnElement, DateTime, RowMapping, String, Table, Text, case, cast, func, literal

from transcribe_cli.text.numbers import MAX_NUMBER, MAX_SECONDS

Row = TypeVar("Row")
# Longer texts are cut: no name or message of ours is longer.
MAX_CHARACTERS = 2000
# The least time and audio of which a speed makes sense, in seconds.
MIN_SECONDS = 0.001


def _plausible_time(moment: datetime) -> datetime:
    utc = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    if not 2000 <= utc.year < 2200:
        raise ValueError("not a time of a run")
    return utc


Moment = Annotated[datetime, AfterValidator(_plausible_time)]
Count = Annotated[int, Field(ge=0, le=int(MAX_NUMBER))]
ExitCode = Annotated[int, Field(ge=-1000, le=1000)]
Seconds = Annotated[float, Field(ge=0, le=MAX_SECONDS)]
# In USD.
Amount = Annotated[float, Field(ge=-MAX_NUMBER, le=MAX_NUMBER)]


def columns_for(table: Table, row: type[Any]) -> list[ColumnElement[Any]]:
    """The columns for the fields of a dataclass, as values that no driver fails on."""
    return [readable(table.c[field.name]) for field in fields(row)]


def parse_rows(row: type[Row], found: Iterable[RowMapping], damaged: list[str] | None, table: Table) -> list[Row]:
    """Validate rows. A damaged one is left out; `damaged` receives the name of its table and column."""
    adapter, parsed = TypeAdapter(row), []
    for values in found:
        try:
            parsed.append(adapter.validate_python(dict(values)))
        except ValidationError as error:
            if damaged is not None:
                damaged.append(f"{table.name}.{'.'.join(map(str, error.errors()[0]['loc']))}")
    return parsed


def in_range(value: ColumnElement[Any], least: float = 0.0, most: float = MAX_SECONDS) -> ColumnElement[Any]:
    """The value if it is a number in the range, otherwise null. In SQLite texts are larger than all numbers; so is NaN in PostgreSQL."""
    return case((value.between(literal(least), literal(most)), value), else_=None)


def describe(damaged: Sequence[str]) -> str:
    """One line about the rows that were left out; "" without any."""
    if not damaged:
        return ""
    where = ", ".join(sorted(set(damaged)))
    return f"{len(damaged)} damaged row{'s' if len(damaged) > 1 else ''} of the ledger left out ({where})."


def readable(column: Column[Any]) -> ColumnElement[Any]:
    """A column under its own name, as a value that no driver fails on: no text is long, no time out of the range of Python's."""
    if isinstance(column.type, String | DateTime):
        return func.substr(cast(column, Text), 1, MAX_CHARACTERS, type_=Text).label(column.name)
    return column
