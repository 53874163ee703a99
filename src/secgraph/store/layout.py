"""Model → tables, columns, indexes. Adds what a newer model needs and fills new columns from the stored documents.

A set's table holds the document as it goes out (`doc`), its full form where that differs (`full`), and the columns that
`choices.py` names: instants as ticks, enum members as their numbers, texts folded. Every key starts with the tenant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from secgraph import clock
from secgraph.model.edm import EntitySet, EnumType, Property
from secgraph.odata.query import fold, value_kind

Encode = Callable[[Any], Any]

FIXED = ("tenant", "id", "seq", "doc", "full", "touched")
SQL_TYPES = {"moment": "BIGINT", "enum": "BIGINT", "number": "BIGINT", "boolean": "INTEGER", "text": "TEXT"}


def quoted(name: str) -> str:
    """An identifier of the model as SQL."""
    return f'"{name}"'


def encoder(item: Property) -> Encode:
    """How a member's JSON value becomes its column's value. Null stays null."""
    kind = item.type
    if isinstance(kind, EnumType):
        return kind.members.get
    match value_kind(kind):
        case "moment":
            return lambda value: None if value is None else clock.ticks(value)
        case "text":
            return lambda value: None if value is None else fold(value)
    return lambda value: value


def create_table(one: EntitySet) -> str:
    """The statement that makes a set's table."""
    lines = ["tenant INTEGER NOT NULL", "id TEXT NOT NULL", "seq BIGINT NOT NULL",
             "doc TEXT NOT NULL", '"full" TEXT', "touched TEXT"]  # fmt: skip
    lines += [column(item) for item in one.columns()]
    return f"CREATE TABLE IF NOT EXISTS {quoted(one.table)} ({', '.join(lines)})"


def column(item: Property) -> str:
    """A column's definition."""
    return f"{quoted(item.name)} {SQL_TYPES[value_kind(item.type)]}"


def create_indexes(one: EntitySet) -> list[str]:
    """The statements that make a set's indexes.

    Behind the columns an index is searched by come the set's own order, the key, and every enum column: so a filter
    over enumerations is judged inside the index, and a row is fetched only when it is sent.
    """
    table, newest = one.table, one.choices.newest
    enums = [item.name for item in one.columns() if isinstance(item.type, EnumType)]

    def index(name: str, columns: Iterable[str], *, unique: bool = False) -> str:
        listed = ", ".join(quoted(item) for item in dict.fromkeys(columns))
        return (
            f"CREATE {'UNIQUE ' if unique else ''}INDEX IF NOT EXISTS {quoted(f'{table}_{name}')} ON {quoted(table)} ({listed})"
        )

    return [
        index("key", ("tenant", "id"), unique=True),
        index("updated", ("tenant", "lastUpdateDateTime"), unique=True),
        index("newest", ("tenant", newest, "id", *enums)),
        *(index("_".join(columns), ("tenant", *columns, newest, "id", *enums)) for columns in one.choices.indexes),
    ]
