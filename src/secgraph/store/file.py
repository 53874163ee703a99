"""The SQLite file itself: how it is opened, marked as ours, and brought up to this version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw

from secgraph.errors import UsageError
from secgraph.model.edm import EntitySet, Model, Property
from secgraph.odata.functions import RUN, computed
from secgraph.odata.query import fold
from secgraph.odata.search import indexed
from secgraph.store.layout import (
    create_indexes,
    create_table,
    create_tally,
    create_words,
    definitions,
    encoder,
    fill_tally,
    put_words,
    quoted,
)
from secgraph.store.seen import decode
from secgraph.store.statements import migrations
from secgraph.store.steps import Add, Ask, Do, Rows, Step, insertion

BUSY_SECONDS = 30

APPLICATION = 0x53474652
"""What marks a SQLite file as ours."""


def _fold(*values: Any) -> Any:
    return fold(values[0]) if isinstance(values[0], str) else values[0]


def _call(function: str) -> Callable[..., Any]:
    return lambda *values: computed(function, values)


def connect(path: Path, *, write: bool) -> apsw.Connection:
    """A connection set up the way this program reads or writes."""
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if write else 0)
    connection = apsw.Connection(str(path), flags=flags, statementcachesize=256)
    connection.set_busy_timeout(BUSY_SECONDS * 1000)
    connection.create_scalar_function("fold", _fold, 1, deterministic=True)
    for name in RUN:
        connection.create_scalar_function(f"q_{name}", _call(name), -1, deterministic=True)
    if write:
        # 8 KiB pages keep a document of some kilobytes in its leaf, and a commit writes every page it touches to the log
        # whole: with 16 KiB one of a few alerts costs nearly twice as much. Both must come before the first table.
        connection.pragma("page_size", 8192)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
        connection.pragma("wal_autocheckpoint", 8000)
    else:
        connection.pragma("query_only", 1)
    connection.pragma("cache_size", -65536)
    connection.pragma("temp_store", "memory")
    return connection


def perform(connection: apsw.Connection, step: Step) -> Rows:
    """Carries out a step; the rows of a question."""
    match step:
        case Ask(text, values):
            return connection.execute(text, values).fetchall()
        case Do(text, rows):
            connection.executemany(text, rows)
        case Add(table, columns, rows):
            connection.executemany(insertion(table, columns), rows)
    return []


def migrate(connection: apsw.Connection, model: Model) -> None:
    """Brings the tables up to this version: the sets' tables from the model, then the numbered migrations."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = connection.pragma("user_version")
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchall()[0][0]
        if tables and connection.pragma("application_id") != APPLICATION:
            raise UsageError("The file is a database of something else. Move it away or choose another --data.")  # noqa: TRY301 -- as below
        connection.pragma("application_id", APPLICATION)
        known = migrations()
        if found > max(known):
            raise UsageError(  # noqa: TRY301 -- the transaction above is to be undone for it too
                f"The database was written by a newer version (schema {found}, this version knows {max(known)})."
                " Start the newer version."
            )
        for one in model.stored():
            _shape(connection, one)
        # The sets' tables are there by now, new or grown: a migration may fill what no document tells.
        for number, texts in known.items():
            for text in texts if number > found else ():
                connection.execute(text)
        connection.pragma("user_version", max(known))
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _shape(connection: apsw.Connection, one: EntitySet) -> None:
    """Makes a set's table, or adds the columns that it does not have yet; then its indexes."""
    connection.execute(create_table(one))
    present = {row[1] for row in connection.execute(f"PRAGMA table_info({quoted(one.table)})")}
    for name, definition in definitions(one).items():
        if name not in present:
            connection.execute(f"ALTER TABLE {quoted(one.table)} ADD COLUMN {definition}")
    missing = [item for item in one.columns() if item.name not in present]
    if missing:
        _fill(connection, one, missing)
    for index in create_indexes(one):
        connection.execute(index)
    if one.choices.search and not _there(connection, f"{one.table}_words"):
        connection.execute(create_words(one))
        _fill_words(connection, one)
    if one.choices.tally and not _there(connection, f"{one.table}_tally"):
        connection.execute(create_tally(one))
        connection.execute(fill_tally(one))


def _there(connection: apsw.Connection, name: str) -> bool:
    """Whether a table of that name is there."""
    found = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = ?", (name,)).fetchall()
    return bool(found[0][0])


def _fill_words(connection: apsw.Connection, one: EntitySet) -> None:
    """Gives rows that were there before the search was their words."""
    put, last = put_words(one), 0
    while rows := _documents(connection, one, last):
        for _, tenant, key, document in rows:
            connection.execute(put, (indexed(decode(document), one.path), tenant, key))
        last = rows[-1][0]


def _documents(connection: apsw.Connection, one: EntitySet, after: int) -> list[Any]:
    """A thousand rows in the order of their numbers: number, tenant, id, full document."""
    text = f'SELECT rowid, tenant, id, coalesce("full", doc) FROM {quoted(one.table)} WHERE rowid > ? ORDER BY rowid LIMIT 1000'
    return connection.execute(text, (after,)).fetchall()


def _fill(connection: apsw.Connection, one: EntitySet, missing: list[Property]) -> None:
    """Gives new columns their values from the stored documents, a thousand rows at a time."""
    converts = [(item.name, encoder(item)) for item in missing]
    assigned = ", ".join(f"{quoted(item.name)} = ?" for item in missing)
    table, last = quoted(one.table), 0
    while rows := _documents(connection, one, last):
        for row, _, _, document in rows:
            record = decode(document)
            values = [convert(record.get(name)) for name, convert in converts]
            connection.execute(f"UPDATE {table} SET {assigned} WHERE rowid = ?", (*values, row))
        last = rows[-1][0]
