"""Sessions of a PostgreSQL server: how they are set up, how a step is carried out in one, and what its failures mean."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import asyncpg

from secgraph.errors import Busy, Conflict
from secgraph.model.value import UNSTORABLE
from secgraph.observe import DatabaseGone, observe
from secgraph.store.postgres.dialect import numbered
from secgraph.store.steps import Add, Ask, Do, Rows, Step, insertion

CONNECT_SECONDS = 5
"""How long a request waits for a session: for one to become free, or for the server to take a new one."""

LOCK_SECONDS = 10
"""How long a write waits for a tenant's clock that another process holds."""

IDLE_SECONDS = 30
"""After this the server itself ends a transaction whose process says nothing any more, so that it blocks nobody."""

STATEMENT_SECONDS = 60
"""How long a statement of a write may take before the session is taken for dead."""

CLOSE_SECONDS = 2
"""How long the end waits for sessions that are at work."""

MANY = 16
"""Rows from which on they are sent as one COPY: below, that costs more than it spares."""

MEANWHILE = ("08", "25", "40", "53", "55", "57", "58", "F0", "XX")
"""Classes of failures that are the server's and not the question's: it is gone, full, stopping, deadlocked, read-only."""


async def perform(connection: Any, step: Step) -> Rows:
    """Carries out a step in a session; the rows of a question."""
    match step:
        case Ask(text, values):
            # What no row can hold is in none: the server refuses to look for it.
            if any(isinstance(value, str) and UNSTORABLE.search(value) for value in values):
                return []
            found: Rows = await connection.fetch(numbered(text), *values)
            return found
        case Do(text, rows):
            if len(rows) == 1:
                await connection.execute(numbered(text), *rows[0])
            elif rows:
                await connection.executemany(numbered(text), rows)
        case Add(table, columns, rows):
            if len(rows) < MANY:
                await perform(connection, Do(insertion(table, columns), rows))
            else:
                await connection.copy_records_to_table(table.strip('"'), records=rows, columns=columns)
    return []


def of_the_server(failure: BaseException) -> bool:
    """Whether a failure says nothing about what was asked, only that the server could not do it at this moment."""
    if isinstance(failure, asyncpg.QueryCanceledError):
        return False
    if isinstance(failure, asyncpg.PostgresError):
        return str(failure.sqlstate)[:2] in MEANWHILE
    return isinstance(failure, OSError | TimeoutError) or (
        isinstance(failure, asyncpg.InterfaceError) and not isinstance(failure, ValueError)
    )


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Says failures of a session in our words: Busy when the server is not there or cannot, Conflict when what is written is
    there already.
    """
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as refused:
        raise Conflict(f"This exists already or stands against what exists ({refused.args[0]}).") from refused
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as failure:
        if not of_the_server(failure):
            raise
        observe(DatabaseGone(f"{type(failure).__name__}: {failure}".splitlines()[0]))
        raise Busy("The database cannot answer at the moment.", headers={"Retry-After": "5"}) from failure


async def _as_it_is(connection: Any) -> None:
    """Sessions change nothing of their own, so that nothing has to be put back."""
    del connection


def settings(**more: float) -> dict[str, str]:
    """What holds in our sessions, whatever the server does for others. Times are in seconds."""
    return {
        "application_name": "secgraph",
        "jit": "off",
        "synchronous_commit": "on",
        **{name: f"{round(seconds * 1000)}" for name, seconds in more.items()},
    }


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions of one kind, several at a time. Made by `opened`; `close` them."""

    pool: Any

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[Any]:
        """A session; what fails in it is told in our words."""
        with told():
            async with self.pool.acquire(timeout=CONNECT_SECONDS) as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def transaction(self, **kind: Any) -> AsyncIterator[Any]:
        """A session inside a transaction, which is committed at the end and undone where something is raised."""
        async with self.one() as connection, connection.transaction(**kind):
            yield partial(perform, connection)

    async def close(self) -> None:
        """Ends the sessions; one that does not come to an end is cut off."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.pool.close()
        except (TimeoutError, OSError, asyncpg.InterfaceError):
            self.pool.terminate()


async def opened(url: str, most: int, *, patience: float, **more: float) -> Sessions:
    """Sessions of a database, made when they are needed. `patience` is how long one may say nothing while at work."""
    pool = asyncpg.create_pool(
        url, min_size=0, max_size=most, timeout=CONNECT_SECONDS, command_timeout=patience, reset=_as_it_is,
        server_settings=settings(**more),
    )  # fmt: skip
    return Sessions(await pool)
