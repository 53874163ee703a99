"""Model → tables, columns, indexes.

A set's table holds the document as it goes out (`doc`), its full form where that differs (`full`), the tenant's stamp of
its first commit (`born`), and the columns that `choices.py` names: instants as ticks, enum members as their numbers, texts
folded. Every key starts with the tenant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from secgraph import clock
from secgraph.model.edm import STAMP, EntitySet, EnumType, Property
from secgraph.odata.query import fold, value_kind
from secgraph.store.dialect import Dialect

Encode = Callable[[Any], Any]

FIXED = {
    "tenant": "INTEGER NOT NULL", "id": "TEXT NOT NULL", "seq": "BIGINT NOT NULL", "doc": "TEXT NOT NULL", "full": "TEXT",
    "touched": "TEXT",
    "born": "BIGINT NOT NULL DEFAULT 0",  # 0 is before every stamp
}  # fmt: skip
"""The columns that every set's table has, whatever its type."""

STAMPED = {STAMP: "BIGINT NOT NULL DEFAULT 0"}
"""And that of a set whose type has no place for the tenant's stamp."""

SOURCED = {"told": "TEXT"}
"""And that of a set which only sources fill: what a source said last, as far as the row says otherwise (`Told`)."""

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
    return f"CREATE TABLE {quoted(one.table)} ({', '.join(definitions(one).values())})"


def tally_table(one: EntitySet) -> str:
    """The name of the table that says of how many rows of a set each combination of its tally columns is."""
    return quoted(f"{one.table}_tally")


def create_tally(one: EntitySet) -> str:
    """The statement that makes it. The columns have the names they have in the set's table, so that conditions fit both."""
    columns = "".join(f", {quoted(name)} BIGINT" for name in one.choices.tally)
    return (
        f"CREATE TABLE {tally_table(one)} (tenant INTEGER NOT NULL, combination TEXT NOT NULL{columns},"
        " many BIGINT NOT NULL, PRIMARY KEY (tenant, combination))"
    )


def combination(numbers: Iterable[int | None]) -> str:
    """The key of a combination: its numbers, nulls left empty."""
    return ".".join("" if number is None else str(number) for number in numbers)


def fill_tally(one: EntitySet) -> str:
    """The statement that counts the rows which are there."""
    listed = ", ".join(map(quoted, one.choices.tally))
    key = " || '.' || ".join(f"coalesce(CAST({quoted(name)} AS TEXT), '')" for name in one.choices.tally)
    return (
        f"INSERT INTO {tally_table(one)} (tenant, combination, {listed}, many)"
        f" SELECT tenant, {key}, {listed}, count(*) FROM {quoted(one.table)} GROUP BY tenant, {listed}"
    )


def put_tally(one: EntitySet) -> str:
    """The statement that adds to a combination's number; what it is given is the tenant, the key, the columns, how many."""
    table, listed = tally_table(one), ", ".join(map(quoted, one.choices.tally))
    marks = ", ".join("?" * (len(one.choices.tally) + 3))
    return (
        f"INSERT INTO {table} (tenant, combination, {listed}, many) VALUES ({marks})"
        f" ON CONFLICT (tenant, combination) DO UPDATE SET many = {table}.many + excluded.many"
    )


def fixed(one: EntitySet) -> dict[str, str]:
    """The columns that a set's table has beside those of its members."""
    return {**FIXED, **({} if one.choices.stamp else STAMPED), **(SOURCED if one.choices.sourced else {})}


def definitions(one: EntitySet) -> dict[str, str]:
    """The definition of each column of a set's table, by its name."""
    known = {**fixed(one), **{item.name: SQL_TYPES[value_kind(item.type)] for item in one.columns()}}
    return {name: f"{quoted(name)} {kind}" for name, kind in known.items()}


def create_indexes(one: EntitySet, dialect: Dialect) -> dict[str, str]:
    """The statements that make a set's indexes, by the names of these.

    Behind the columns an index is searched by come the set's own order, the key, and every enum column: so a filter
    over enumerations is judged inside the index, and a row is fetched only when it is sent.
    """
    table, newest = one.table, one.choices.newest
    enums = [item.name for item in one.columns() if isinstance(item.type, EnumType)]
    free = set(one.choices.free)
    nullable = {item.name for item in one.columns() if item.nullable and item.name not in one.choices.filled}
    made: dict[str, str] = {}

    def index(name: str, columns: Iterable[str], *, unique: bool = False) -> None:
        held = {item: dialect.headed(quoted(item)) if item in free else quoted(item) for item in columns}
        listed = ", ".join(dialect.indexed(what, nullable=item in nullable) for item, what in held.items())
        made[f"{table}_{name}"] = (
            f"CREATE {'UNIQUE ' if unique else ''}INDEX {quoted(f'{table}_{name}')} ON {quoted(table)} ({listed})"
        )

    index("key", ("tenant", "id"), unique=True)
    index("updated", ("tenant", one.stamped), unique=True)
    index("newest", ("tenant", newest, "id", *enums))
    for columns in one.choices.indexes:
        index("_".join(columns), ("tenant", *columns, newest, "id", *enums))
    return made
