"""The databases that tests run on: SQLite's file, and databases of one real PostgreSQL server for the whole run."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol, TypeVar

import apsw
import asyncpg
from tests.emptying import Founded, emptied, founding
from tests.memory import memory
from tests.real.faults.cluster import Cluster

from secgraph import clock as real_clock
from secgraph.model.edm import load
from secgraph.store.postgres.dialect import numbered
from secgraph.store.postgres.founding import founded
from secgraph.store.postgres.store import open_postgres
from secgraph.store.protocol import Store
from secgraph.store.sqlite.store import open_store

Result = TypeVar("Result")
Apart = Callable[[], dict[str, str]]

QUICK = {"autovacuum": "on", "max_connections": "200", "wal_writer_delay": "200", "shared_buffers": "128MB"}
"""It commits as one in production does; only what a cut would show is left to its own ways."""

LONG = {"autovacuum_analyze_threshold": "2147483647", "max_wal_size": "256MB"}
"""For databases that live as long as the run: the planner knows what a test had it look at, and nothing of the test before; and
what is kept of the log stays small, for it may be in memory.
"""

TEMPLATES = {"template_secgraph": 0, "template_partitioned": 4}
"""Databases with our tables and nothing in them, each with how many partitions the large ones have."""


@dataclass(frozen=True, slots=True)
class Lent:
    """A database that one test gets after the other, and the session that empties it."""

    url: str
    connection: Any
    founded: Founded


class Databases:
    """A server that is started when the first database is asked for. `close` ends it."""

    def __init__(self) -> None:
        self._cluster = Cluster({**QUICK, **LONG}, folder=Path(tempfile.mkdtemp(prefix="secgraph-pg-", dir=memory())))
        self._thread = ThreadPoolExecutor(1)  # beside the loop of whatever test asks
        self._runner = asyncio.Runner()  # of that thread
        self._numbers = count(1)
        self._started = False
        self._free: defaultdict[str, list[Lent]] = defaultdict(list)

    def made(self, *, partitioned: bool = False) -> str:
        """The address of a database with our tables and nothing in them."""
        return self._create("template_partitioned" if partitioned else "template_secgraph")

    def empty(self, more: str = "") -> str:
        """The address of a database with nothing in it."""
        return self._create("template0", more)

    def _create(self, template: str, more: str = "") -> str:
        if not self._started:
            self._started = True
            self._start()
        name = f"test_{next(self._numbers)}"
        self._run(self._statement(f"CREATE DATABASE {name} TEMPLATE {template} {more}"))
        return self._cluster.url(name)

    def _start(self) -> None:
        self._cluster.start()
        for template, partitions in TEMPLATES.items():
            self._run(self._statement(f"CREATE DATABASE {template}"))
            self._run(founded(self._cluster.url(template), load(), partitions=partitions))

    @contextmanager
    def one(self, kind: str) -> Iterator[str]:
        """What the setting `database` is for a test that does as it likes with its own: empty for SQLite, or a database that is
        removed afterwards.
        """
        if kind == "sqlite":
            yield ""
            return
        url = self.made(partitioned=kind == "partitioned")
        yield url
        self.removed(url)

    @contextmanager
    def lent(self, kind: str) -> Iterator[str]:
        """What the setting `database` is for a test that changes nothing but rows: empty for SQLite, or a database without any,
        which is emptied afterwards and lent again.
        """
        if kind == "sqlite":
            yield ""
            return
        free = self._free[kind]
        one = free.pop() if free else self._run(self._lent(self.made(partitioned=kind == "partitioned")))
        try:
            yield one.url
            self._run(emptied(one.connection, one.founded))
        except BaseException:
            self._run(one.connection.close())
            self.removed(one.url)
            raise
        free.append(one)

    @staticmethod
    async def _lent(url: str) -> Lent:
        connection = await asyncpg.connect(url)
        return Lent(url, connection, await founding(connection))

    def place(self, url: str, folder: Path) -> Place:
        """The place that a setting names, SQLite's in that folder."""
        return OnPostgres(self, url) if url else OnSqlite(folder / "test.db")

    def removed(self, url: str) -> None:
        """Removes a database, whoever is still connected."""
        self._run(self._statement(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)"))

    def asked(self, url: str, text: str, *values: Any) -> list[Any]:
        """The rows of a statement, asked beside the store."""

        async def ask() -> list[Any]:
            connection = await asyncpg.connect(url)
            try:
                return [tuple(row) for row in await connection.fetch(text, *values)]
            finally:
                await connection.close()

        return self._run(ask())

    async def _statement(self, text: str) -> None:
        connection = await self._cluster.connect()
        try:
            await connection.execute(text)
        finally:
            await connection.close()

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self._thread.submit(self._runner.run, work).result(60)

    def close(self) -> None:
        for one in (one for free in self._free.values() for one in free):
            self._run(one.connection.close())
        self._thread.submit(self._runner.close).result(60)
        self._thread.shutdown()
        self._cluster.close()


def settings_of(database: str) -> dict[str, str]:
    """The settings of a server over a database. Who shares one is given the key that seals what is secret in it."""
    return {"database": database, "seal_key": "5e" * 32} if database else {}


class Place(Protocol):
    """Where a test's store is: opened as often as it likes."""

    kind: str

    async def open(self, now: real_clock.Now, *, deadline: float = 10.0) -> Store: ...

    def rows(self, text: str, *values: Any) -> list[Any]:
        """The rows of a statement, asked beside the store; a value is written `?`."""
        ...


class OnSqlite:
    """A file of the test's own."""

    kind = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path

    async def open(self, now: real_clock.Now, *, deadline: float = 10.0) -> Store:
        return open_store(self.path, load(), now, deadline=deadline)

    def rows(self, text: str, *values: Any) -> list[Any]:
        with closing(apsw.Connection(str(self.path))) as connection:
            return list(connection.execute(text, values))


class OnPostgres:
    """A database of the test's own."""

    kind = "postgresql"

    def __init__(self, databases: Databases, url: str) -> None:
        self.url = url
        self._databases = databases

    async def open(self, now: real_clock.Now, *, deadline: float = 10.0) -> Store:
        return await open_postgres(self.url, load(), now, deadline=deadline)

    def rows(self, text: str, *values: Any) -> list[Any]:
        return self._databases.asked(self.url, numbered(text), *values)
