"""The bare handler's table, on either database: the document, five columns, a unique index and four others.

On SQLite reads run on the event loop; writes go through one thread of each process that puts those that wait into one
transaction, as ours do, and the processes take turns by a lock on a file. The connections have the pragmas of our own.
On PostgreSQL each request has a connection of a pool, and each write is a transaction.
"""

from __future__ import annotations

import asyncio
import fcntl
import queue
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import apsw
import asyncpg
import msgspec

PAGE = 50
GROUP = 512
"""Most waiting writes that share one transaction."""

POOL = 8
"""Connections of a process to PostgreSQL."""

NAMES = ("id", "incident", "severity", "status", "created", "doc")
TABLE = """
CREATE TABLE alerts (
  id TEXT NOT NULL, incident TEXT, severity TEXT NOT NULL, status TEXT NOT NULL, created TEXT NOT NULL, doc TEXT NOT NULL
);
CREATE UNIQUE INDEX alerts_id ON alerts (id);
CREATE INDEX alerts_newest ON alerts (created, id, severity, status);
CREATE INDEX alerts_severity ON alerts (severity, created, id, status);
CREATE INDEX alerts_status ON alerts (status, created, id, severity);
CREATE INDEX alerts_incident ON alerts (incident, created, id, severity, status);
"""
CONDITIONS = {"before": "created < {}", "since": "created >= {}", "after": "(created, id) < ({}, {})"}
"""Besides the columns, of which a value is one of those given."""

Row = tuple[str, str | None, str, str, str, str]
Where = tuple[tuple[str, tuple[str, ...]], ...]


class Columns(msgspec.Struct):
    """The members of an alert that the table keeps in columns."""

    id: str
    severity: str
    status: str
    createdDateTime: str  # noqa: N815 -- the contract's word
    incidentId: str | None = None  # noqa: N815 -- the same


decode_columns = msgspec.json.Decoder(Columns).decode


def row(document: str) -> Row:
    """The row of a document."""
    found = decode_columns(document)
    return found.id, found.incidentId, found.severity, found.status, found.createdDateTime, document


class Table(Protocol):
    """What the bare handler asks."""

    async def open(self) -> None:
        """Connects, in the process and loop that will ask."""

    async def one(self, key: str) -> bytes | None:
        """The document of that id."""

    async def page(self, where: Where, most: int) -> list[bytes]:
        """The newest documents."""

    async def count(self, where: Where) -> int:
        """How many rows there are."""

    async def change(self, key: str, name: str, value: str) -> bytes | None:
        """Sets a member and gives the committed document."""

    async def add(self, one: Row) -> None:
        """Adds a committed row."""


def opened(database: str) -> Table:
    """The table of a file or, by a URL, of a PostgreSQL database; it connects by itself."""
    return OnPostgres(database) if "://" in database else OnSqlite(Path(database))


def _values(where: Where) -> list[str]:
    return [value for _, values in where for value in values]


@cache
def _condition(shape: tuple[tuple[str, int], ...], mark: str) -> str:
    """A condition's text, its values numbered in turn."""
    terms, at = [], 0
    for name, many in shape:
        marks = [f"{mark}{at + number + 1}" for number in range(many)]
        terms.append(CONDITIONS[name].format(*marks) if name in CONDITIONS else f"{name} IN ({', '.join(marks)})")
        at += many
    return " AND ".join(terms) or "true"


def _text(where: Where, mark: str) -> str:
    return _condition(tuple((name, len(values)) for name, values in where), mark)


@dataclass(slots=True)
class _Job:
    text: str
    values: tuple[Any, ...]
    done: asyncio.Future[list[Any]]


class OnSqlite:
    """The table in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()

    async def open(self) -> None:
        """Connects."""
        self._read = connect(self._path)
        threading.Thread(target=self._write_all, daemon=True).start()

    async def one(self, key: str) -> bytes | None:
        """The document of that id."""
        rows: list[Any] = self._read.execute("SELECT CAST(doc AS BLOB) FROM alerts WHERE id = ?", (key,)).fetchall()
        return rows[0][0] if rows else None

    async def page(self, where: Where, most: int) -> list[bytes]:
        """The newest documents."""
        text = f"SELECT CAST(doc AS BLOB) FROM alerts WHERE {_text(where, '?')} ORDER BY created DESC, id DESC LIMIT {most}"
        return [document for (document,) in self._read.execute(text, _values(where))]

    async def count(self, where: Where) -> int:
        """How many rows there are."""
        rows: list[Any] = self._read.execute(
            f"SELECT count(*) FROM alerts WHERE {_text(where, '?')}", _values(where)
        ).fetchall()
        return int(rows[0][0])

    async def change(self, key: str, name: str, value: str) -> bytes | None:
        """Sets a member and gives the committed document."""
        column = ", status = ?1" if name == "status" else ""
        text = f"UPDATE alerts SET doc = json_set(doc, '$.{name}', ?1){column} WHERE id = ?2 RETURNING CAST(doc AS BLOB)"
        rows = await self._run(text, (value, key))
        return rows[0][0] if rows else None

    async def add(self, one: Row) -> None:
        """Adds a committed row."""
        await self._run(f"INSERT INTO alerts ({', '.join(NAMES)}) VALUES (?, ?, ?, ?, ?, ?)", one)

    async def _run(self, text: str, values: tuple[Any, ...]) -> list[Any]:
        job = _Job(text, values, asyncio.get_running_loop().create_future())
        self._jobs.put(job)
        return await job.done

    def _write_all(self) -> None:
        connection = connect(self._path)
        with self._path.with_suffix(".lock").open("w") as turn:
            while True:
                group = [self._jobs.get()]
                while len(group) < GROUP and not self._jobs.empty():
                    group.append(self._jobs.get())
                # SQLite's own waiting sleeps; a lock of the system is handed over at once.
                fcntl.flock(turn, fcntl.LOCK_EX)
                connection.execute("BEGIN IMMEDIATE")
                answers = [connection.execute(job.text, job.values).fetchall() for job in group]
                connection.execute("COMMIT")
                fcntl.flock(turn, fcntl.LOCK_UN)
                group[0].done.get_loop().call_soon_threadsafe(_answer, group, answers)


def _answer(group: list[_Job], answers: list[list[Any]]) -> None:
    for job, rows in zip(group, answers, strict=True):
        if not job.done.done():
            job.done.set_result(rows)


def connect(path: Path) -> apsw.Connection:
    """A connection to a file, with the pragmas of our own."""
    connection = apsw.Connection(str(path), statementcachesize=256)
    connection.set_busy_timeout(30_000)
    for name, value in (("page_size", 8192), ("journal_mode", "wal"), ("synchronous", "full"), ("wal_autocheckpoint", 8000),
                        ("cache_size", -65536), ("temp_store", "memory")):  # fmt: skip
        connection.pragma(name, value)
    return connection


class OnPostgres:
    """The table in a database of a server."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def open(self) -> None:
        """Connects."""
        self._pool = await asyncpg.create_pool(self._address, min_size=POOL, max_size=POOL)

    async def one(self, key: str) -> bytes | None:
        """The document of that id."""
        found = await self._pool.fetchval("SELECT doc FROM alerts WHERE id = $1", key)
        return None if found is None else found.encode()

    async def page(self, where: Where, most: int) -> list[bytes]:
        """The newest documents."""
        text = f"SELECT doc FROM alerts WHERE {_text(where, '$')} ORDER BY created DESC, id DESC LIMIT {most}"
        return [document.encode() for (document,) in await self._pool.fetch(text, *_values(where))]

    async def count(self, where: Where) -> int:
        """How many rows there are."""
        return int(await self._pool.fetchval(f"SELECT count(*) FROM alerts WHERE {_text(where, '$')}", *_values(where)))

    async def change(self, key: str, name: str, value: str) -> bytes | None:
        """Sets a member and gives the committed document."""
        column = ", status = $1" if name == "status" else ""
        text = (f"UPDATE alerts SET doc = jsonb_set(doc::jsonb, '{{{name}}}', to_jsonb($1::text))::text{column}"
                " WHERE id = $2 RETURNING doc")  # fmt: skip
        found = await self._pool.fetchval(text, value, key)
        return None if found is None else found.encode()

    async def add(self, one: Row) -> None:
        """Adds a committed row."""
        await self._pool.execute(f"INSERT INTO alerts ({', '.join(NAMES)}) VALUES ($1, $2, $3, $4, $5, $6)", *one)
