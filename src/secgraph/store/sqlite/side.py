"""SQLite files as the two sides of a copy."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import apsw

from secgraph.errors import UsageError
from secgraph.model.edm import Model
from secgraph.store.copying.tables import Table, tables
from secgraph.store.dialect import Dialect
from secgraph.store.layout import quoted
from secgraph.store.sqlite.dialect import Sqlite
from secgraph.store.sqlite.file import connect, migrate, perform, reading
from secgraph.store.statements import migrations
from secgraph.store.steps import Ask, Steps, driven

Result = TypeVar("Result")


class FileSide:
    """A SQLite file that is copied from, or into. Made by `copied_from` and `copied_into`."""

    database = ""

    def __init__(self, path: Path, connection: apsw.Connection) -> None:
        self.dialect: Dialect = Sqlite()
        self.name = str(path)
        self._connection = connection

    def searchable(self, table: str, tenant: int) -> Ask:
        """How many rows of a set's table are in the index of words, of a tenant."""
        words = quoted(f"{table}_words")
        return Ask(f"SELECT count(*) FROM {words} WHERE {words} MATCH ?", (f'tenant:"{tenant}"',))

    async def read(self, steps: Steps[Result]) -> Result:
        """What steps give that only ask."""
        return driven(steps, partial(perform, self._connection))

    async def write(self, steps: Steps[Result]) -> Result:
        """What steps give, after they were carried out and committed together."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            result = driven(steps, partial(perform, self._connection))
            self._connection.execute("COMMIT")
        except (apsw.FullError, apsw.IOError) as fault:
            raise UsageError(f"{self.name} does not take the copy: {fault}. With room again, run the command once more: it goes"
                             " on where it stopped.") from None  # fmt: skip
        except (apsw.ConstraintError, apsw.BusyError) as fault:
            raise UsageError(f"Something else writes to {self.name} ({fault}). Stop it, and begin anew: --discard.") from None
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        return result


@contextlib.contextmanager
def copied_from(path: Path) -> Iterator[FileSide]:
    """A file as it is at this instant. UsageError when it cannot be read, or is not of this version."""
    with reading(path) as connection:
        found = connection.pragma("user_version")
        if found != max(migrations()) or any(not _has(connection, table) for table in tables().values()):
            raise UsageError(f"{path} is of another version (schema {found}, this has {max(migrations())}). Start its server"
                             " once with this version, which brings it up to date.")  # fmt: skip
        yield FileSide(path, connection)


def _has(connection: apsw.Connection, table: Table) -> bool:
    """Whether a table is there with all its columns: a newer model may have one more."""
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table.quoted})")}.issuperset(table.columns)


@contextlib.contextmanager
def copied_into(path: Path, model: Model) -> Iterator[FileSide]:
    """A file that is made when it is not there. UsageError when it cannot be."""
    try:
        with contextlib.closing(connect(path, write=True)) as connection:
            # A power cut costs the last lots at most, which go over again; in the end everything is waited for.
            connection.pragma("synchronous", "normal")
            migrate(connection, model)
            yield FileSide(path, connection)
            connection.pragma("synchronous", "full")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except apsw.NotADBError:
        raise UsageError(f"{path} is not a secgraph database. Name another one to copy into.") from None
    except (apsw.CantOpenError, apsw.ReadOnlyError) as refused:
        raise UsageError(f"{path} cannot be opened for writing: {refused}.") from None
