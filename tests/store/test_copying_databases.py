"""A copy from one kind of database to the other and back: the same rows, the same answers, and what was signed stays good."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.databases import Databases, settings_of
from tests.store.test_copying import ALERTS, FILE, BrokenOffError, Ending, answers, content, filled

from secgraph.errors import UsageError
from secgraph.model.edm import load
from secgraph.settings import masked
from secgraph.store.copying.copy import Copy, Side
from secgraph.store.postgres import side as sides_postgres
from secgraph.store.postgres.store import open_postgres
from secgraph.store.sqlite import side as sides
from secgraph.testing import Clock, graph_alert, running

SEAL = "5e" * 32


async def copied(source: str | Path, target: str | Path, *, discard: bool = False, left: int | None = None, lot: int = 7) -> dict[str, int]:
    async with AsyncExitStack() as stack:
        one = await entered(stack, sides.copied_from(source) if isinstance(source, Path) else sides_postgres.copied_from(source))
        other = await entered(stack, sides.copied_into(target, load()) if isinstance(target, Path) else sides_postgres.copied_into(target, load()))
        return await Copy(one, other if left is None else Ending(other, left), lambda _: None, lot).run(0, discard=discard)


async def entered(stack: AsyncExitStack, side: Any) -> Side:
    made: Side = stack.enter_context(side) if hasattr(side, "__enter__") else await stack.enter_async_context(side)
    return made


@pytest.fixture
async def source(tmp_path: Path, clock: Clock) -> Path:
    """A file with something in every table, which nothing has open."""
    async with running(tmp_path / "source", clock, seal_key=SEAL) as graph:
        await filled(graph)
    return tmp_path / "source" / FILE


@pytest.mark.parametrize(("lot", "through"), [(3, "postgresql"), (500, "postgresql"), (7, "partitioned")])
async def test_there_and_back_again_is_the_same(source: Path, tmp_path: Path, databases: Databases, lot: int, through: str) -> None:
    with databases.one("postgresql") as url, databases.one(through) as second:
        found = await copied(source, url, lot=lot)
        assert await copied(url, second) == found
        assert await copied(second, tmp_path / "back.db", lot=lot) == found
    assert await asyncio.to_thread(content, tmp_path / "back.db") == await asyncio.to_thread(content, source)


async def test_who_was_there_goes_on_as_before(tmp_path: Path, clock: Clock, databases: Databases) -> None:
    async with running(tmp_path / "source", clock, seal_key=SEAL) as graph:
        await filled(graph)
        before = await answers(graph)
        delta = (await graph.changes(f"{ALERTS}/delta()"))[1]
        token = graph.headers
    with databases.one("postgresql") as url:
        await copied(tmp_path / "source" / FILE, url)
        async with running(tmp_path / "target", clock, **settings_of(url)) as graph:
            graph.headers = token
            after = await answers(graph)
            assert after == before
            assert await graph.changes(delta) == ([], json.loads((await graph.ask("GET", delta)).content)["@odata.deltaLink"])
            await graph.hand_in("graph", graph_alert(900, title="after"))
            assert [item["title"] for item in (await graph.changes(delta))[0]] == ["after"]


async def test_a_copy_goes_on_where_it_was_broken_off(source: Path, tmp_path: Path, databases: Databases, clock: Clock) -> None:
    with databases.one("postgresql") as url:
        for left in (1, 12, 30):
            with pytest.raises(BrokenOffError):
                await copied(source, url, left=left)
            with pytest.raises(UsageError, match=r"part of a copy of .*--discard"):
                await open_postgres(url, load(), clock)
        await copied(source, url)
        await (await open_postgres(url, load(), clock)).close()
        with suppress(BrokenOffError):
            await copied(url, tmp_path / "back.db", left=20)
        await copied(url, tmp_path / "back.db")
    assert await asyncio.to_thread(content, tmp_path / "back.db") == await asyncio.to_thread(content, source)


async def test_what_was_begun_can_be_discarded(source: Path, tmp_path: Path, databases: Databases) -> None:
    with databases.one("postgresql") as url:
        with pytest.raises(BrokenOffError):
            await copied(source, url, left=40)
        await copied(source, url, discard=True)
        await copied(url, tmp_path / "back.db")
    assert await asyncio.to_thread(content, tmp_path / "back.db") == await asyncio.to_thread(content, source)


async def test_what_a_database_must_be(source: Path, tmp_path: Path, databases: Databases, clock: Clock) -> None:
    with databases.one("postgresql") as url:
        empty = databases.empty()
        with pytest.raises(UsageError, match="not a secgraph database"):
            await copied(empty, tmp_path / "no.db")
        databases.removed(empty)
        store = await open_postgres(url, load(), clock)
        await store.fetch("tenants")
        with pytest.raises(UsageError, match="A secgraph server works on"):
            await copied(source, url)
        await store.close()
        async with sides_postgres.copied_into(url, load()):
            with pytest.raises(UsageError, match="Another secgraph copy"):
                await copied(source, url)
        await copied(source, url)
        with pytest.raises(UsageError, match=r"holds data already \(tenants\)"):
            await copied(source, url, discard=True)


async def test_a_source_is_one_instant(source: Path, tmp_path: Path, databases: Databases) -> None:
    changes = iter(range(3))

    def write(url: str) -> None:
        for number in changes:
            databases.asked(url, "INSERT INTO facts VALUES ($1, $2)", f"later {number}", "x")
            databases.asked(url, "UPDATE tenants SET seq = seq + 1")
            break

    with databases.one("postgresql") as url:
        await copied(source, url)

        async with sides_postgres.copied_from(url) as one:
            with sides.copied_into(tmp_path / "back.db", load()) as other:
                await Copy(one, other, lambda _: write(url), 7).run(0, discard=False)
        assert databases.asked(url, "SELECT count(*) FROM facts WHERE name LIKE 'later%'") != [(0,)]
    assert await asyncio.to_thread(content, tmp_path / "back.db") == await asyncio.to_thread(content, source)


def test_an_address_is_named_without_its_password() -> None:
    side: Any = sides_postgres.ServerSide("postgresql://me:hidden@host/db", None)
    assert "hidden" not in side.name
    assert side.name == masked("postgresql://me:hidden@host/db")
