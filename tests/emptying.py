"""A database of PostgreSQL that one test after the other gets, brought back in between to how it was founded.

What is to be emptied is read from the catalogue, so that a table which a migration brings is emptied without being named here.
Only rows are brought back. A test that changes a table, a setting or the planner's statistics asks for a database of its own
(`Databases.one`); one that does it to a database that others get next, fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PATIENCE_MS = 10_000
"""How long a session of the test's may take to end, and a lock to be free."""

_OTHERS = """
SELECT pg_terminate_backend(pid, $1) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

_CATALOGUES = """
SELECT relname::text FROM pg_class
WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND NOT relisshared AND relname <> 'pg_class'
"""

_RELATIONS = """
SELECT 'pg_class', count(*), max(oid::bigint), md5(string_agg(
  concat_ws(' ', oid, relname, relnamespace, relkind, relowner, relam, reltablespace, relacl::text, reloptions::text), ',' ORDER BY oid))
FROM pg_class
UNION ALL
SELECT 'pg_db_role_setting', count(*), max(xmin::text::bigint), '' FROM pg_db_role_setting
WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
"""
"""What there is, but for what a table becomes by being emptied or looked after."""

_TABLES = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1
"""

_SEQUENCES = "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence WHERE pg_sequence_last_value(seqrelid) IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Founded:
    """What a database was when it was founded. Made by `founding`."""

    shape: dict[str, tuple[Any, ...]]
    """What tells each catalogue from any other state of it."""
    rows: dict[str, list[Any]]
    """The rows of every table."""


async def founding(connection: Any) -> Founded:
    """What a database is, to which it is to be brought back."""
    tables = [name for (name,) in await connection.fetch(_TABLES)]
    assert tables, "a database without tables was not founded"
    return Founded(await _shape(connection), {name: await _rows(connection, name) for name in tables})


async def emptied(connection: Any, founded: Founded) -> None:
    """Brings a database back: ends every other session, and gives each table the rows that it had. An AssertionError where the
    test changed more than rows.
    """
    await connection.fetch(_OTHERS, PATIENCE_MS)
    await connection.execute(f"SET lock_timeout = {PATIENCE_MS}")
    shape = await _shape(connection)
    changed = sorted(name for name in shape.keys() | founded.shape.keys() if shape.get(name) != founded.shape.get(name))
    assert not changed, (
        f"This test changed more than rows ({', '.join(changed)}) of a database that the next test gets:"
        " let it ask for one of its own, with databases.one."
    )
    async with connection.transaction():
        await _put_back(connection, founded)


async def _put_back(connection: Any, founded: Founded) -> None:
    asked = " UNION ALL ".join(f"SELECT '{name}', EXISTS (SELECT FROM {name})" for name in founded.rows)
    filled = {name for name, some in await connection.fetch(asked) if some}
    differ = [name for name, rows in founded.rows.items() if (await _rows(connection, name) != rows if rows else name in filled)]
    if differ:
        await connection.execute(f"TRUNCATE {', '.join(differ)}")
    for name in differ:
        if rows := founded.rows[name]:
            places = ", ".join(f"${place}" for place, _ in enumerate(rows[0], 1))
            await connection.executemany(f"INSERT INTO {name} OVERRIDING SYSTEM VALUE VALUES ({places})", rows)
    await connection.fetch(_SEQUENCES)


async def _rows(connection: Any, table: str) -> list[Any]:
    return [tuple(row) for row in await connection.fetch(f"SELECT t.* FROM {table} t ORDER BY t::text")]


async def _shape(connection: Any) -> dict[str, tuple[Any, ...]]:
    """The catalogues: a row that was added or changed is younger than any, one that was removed is missing."""
    names = [name for (name,) in await connection.fetch(_CATALOGUES)]
    each = " UNION ALL ".join(f"SELECT '{name}', count(*), max(xmin::text::bigint), ''::text FROM {name}" for name in names)
    return {row[0]: tuple(row[1:]) for row in await connection.fetch(f"{_RELATIONS} UNION ALL {each}")}
