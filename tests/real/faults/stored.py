"""The rows as they are stored, read past the server by questions that both databases take."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import asyncpg
from tests.real.faults.journal import ENTITIES
from tests.real.faults.server import PATIENCE

Read = Callable[[list[str]], Awaitable[list[list[tuple[Any, ...]]]]]
"""The rows of several questions, all as of one instant."""

QUESTIONS = [
    "SELECT guid, seq, stamp FROM tenants",
    "SELECT seq, stamp, kind, entity, id, changed, cause FROM events ORDER BY tenant, seq",
    *(f'SELECT id, seq, "lastUpdateDateTime", born, doc FROM {table} ORDER BY tenant, id' for table in ENTITIES.values()),
    """SELECT a.id, count(e.source) FROM alerts_v2 a LEFT JOIN entries e ON e.tenant = a.tenant AND e.born = a.born
    GROUP BY a.tenant, a.id""",
    'SELECT id, seq FROM "secureScoreControlProfiles" ORDER BY tenant, id',
    "SELECT count(*) FROM entries",
    "SELECT stamp, entity, id, born FROM removed ORDER BY tenant, stamp",
    "SELECT v, stamp FROM snapshots ORDER BY tenant, v",
    """SELECT a.id, a."incidentId", s.alert, s.incident FROM alerts_v2 a
    LEFT JOIN subjects s ON s.tenant = a.tenant AND s.born = a.born""",
    """SELECT c.incident, c.alerts, (SELECT count(*) FROM subjects s WHERE s.tenant = c.tenant AND s.incident = c.incident)
    FROM cases c""",
]


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the log."""

    seq: int
    stamp: int
    kind: str
    entity: str
    id: str
    changed: frozenset[str]
    cause: str


@dataclass(frozen=True, slots=True)
class Row:
    """An object: its number, its instant and that of its first commit, its document."""

    id: str
    seq: int
    updated: int
    born: int
    document: dict[str, Any]


@dataclass(slots=True)
class Rows:
    """All that is stored of the one tenant."""

    seq: int
    stamp: int
    events: list[Event]
    tables: dict[str, dict[str, Row]]
    """The rows of each set's table, by their id."""
    entries: dict[str, int]
    """How many sources' words are kept of each alert."""
    all_entries: int
    removed: list[tuple[int, str, str, int]]
    """What was taken away: the instant, the set, the id, and since when it was there."""
    snapshots: dict[str, int]
    """The instant at which each was published."""
    judged: list[tuple[str, str, str | None, int | None]]
    """Each alert and its incident, and both as it is judged."""
    cases: list[tuple[int, int, int]]
    """Each incident, how many alerts it is said to hold, and how many are judged in it."""
    controls: dict[str, int] = field(default_factory=dict)
    """The number of each control's profile."""
    damage: list[str] = field(default_factory=list)
    """What the database itself finds broken in its files."""


async def stored(read: Read) -> Rows:
    """The rows of the one tenant there is."""
    tenants, events, *tables, entries, controls, [(all_entries,)], removed, snapshots, judged, cases = await read(QUESTIONS)
    [(_, seq, stamp)] = tenants
    log = [
        Event(number, instant, kind, entity, key, frozenset(json.loads(changed)), cause)
        for number, instant, kind, entity, key, changed, cause in events
    ]
    made = [
        {key: Row(key, number, updated, born, json.loads(document)) for key, number, updated, born, document in table}
        for table in tables
    ]
    sets = dict(zip(ENTITIES.values(), made, strict=True))
    published = {str(v): instant for v, instant in snapshots}
    return Rows(seq, stamp, log, sets, dict(entries), all_entries, removed, published, judged, cases, dict(controls))


async def stored_in_file(file: Path) -> Rows:
    """The rows of a SQLite file, which a server may have open meanwhile, and what SQLite itself says of the file."""
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY, vfs="unix")
    connection.set_busy_timeout(10_000)

    async def read(questions: list[str]) -> list[list[tuple[Any, ...]]]:
        return [connection.execute(one).fetchall() for one in questions]

    connection.execute("BEGIN")
    try:
        rows = await stored(read)
        connection.execute("ROLLBACK")
        said = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
    finally:
        connection.close()
    rows.damage = [] if said == ["ok"] else said
    return rows


async def stored_in_database(url: str) -> Rows:
    """The rows of a PostgreSQL database, which servers may use meanwhile."""
    connection = await asyncpg.connect(url, timeout=PATIENCE)

    async def read(questions: list[str]) -> list[list[tuple[Any, ...]]]:
        return [[tuple(row) for row in await connection.fetch(one)] for one in questions]

    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return await stored(read)
    finally:
        await connection.close()
