"""A PostgreSQL database: made, grown, and refused where it is not what is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from tests.databases import Databases, OnPostgres
from tests.real.faults.cluster import Cluster
from tests.store.conftest import Ground

from secgraph import clock as real_clock
from secgraph.errors import UsageError
from secgraph.model.choices import ALERTS
from secgraph.model.edm import load
from secgraph.settings import masked
from secgraph.store.growth import version
from secgraph.store.layout import create_indexes, fixed, quoted
from secgraph.store.postgres.dialect import Postgres
from secgraph.store.postgres.founding import founded
from secgraph.store.postgres.store import open_postgres
from secgraph.store.registry import Registry


@pytest.fixture
def empty(databases: Databases) -> Iterator[str]:
    """A database with nothing in it."""
    url = databases.empty()
    yield url
    databases.removed(url)


def laid_out(databases: Databases, url: str) -> set[tuple[Any, ...]]:
    """Every column and index of our tables, the order of columns aside."""
    columns = databases.asked(url, """SELECT table_name::text, column_name::text, data_type::text, collation_name::text, is_nullable::text
                                      FROM information_schema.columns WHERE table_schema = 'public'""")  # fmt: skip
    indexes = databases.asked(url, "SELECT tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'")
    return {*columns, *indexes}


# --- made and grown ------------------------------------------------------------------------------------------------------


async def test_the_tables_are_what_the_model_says(databases: Databases, empty: str) -> None:
    assert await founded(empty, load()), "nothing was said to be done"
    for one in load().stored():
        found = databases.asked(empty, "SELECT attname::text FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0", quoted(one.table))
        assert [name for (name,) in found] == [*fixed(one), *one.choices.columns]
        indexes = databases.asked(empty, "SELECT indexname::text FROM pg_indexes WHERE tablename = $1", one.table)
        assert {name for (name,) in indexes} == set(create_indexes(one, Postgres()))
    assert databases.asked(empty, "SELECT value FROM facts WHERE name = 'schema'") == [(str(version()),)]
    texts = databases.asked(empty, "SELECT DISTINCT collation_name FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'text'")
    assert texts == [("C",)], "some texts are not sorted by code point"


async def test_opening_again_changes_nothing(databases: Databases, empty: str) -> None:
    await founded(empty, load())
    before = laid_out(databases, empty)
    assert await founded(empty, load()) == []
    assert laid_out(databases, empty) == before


async def test_nodes_that_start_at_once_make_it_once(empty: str) -> None:
    done = await asyncio.gather(*(founded(empty, load()) for _ in range(5)))
    assert sorted(bool(one) for one in done) == [False] * 4 + [True]


@pytest.mark.parametrize("dropped", [("severity",), ("assignedTo", "incidentId"), ("createdDateTime", "serviceSource")])
async def test_a_new_column_is_filled_from_the_documents(databases: Databases, empty: str, dropped: tuple[str, ...]) -> None:
    ground = await ground_on(databases, empty)
    await ground.write(*(
        ground.put(ground.alert(number, severity=["low", "high"][number % 2], assignedTo=[None, "Zoë", "ß"][number % 3],
                                incidentId=f"I{number}", serviceSource=["microsoftSentinel", "unknown"][number % 2]))
        for number in range(1, 1200)
    ))  # fmt: skip
    await ground.store.close()
    fresh = laid_out(databases, empty)
    listed = ", ".join(f'"{name}"' for name in ground.model.sets[ALERTS].choices.columns)
    before = databases.asked(empty, f"SELECT {listed} FROM alerts_v2 ORDER BY id")
    for name in dropped:
        databases.asked(empty, f'ALTER TABLE alerts_v2 DROP COLUMN "{name}"')
    databases.asked(empty, "DROP TABLE alerts_v2_words, alerts_v2_tally")
    assert laid_out(databases, empty) != fresh
    again = await ground_on(databases, empty)
    assert laid_out(databases, empty) == fresh
    assert databases.asked(empty, f"SELECT {listed} FROM alerts_v2 ORDER BY id") == before
    assert databases.asked(empty, "SELECT count(*) FROM alerts_v2_words") == [(1199,)]
    assert databases.asked(empty, "SELECT sum(many) FROM alerts_v2_tally") == [(1199,)]
    await again.store.close()


async def ground_on(databases: Databases, url: str) -> Ground:
    store = await open_postgres(url, load(), real_clock.now)
    tenants = Registry(store, load(), real_clock.now)
    known = await tenants.tenants()
    return Ground(OnPostgres(databases, url), store, tenants, known[0] if known else await tenants.create_tenant("contoso"))


# --- refused -------------------------------------------------------------------------------------------------------------


async def test_a_newer_schema_is_refused_and_left_alone(databases: Databases, empty: str) -> None:
    await founded(empty, load())
    databases.asked(empty, "UPDATE facts SET value = $1 WHERE name = 'schema'", str(version() + 1))
    databases.asked(empty, "DROP TABLE incidents")
    before = laid_out(databases, empty)
    with pytest.raises(UsageError, match="newer version"):
        await founded(empty, load())
    assert laid_out(databases, empty) == before


@pytest.mark.parametrize("text", ["CREATE TABLE tenants (name text)", "CREATE TABLE facts (name text, value text)", "CREATE VIEW v AS SELECT 1"])
async def test_a_database_of_something_else_is_refused_and_left_alone(databases: Databases, empty: str, text: str) -> None:
    databases.asked(empty, text)
    before = laid_out(databases, empty)
    with pytest.raises(UsageError, match="something else"):
        await founded(empty, load())
    assert laid_out(databases, empty) == before


async def test_another_encoding_is_refused(databases: Databases) -> None:
    url = databases.empty("ENCODING 'SQL_ASCII'")
    try:
        with pytest.raises(UsageError, match="UTF8"):
            await founded(url, load())
    finally:
        databases.removed(url)


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
async def test_a_server_that_can_lose_what_it_committed_is_refused(name: str) -> None:
    with closing(Cluster({name: "off"})) as cluster:
        cluster.start()
        with pytest.raises(UsageError, match=f"Set {name} = on"):
            await founded(cluster.url("postgres"), load())


async def test_a_user_who_may_make_no_tables_is_told_so(databases: Databases, empty: str) -> None:
    databases.asked(empty, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    databases.asked(empty, "DROP ROLE IF EXISTS reader")
    databases.asked(empty, "CREATE ROLE reader LOGIN")
    with pytest.raises(UsageError, match="owner"):
        await founded(empty.replace("//secgraph@", "//reader@"), load())


@pytest.mark.parametrize(("url", "said"), [
    ("postgresql://u:hidden@127.0.0.1:1/x", "cannot be reached"), ("postgresql://u:hidden@127.0.0.1:none/x", "cannot be understood"),
    ("postgresql://u:hidden@no.such.host.invalid/x", "cannot be reached"),
])  # fmt: skip
async def test_a_database_that_cannot_be_had(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refusal:
        await founded(url, load())
    assert "hidden" not in str(refusal.value)
    assert "setting database" in str(refusal.value)


async def test_a_database_that_does_not_exist(empty: str) -> None:
    with pytest.raises(UsageError, match="lets nobody in"):
        await founded(empty + "_not", load())


@pytest.mark.parametrize(("url", "shown"), [
    ("postgresql://u:p@h:5/d", "postgresql://u:***@h:5/d"), ("postgresql://u@h/d", "postgresql://u@h/d"), ("postgres:///d", "postgres:///d"),
    ("postgresql://u:p%40x@h/d?sslmode=require&password=p", "postgresql://u:***@h/d?sslmode=require&password=***"),
])  # fmt: skip
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert masked(url) == shown
