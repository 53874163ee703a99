"""The SQLite file itself: how it is opened, marked as ours, and brought up to this version."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import apsw

from secgraph.errors import UsageError
from secgraph.model.edm import Model
from secgraph.odata.functions import RUN, computed
from secgraph.odata.query import fold
from secgraph.store.growth import grown, version
from secgraph.store.sqlite.dialect import Sqlite
from secgraph.store.steps import Add, Ask, Do, Rows, Step, driven, insertion

BUSY_SECONDS = 30

MAPPED = 2**30
"""Bytes of the file that readers map into their memory, as far as it is that long.

A page is then read without a copy, and what is kept of the file is kept once, by the system, instead of in 64 MiB for each
reader, which every commit empties: with ten commits a second a page of fifty out of 100,000 alerts takes two thirds of it.

The price: a file that cannot be read any more, because the disk is broken or because somebody else cut it off, ends the
process with SIGBUS instead of raising an error. SQLite itself shortens the file only when no reader looks beyond its new end,
and nothing that was acknowledged is lost by such an end. The writer maps nothing, so that a full disk stays an error of a
write. A file must not be restored over one that a server has open; it never could be.
"""

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
        connection.pragma("mmap_size", MAPPED)
    connection.pragma("cache_size", -65536)
    connection.pragma("temp_store", "memory")
    return connection


@contextlib.contextmanager
def reading(path: Path) -> Iterator[apsw.Connection]:
    """A file of ours, to be read as of this instant while others write to it. UsageError when it is none, or cannot be read."""
    if not path.is_file():
        raise UsageError(f"There is no database {path}. Name the folder in which it is.")
    try:
        with contextlib.closing(connect(path, write=False)) as connection:
            if connection.pragma("application_id") != APPLICATION:
                raise UsageError(f"{path} is not a secgraph database.")
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_schema")  # the instant is that of the first reading
            yield connection
    except apsw.NotADBError:
        raise UsageError(f"{path} is not a secgraph database.") from None
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError, apsw.BusyError, apsw.CorruptError) as fault:
        raise UsageError(f"{path} cannot be read: {fault}.") from None


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


def migrate(connection: apsw.Connection, model: Model) -> list[str]:
    """Brings the tables up to this version; what was done. UsageError where the file is another program's or a newer one's."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchall()[0][0]
        if tables and connection.pragma("application_id") != APPLICATION:
            raise UsageError("The file is a database of something else. Move it away or choose another --data.")  # noqa: TRY301 -- the transaction is to be undone for it too
        connection.pragma("application_id", APPLICATION)
        steps = grown(Sqlite(), model, connection.pragma("user_version"))
        done = driven(steps, partial(perform, connection))
        connection.pragma("user_version", version())
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return done
