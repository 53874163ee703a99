"""A PostgreSQL database as this program needs it: what it refuses to run on, and its tables brought up to this version."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import asyncpg

from secgraph.errors import UsageError
from secgraph.model.edm import Model
from secgraph.settings import masked
from secgraph.store.copying.copy import expect_whole
from secgraph.store.copying.lots import MARK
from secgraph.store.growth import grown, version
from secgraph.store.postgres.dialect import Postgres
from secgraph.store.postgres.partitions import Partitioned, dialect_of
from secgraph.store.postgres.sessions import CONNECT_SECONDS, perform, settings
from secgraph.store.steps import adriven, ask, do

OLDEST = 14
"""The oldest version of the server that is supported."""

LOCK = 0x53474652
"""The advisory lock that is held while the tables are changed."""

DURABLE = ("fsync", "full_page_writes")

_OTHERS = """
SELECT count(*) FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
"""


async def founded(url: str, model: Model, *, partitions: int = 0) -> list[str]:
    """Brings a database's tables up to this version, one process at a time; what was done. The large tables of an empty one
    may be made with so many partitions. UsageError when the database is no good.
    """
    async with session(url) as connection:
        await _expect_good(connection)
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
            found = await _schema(connection, url)
            if partitions and found:
                raise UsageError(
                    f"The database {masked(url)} has its tables already, and partitions come with the tables. Make an empty"
                    " database, run this on that, and move everything there with secgraph copy."
                )
            dialect = Partitioned(partitions) if partitions else await dialect_of(connection)
            done = await adriven(grown(dialect, model, found), partial(perform, connection))
            if found != version():
                await perform(connection, do("fact_put", {"name": "schema", "value": str(version())}))
    return done


async def whole(url: str) -> Postgres:
    """How a database is spoken to that has its tables. UsageError where a copy into it is under way, with how that goes on."""
    async with session(url) as connection:
        expect_whole(await perform(connection, ask("fact", name=MARK)), masked(url))
        return await dialect_of(connection)


@contextlib.asynccontextmanager
async def session(url: str) -> AsyncIterator[Any]:
    """A session for this; what stands in its way is told to a person."""
    name = masked(url)
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS, server_settings=settings())
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as refused:
        raise UsageError(f"The database {name} lets nobody in: {refused}. Put the setting database right.") from None
    except (OSError, asyncpg.PostgresError) as failure:
        said = str(failure) or "it does not answer"
        raise UsageError(
            f"The database {name} cannot be reached: {said}. Start it, or put the setting database right."
        ) from None
    except (asyncpg.InterfaceError, ValueError) as fault:
        raise UsageError(f"The setting database ({name}) cannot be understood: {fault}.") from None
    try:
        yield connection
    except asyncpg.InsufficientPrivilegeError as refused:
        raise UsageError(
            f"The user of the database {name} may not do what is needed: {refused}. Make the user the owner of the database, or"
            " grant it CREATE and USAGE on its schema."
        ) from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as failure:
        raise UsageError(f"The database {name} could not be prepared: {failure}. Nothing in it was changed.") from failure
    finally:
        await connection.close(timeout=CONNECT_SECONDS)


async def _expect_good(connection: Any) -> None:
    """Passes where what is committed will be there; a UsageError says what to set."""
    major = connection.get_server_version().major
    if major < OLDEST:
        raise UsageError(f"The database server is PostgreSQL {major}. Use version {OLDEST} or later.")
    for name in DURABLE:
        if await connection.fetchval(f"SHOW {name}") != "on":
            raise UsageError(
                f"The database server runs with {name} = off: a power cut would take what was acknowledged, or the whole"
                f" database. Set {name} = on in postgresql.conf and restart it."
            )
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise UsageError(
            f"The database has the encoding {encoding}, which cannot hold every text."
            " Make one with UTF8: CREATE DATABASE secgraph ENCODING 'UTF8' TEMPLATE template0."
        )
    if await connection.fetchval("SELECT pg_is_in_recovery()"):
        raise UsageError("The database server is a standby, which takes no writes. Name the primary in the setting database.")


async def _schema(connection: Any, url: str) -> int:
    """The schema of a database that is ours, 0 for an empty one."""
    if await connection.fetchval("SELECT current_schema()") is None:
        raise UsageError(f"The database {masked(url)} has no schema for new tables. Make one: CREATE SCHEMA public.")
    if not await connection.fetchval(_OTHERS):
        return 0
    if await connection.fetchval("SELECT to_regclass('facts')") is not None:
        with contextlib.suppress(ValueError, TypeError):
            return int(await connection.fetchval("SELECT value FROM facts WHERE name = 'schema'"))
    raise UsageError(f"The database {masked(url)} holds tables of something else. Name an empty one in the setting database.")
