"""What is true of a store in PostgreSQL alone: several nodes over one database, a server that is gone, its own clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any

import asyncpg
import pytest
from tests.databases import QUICK, Databases, OnPostgres
from tests.real.faults.cluster import Cluster
from tests.store.conftest import Ground

from secgraph import clock as real_clock
from secgraph.access.caller import Caller
from secgraph.access.narrow import ScopedKey, narrow
from secgraph.errors import Busy, Fault
from secgraph.model.choices import ALERTS
from secgraph.model.edm import load
from secgraph.odata import bind
from secgraph.store.compile import compiled
from secgraph.store.facts import Facts, Needs
from secgraph.store.postgres.dialect import LONGEST_WORD, Postgres, numbered
from secgraph.store.postgres.store import PostgresStore, open_postgres
from secgraph.store.protocol import Decision
from secgraph.store.registry import Registry


async def ground_on(databases: Databases, url: str, now: real_clock.Now | None = None) -> Ground:
    store = await open_postgres(url, load(), now)
    tenants = Registry(store, load(), now or real_clock.now)
    known = await tenants.tenants()
    return Ground(OnPostgres(databases, url), store, tenants, known[0] if known else await tenants.create_tenant("contoso"))


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    with databases.one("postgresql") as made:
        yield made


@pytest.fixture
async def alone(databases: Databases, url: str) -> AsyncIterator[Ground]:
    """A store that goes by the database's clock."""
    ground = await ground_on(databases, url)
    yield ground
    await ground.store.close()


# --- the clock -----------------------------------------------------------------------------------------------------------


async def test_an_instant_is_the_databases_own_from_after_the_wait(alone: Ground, url: str) -> None:
    """A node whose turn waited for another's stamps its change with the instant at which it could begin."""
    other = await asyncpg.connect(url)
    change = other.transaction()
    await change.start()
    await other.execute("SELECT 1 FROM tenants FOR UPDATE")
    waiting = asyncio.ensure_future(alone.add(1))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    begins = await other.fetchval("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 10")
    await change.rollback()
    record = await waiting
    await other.close()
    stamp = real_clock.ticks(record["lastUpdateDateTime"]) or 0
    assert stamp >= begins
    assert stamp % real_clock.MICROSECOND == 0
    assert abs(stamp - real_clock.now()) < 60 * real_clock.SECOND


async def test_nodes_that_write_at_once_share_one_clock(databases: Databases, alone: Ground, url: str) -> None:
    other = await ground_on(databases, url)
    await asyncio.gather(*(one.add(number) for number in range(60) for one in [(alone, other)[number % 2]]))
    await other.store.close()
    events = await alone.events()
    assert [one["seq"] for one in events] == list(range(1, 61))
    stamps = [one["stamp"] for one in events]
    assert stamps == sorted(set(stamps))


async def test_a_tenant_does_not_wait_for_another(alone: Ground, url: str) -> None:
    second = await alone.registry.create_tenant("fabrikam")
    other = await asyncpg.connect(url)
    change = other.transaction()
    await change.start()
    await other.execute("SELECT 1 FROM tenants WHERE tenant = $1 FOR UPDATE", alone.tenant.number)
    waiting = asyncio.ensure_future(alone.add(1))
    await asyncio.wait_for(alone.add(1, second), 5)
    assert not waiting.done()
    await change.rollback()
    await waiting
    await other.close()


@pytest.mark.parametrize("first", ["write", "deletion"])
async def test_a_write_and_the_end_of_its_tenant_wait_for_each_other(
    databases: Databases, alone: Ground, url: str, first: str
) -> None:
    """What is written before the tenant goes, goes with it; what waits behind that finds no tenant."""
    made = await alone.registry.create_tenant("fabrikam")
    other = await asyncpg.connect(url)
    change = other.transaction()
    await change.start()
    await other.execute("SELECT 1 FROM tenants WHERE tenant = $1 FOR UPDATE", made.number)
    waiting: dict[str, asyncio.Future[Any]] = {}
    for name in (first, *{"write", "deletion"}.difference({first})):
        waiting[name] = asyncio.ensure_future(alone.add(1, made) if name == "write" else alone.registry.delete_tenant(made))
        await _waiting(other, len(waiting))
    await change.rollback()
    await waiting["deletion"]
    if first == "write":
        await waiting["write"]
    else:
        with pytest.raises(Fault, match="does not exist"):
            await waiting["write"]
    await other.close()
    for table in ("alerts_v2", "alerts_v2_words", "events"):
        assert databases.asked(url, f"SELECT 1 FROM {table} WHERE tenant = $1", made.number) == []


async def _waiting(connection: Any, many: int) -> None:
    """Returns when so many sessions wait for a lock."""
    for _ in range(250):
        if await connection.fetchval("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted") >= many:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"no {many} sessions came to wait")


# --- what is looked for --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", ["\x00", "da\x000001", "\ud800"])
async def test_what_no_row_can_hold_is_in_none(alone: Ground, odd: str) -> None:
    await alone.add(1)
    assert await alone.store.get(ScopedKey(alone.tenant.number, ALERTS, odd), bind.item(alone.model.sets[ALERTS], {})) is None
    assert await alone.store.originals(ScopedKey(alone.tenant.number, ALERTS, odd)) == []
    assert await alone.store.fetch("tenant_called", word=odd) == []

    def found(facts: Facts) -> Decision[int]:
        return Decision((), len(facts.rows) + len(facts.entries) + len(facts.incidents))

    for more in ("da0001", "nothing"):
        needs = Needs(rows=((ALERTS, odd), (ALERTS, more)), entries=((odd, "s"), (more, "s")), incidents=(("s", odd), ("s", more)))
        assert await alone.store.write(alone.tenant.number, needs, found) == (more == "da0001")


async def test_a_word_of_any_length_is_found(alone: Ground) -> None:
    words = ["x" * LONGEST_WORD, "y" * (LONGEST_WORD + 1), "z" * 1000, "é" * 1000]
    for number, word in enumerate(words):
        await alone.add(number, title=f"a {word} b", description="w" * 100_000)
    for number, word in enumerate(words):
        assert await alone.ids(search=word) == [f"da{number:04}"]
        assert await alone.ids(search=word[:-1]) == []


@pytest.mark.parametrize(("options", "index"), [
    ({}, "alerts_v2_newest"),
    ({"filter": "severity eq 'high'"}, "alerts_v2_severity"),
    ({"filter": "assignedTo eq 'ana'"}, "alerts_v2_assignedTo"),
    ({"orderby": "lastUpdateDateTime"}, "alerts_v2_updated"),
    ({"orderby": "assignedTo,createdDateTime,id"}, "alerts_v2_assignedTo"),
    ({"orderby": "assignedTo desc,createdDateTime desc,id desc"}, "alerts_v2_assignedTo"),
])  # fmt: skip
async def test_a_page_is_a_range_of_an_index(databases: Databases, alone: Ground, url: str, options: dict[str, str], index: str) -> None:
    await alone.write(*(
        alone.put(alone.alert(number, severity=["low", "high"][number % 2], assignedTo=[None, "ana", "bo", "cy"][number % 4],
                              createdDateTime=real_clock.text((1_789_000_000 + number) * real_clock.SECOND)))
        for number in range(3000)
    ))  # fmt: skip
    query = bind.query(alone.model.sets[ALERTS], {"$top": "10", **{f"${name}": text for name, text in options.items()}}, alone.model)
    page = await alone.store.find(narrow(query, Caller(alone.tenant.number, "", "", "", frozenset())))
    assert page.next is not None
    plan = compiled(query, Postgres())
    databases.asked(url, "ANALYZE")
    for statement in (plan.first(), *plan.segments(page.next)):
        values = statement.values(alone.tenant.number, 11, real_clock.now)
        said = "\n".join(line for (line,) in databases.asked(url, f"EXPLAIN {numbered(statement.text)}", *values))
        assert f"{index} on" in said.replace('"', ""), said
        assert "Sort  (" not in said.replace("Incremental Sort", ""), said
        assert "Seq Scan" not in said, said


# --- a server that is gone -----------------------------------------------------------------------------------------------


async def test_while_the_server_is_gone_everything_is_refused_and_goes_on_by_itself(databases: Databases) -> None:
    with closing(Cluster(QUICK)) as cluster:
        cluster.start()
        ground = await ground_on(databases, cluster.url("postgres"))
        await ground.add(1)
        query = bind.item(ground.model.sets[ALERTS], {})
        key = ScopedKey(ground.tenant.number, ALERTS, "da0001")

        async def each() -> list[Any]:
            asked = (ground.ids(), ground.store.get(key, query), ground.registry.tenants(), ground.add(2),
                     ground.store.run(("fact_put", {"name": "a", "value": "b"})), ground.add(3))  # fmt: skip
            found: list[Any] = await asyncio.gather(*asked, return_exceptions=True)
            return found

        for mode in ("fast", "immediate"):
            cluster.stop(mode)
            for _ in range(3):
                began = time.monotonic()
                refused = await each()
                assert [type(one) for one in refused] == [Busy] * 6, refused
                assert all(one.headers["Retry-After"] for one in refused)
                assert time.monotonic() - began < 5
            cluster.start()
            assert not any(isinstance(one, BaseException) for one in await each())
        assert await ground.ids(orderby="lastUpdateDateTime") == ["da0001", "da0002", "da0003"]
        await ground.store.close()


async def test_a_session_that_is_ended_takes_only_its_own_work_along(alone: Ground, url: str) -> None:
    await alone.add(1)
    other = await asyncpg.connect(url)
    await other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
    await asyncio.sleep(0.1)
    assert await alone.ids() == ["da0001"]
    await alone.add(2)
    await other.close()


async def test_a_commit_waits_for_the_disk_whatever_the_server_does_for_others(databases: Databases, url: str) -> None:
    databases.asked(url, f"ALTER DATABASE {url.rpartition('/')[2]} SET synchronous_commit = off")
    databases.asked(url, f"ALTER DATABASE {url.rpartition('/')[2]} SET jit = on")
    ground = await ground_on(databases, url)
    assert isinstance(ground.store, PostgresStore)
    async with ground.store._writing.one() as connection:  # noqa: SLF001 -- what a session has shows nowhere else
        assert [await connection.fetchval(f"SHOW {name}") for name in ("synchronous_commit", "jit")] == ["on", "off"]
    await ground.store.close()
