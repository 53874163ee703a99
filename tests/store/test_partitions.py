"""Large tables in partitions: made so when they are made, and a question of one tenant is one of one partition."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.databases import TEMPLATES, Databases, OnPostgres
from tests.store.conftest import Ground

from secgraph import clock as real_clock
from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow
from secgraph.app import migrated
from secgraph.errors import UsageError
from secgraph.model.choices import ALERTS
from secgraph.model.edm import load
from secgraph.odata import bind
from secgraph.settings import gather
from secgraph.store.compile import compiled
from secgraph.store.facts import Facts, Needs
from secgraph.store.kept import kept
from secgraph.store.postgres.dialect import numbered
from secgraph.store.postgres.founding import founded, whole
from secgraph.store.postgres.store import open_postgres
from secgraph.store.protocol import Decision, PutEntry, PutIncidentKey, Remove
from secgraph.store.registry import Registry
from secgraph.store.seen import decode

NUMBER = TEMPLATES["template_partitioned"]
LARGE = {"alerts_v2", "alerts_v2_words", "incidents", "incidents_words", "assets", "assets_words", "entries", "events", "removed", "incident_keys", "rejected",
         "subjects", "postings", "entities", "cases", "reasons"}  # fmt: skip
PARTS = "SELECT inhparent::regclass::text, inhrelid::regclass::text FROM pg_inherits JOIN pg_class c ON c.oid = inhparent WHERE c.relkind = 'p'"


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    with databases.one("partitioned") as made:
        yield made


@pytest.fixture
async def parted(databases: Databases, url: str) -> AsyncIterator[Ground]:
    """A store over partitions."""
    ground = await ground_on(databases, url)
    yield ground
    await ground.store.close()


async def ground_on(databases: Databases, url: str) -> Ground:
    store = await open_postgres(url, load(), real_clock.now)
    tenants = Registry(store, load(), real_clock.now)
    known = await tenants.tenants()
    return Ground(OnPostgres(databases, url), store, tenants, known[0] if known else await tenants.create_tenant("contoso"))


def parts(databases: Databases, url: str) -> dict[str, set[str]]:
    """The partitions of each table that has some."""
    found: dict[str, set[str]] = {}
    for table, part in databases.asked(url, PARTS):
        found.setdefault(table, set()).add(part)
    return found


def wanted(number: int) -> dict[str, set[str]]:
    return {table: {f"{table}_p{place}" for place in range(number)} for table in LARGE}


# --- made ----------------------------------------------------------------------------------------------------------------


async def test_partitions_come_with_the_tables_and_with_nothing_else(databases: Databases) -> None:
    url = databases.empty()
    try:
        assert await migrated(gather({"database": url}, {}), partitions=3)
        assert parts(databases, url) == wanted(3)
        assert await founded(url, load()) == []
        for number in (3, 5):
            with pytest.raises(UsageError, match="secgraph copy"):
                await founded(url, load(), partitions=number)
        assert parts(databases, url) == wanted(3)
    finally:
        databases.removed(url)


async def test_a_database_of_one_piece_stays_so(databases: Databases) -> None:
    with databases.one("postgresql") as url:
        with pytest.raises(UsageError, match="secgraph copy"):
            await founded(url, load(), partitions=3)
        assert parts(databases, url) == {}


async def test_sqlite_has_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--partitions"):
        await migrated(gather({"data": tmp_path / "data"}, {}), partitions=3)
    assert not (tmp_path / "data").exists()


async def test_what_a_later_version_makes_has_them_too(databases: Databases, url: str, parted: Ground) -> None:
    await parted.write(*(parted.put(parted.alert(number, severity="high", title=f"title {number}")) for number in range(1, 1100)))
    await parted.store.close()
    databases.asked(url, 'ALTER TABLE alerts_v2 DROP COLUMN "severity"')
    databases.asked(url, "DROP TABLE alerts_v2_words")
    again = await ground_on(databases, url)
    assert parts(databases, url) == wanted(NUMBER)
    assert databases.asked(url, "SELECT count(*) FROM alerts_v2 WHERE severity IS NULL") == [(0,)]
    assert await again.ids(search="1099") == ["da1099"]
    made = (await whole(url)).ddl("CREATE TABLE events (tenant INTEGER NOT NULL, seq BIGINT NOT NULL, PRIMARY KEY (tenant, seq))")
    assert len(made) == 1 + NUMBER
    await again.store.close()


# --- asked ---------------------------------------------------------------------------------------------------------------


def touched(plan: Any) -> Iterator[str]:
    """The tables of a plan as EXPLAIN tells it."""
    if isinstance(plan, list):
        for one in plan:
            yield from touched(one)
    if isinstance(plan, dict):
        yield from ([plan["Relation Name"]] if "Relation Name" in plan else [])
        for one in plan.values():
            yield from touched(one)


QUESTIONS = [
    {}, {"filter": "severity eq 'high'"}, {"filter": "assignedTo eq 'ana'"}, {"orderby": "lastUpdateDateTime"},
    {"orderby": "assignedTo desc,createdDateTime desc,id desc"}, {"search": "title"}, {"search": "title AND NOT other", "orderby": "id"},
    {"filter": "severity eq 'high' and not (assignedTo eq 'ana')", "search": "title OR other"},
]  # fmt: skip


async def crowded(ground: Ground) -> None:
    """Alerts of several tenants, more than one of which is in some partition."""
    for name in ("fabrikam", "adatum", "woodgrove", "litware"):
        tenant = await ground.registry.create_tenant(name)
        await ground.write(*(ground.put(ground.alert(number, title=f"other {number}")) for number in range(300)), tenant=tenant)
    await ground.write(*(
        ground.put(ground.alert(number, severity=["low", "high"][number % 2], assignedTo=[None, "ana", "bo"][number % 3], title=f"title {number}"))
        for number in range(300)
    ))  # fmt: skip


async def test_a_question_of_one_tenant_is_one_of_one_partition(databases: Databases, url: str, parted: Ground) -> None:
    await crowded(parted)
    databases.asked(url, "ANALYZE")
    dialect = await whole(url)
    caller = Caller(parted.tenant.number, "", "", "", frozenset())
    home = {databases.asked(url, "SELECT tableoid::regclass::text FROM events WHERE tenant = $1 LIMIT 1", parted.tenant.number)[0][0][-1]}
    for options in QUESTIONS:
        query = bind.query(parted.model.sets[ALERTS], {"$top": "5", **{f"${name}": text for name, text in options.items()}}, parted.model)
        page = await parted.store.find(narrow(query, caller))
        assert page.next is not None
        plan = compiled(query, dialect)
        for statement in (plan.first(), *plan.segments(page.next)):
            values = statement.values(parted.tenant.number, 6, real_clock.now)
            [(said,)] = databases.asked(url, f"EXPLAIN (FORMAT JSON) {numbered(statement.text)}", *values)
            found = set(touched(decode(said)))
            assert found
            assert {table[-1] for table in found} == home, (options, found)
            assert all(re.search(r"_p\d$", table) for table in found)


async def test_whatever_the_store_does_for_a_tenant_stays_in_its_partition(databases: Databases, url: str, parted: Ground) -> None:
    """What the server itself counts: which tables were scanned."""
    await crowded(parted)
    await parted.store.close()  # which counts what was scanned up to here
    databases.asked(url, "SELECT pg_stat_reset()")
    parted = await ground_on(databases, url)
    number = parted.tenant.number
    asked: list[dict[str, Any]] = [*QUESTIONS, {"filter": "contains(title,'9')"}, {"filter": "evidence/any(e: e/verdict eq 'malicious')"}]
    for options in asked:
        await parted.ids(**options)
    needs = Needs(rows=((ALERTS, "da0001"), (ALERTS, "da0002")), entries=(("da0001", "s"), ("da0002", "s")), incidents=(("a", "b"),))

    def decide(facts: Facts) -> Decision[None]:
        row = facts.rows[ALERTS, "da0001"]
        assert row is not None
        entry = PutEntry("da0001", "s", "p", "n", None, 0, repaired=False, kept=kept({}, b"x"))
        return Decision((parted.put(row.record, "title"), entry, PutIncidentKey("a", "b", "1"),
                         Remove(parted.model.sets[ALERTS], "da0003", "retention")), None)  # fmt: skip

    await parted.store.write(number, needs, decide)
    await parted.store.close()
    [(home,)] = databases.asked(url, "SELECT tableoid::regclass::text FROM events WHERE tenant = $1 LIMIT 1", number)
    scanned = databases.asked(url, "SELECT relname::text FROM pg_stat_user_tables WHERE relname ~ '_p[0-9]$' AND seq_scan + coalesce(idx_scan, 0) > 0")
    assert {name[-1] for (name,) in scanned} == {home[-1]}, scanned
    assert len(scanned) >= 5, scanned


# --- what partitions rest on ---------------------------------------------------------------------------------------------

INDEXES = """
SELECT t.relname::text, i.relname::text, (SELECT attname::text FROM pg_attribute WHERE attrelid = t.oid AND attnum = x.indkey[0])
FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am m ON m.oid = i.relam
WHERE t.relnamespace = 'public'::regnamespace AND m.amname <> 'gin'
AND EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = t.oid AND attname = 'tenant')
"""
"""The first column of each index of a tenant's table. In a GIN index of words each word begins with the tenant itself."""

OF_ALL = "tenants"
"""Its rows are the tenants, and found by their names too."""


@pytest.mark.parametrize("kind", ["postgresql", "partitioned"])
def test_every_key_in_postgresql_begins_with_the_tenant(databases: Databases, kind: str) -> None:
    with databases.one(kind) as url:
        found = [row for row in databases.asked(url, INDEXES) if row[0] != OF_ALL]
    assert len(found) > 25
    assert [row for row in found if row[2] != "tenant"] == []


async def test_every_key_in_sqlite_begins_with_the_tenant(tmp_path: Path) -> None:
    await migrated(gather({"data": tmp_path}, {}))
    with closing(apsw.Connection(str(tmp_path / "secgraph.db"))) as connection:
        found = connection.execute("""
            SELECT t.name, i.name, (SELECT name FROM pragma_index_info(i.name) WHERE seqno = 0)
            FROM pragma_table_list t, pragma_index_list(t.name) i
            WHERE t.type = 'table' AND EXISTS (SELECT 1 FROM pragma_table_info(t.name) WHERE name = 'tenant')""").fetchall()
    found = [row for row in found if row[0] != OF_ALL]
    assert len(found) > 25
    assert [row for row in found if row[2] != "tenant"] == []
