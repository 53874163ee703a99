"""PostgreSQL databases as the two sides of a copy."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any, TypeVar

import asyncpg

from secgraph.errors import UsageError
from secgraph.model.edm import Model
from secgraph.settings import masked
from secgraph.store.copying.tables import tables
from secgraph.store.dialect import Dialect
from secgraph.store.growth import version
from secgraph.store.layout import quoted
from secgraph.store.postgres.dialect import Postgres
from secgraph.store.postgres.founding import founded, session
from secgraph.store.postgres.sessions import perform
from secgraph.store.steps import Ask, Steps, adriven

Result = TypeVar("Result")

LOCK = 0x53474653
"""The advisory lock of whoever copies into a database."""

_SERVERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'secgraph' AND pid <> pg_backend_pid()
"""
_COLUMNS = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(quote_ident($1)) AND attnum > 0 AND NOT attisdropped"


class ServerSide:
    """A PostgreSQL database that is copied from, or into. Made by `copied_from` and `copied_into`."""

    database = "postgresql"

    def __init__(self, url: str, connection: Any) -> None:
        self.name = masked(url)
        self.dialect: Dialect = Postgres()
        self._connection = connection

    def searchable(self, table: str, tenant: int) -> Ask:
        """How many rows of a set's table are in the index of words, of a tenant."""
        return Ask(f"SELECT count(*) FROM {quoted(f'{table}_words')} WHERE tenant = ?", (tenant,))

    async def read(self, steps: Steps[Result]) -> Result:
        """What steps give that only ask."""
        with self._told():
            return await adriven(steps, partial(perform, self._connection))

    async def write(self, steps: Steps[Result]) -> Result:
        """What steps give, after they were carried out and committed together."""
        with self._told():
            async with self._connection.transaction():
                return await adriven(steps, partial(perform, self._connection))

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except asyncpg.IntegrityConstraintViolationError as fault:
            raise UsageError(f"Something else writes to {self.name} ({fault}). Stop it, and begin anew: --discard.") from None
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as fault:
            raise UsageError(f"{self.name} did not go on: {fault}. Once it does, run the command again, and it goes on where it"
                             " stopped.") from None  # fmt: skip


@contextlib.asynccontextmanager
async def copied_from(url: str) -> AsyncIterator[ServerSide]:
    """A database as it is at this instant. UsageError when it cannot be read, or is not of this version."""
    async with session(url) as connection:
        if await connection.fetchval("SELECT to_regclass('facts')") is None:
            raise UsageError(f"{masked(url)} is not a secgraph database.")
        found = await connection.fetchval("SELECT value FROM facts WHERE name = 'schema'")
        known = {table.name: await connection.fetch(_COLUMNS, table.name) for table in tables().values()}
        whole = all({row[0] for row in known[name]}.issuperset(table.columns) for name, table in tables().items())
        if found != str(version()) or not whole:
            raise UsageError(f"{masked(url)} is of another version (schema {found}, this has {version()}). Start its server"
                             " once with this version, which brings it up to date.")  # fmt: skip
        await connection.execute("SET idle_in_transaction_session_timeout = 0")  # it waits while the other side writes
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield ServerSide(url, connection)


@contextlib.asynccontextmanager
async def copied_into(url: str, model: Model) -> AsyncIterator[ServerSide]:
    """A database whose tables are made where they are not there. UsageError when it cannot be, or servers are at work on it."""
    await founded(url, model)
    async with session(url) as connection:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            raise UsageError(f"Another secgraph copy writes to {masked(url)}. Wait until it has ended, or end it.")
        if await connection.fetchval(_SERVERS):
            raise UsageError(f"A secgraph server works on {masked(url)}. Stop it first.")
        yield ServerSide(url, connection)
