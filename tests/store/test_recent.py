"""What changed since: a poller that keeps the usual order is answered from the rows that changed, not by a walk over all."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from tests.store.conftest import Ground

from secgraph import clock as real_clock
from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow
from secgraph.odata import bind
from secgraph.store.compile import FEW, Plan, compiled
from secgraph.store.sqlite.dialect import Sqlite
from secgraph.store.sqlite.file import connect

ROWS = FEW + 40


def planned(ground: Ground, **options: str) -> Plan:
    query = bind.query(ground.model.sets["security/alerts_v2"], {f"${name}": text for name, text in options.items()}, ground.model)
    return compiled(query, Sqlite())


def index_of(ground: Ground, plan: Plan) -> str:
    """The index that SQLite enters."""
    statement = plan.first()
    with closing(connect(ground.path, write=False)) as connection:
        values = statement.values(1, 50, real_clock.now)
        said = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {statement.text}", values)]
    return next(line for line in said if "INDEX" in line)


@pytest.mark.sqlite
@pytest.mark.parametrize("text", [
    "lastUpdateDateTime gt {}", "lastUpdateDateTime ge {} and severity eq 'medium'", "contains(title,'t') and lastUpdateDateTime gt {}",
])  # fmt: skip
async def test_few_and_many_are_read_by_different_indexes(ground: Ground, text: str) -> None:
    plan = planned(ground, filter=text.format("2026-01-01T00:00:00Z"))
    assert "alerts_v2_updated" not in index_of(ground, plan)
    assert len(plan.ways) == 1
    assert "alerts_v2_updated" in index_of(ground, plan.ways[0].plan)


@pytest.mark.parametrize("options", [
    {"filter": "lastUpdateDateTime gt 2026-01-01T00:00:00Z", "orderby": "lastUpdateDateTime"}, {"filter": "severity eq 'high'"}, {},
    {"filter": "lastUpdateDateTime lt 2026-01-01T00:00:00Z"}, {"filter": "not (lastUpdateDateTime gt 2026-01-01T00:00:00Z)"},
    {"filter": "lastUpdateDateTime gt 2026-01-01T00:00:00Z or severity eq 'high'"},
])  # fmt: skip
async def test_other_questions_have_one_way(ground: Ground, options: dict[str, str]) -> None:
    assert planned(ground, **options).ways == ()


async def test_the_answer_is_the_same_for_few_and_many_and_on_every_page(ground: Ground) -> None:
    stamps = []
    for number in range(ROWS):
        created = real_clock.text((1_789_000_000 + number * 7919 % ROWS) * real_clock.SECOND)
        await ground.add(number, createdDateTime=created)
        row = await ground.row(number)
        assert row is not None
        stamps.append((row.record["lastUpdateDateTime"], row.record["createdDateTime"], row.record["id"]))
    for skipped in (0, 20, ROWS - FEW - 1, ROWS - FEW, ROWS - 3, ROWS - 1):
        since = stamps[skipped][0]
        expected = [key for _, _, key in sorted(stamps[skipped + 1 :], key=lambda one: (one[1], one[2]), reverse=True)]
        for text in (f"lastUpdateDateTime gt {since}", f"lastUpdateDateTime gt {since} and severity eq 'unknown'"):
            assert await everything(ground, text) == expected


async def everything(ground: Ground, text: str) -> list[str]:
    """Every page, each small."""
    query = bind.query(ground.model.sets["security/alerts_v2"], {"$filter": text, "$top": "70"}, ground.model)
    scoped = narrow(query, Caller(ground.tenant.number, ground.tenant.id, "app", "app", frozenset()))
    found: list[str] = []
    after = None
    while True:
        page = await ground.store.find(scoped, after)
        found += page.ids
        if page.next is None:
            assert await ground.store.count(scoped) == len(found)
            return found
        after = page.next


async def test_now_moves_with_the_clock(ground: Ground, clock: Any) -> None:
    await ground.add(1)
    assert await ground.ids(filter="lastUpdateDateTime gt now() sub duration'PT1M'") == ["da0001"]
    clock.forward(120)
    assert await ground.ids(filter="lastUpdateDateTime gt now() sub duration'PT1M'") == []



@pytest.mark.parametrize("order", [
    "isof(assignedTo,Edm.Date) and not (severity eq 'low')", "false and title eq 'x'", "title eq 'x' or true", "case(title eq 'x':1,true:1)",
])  # fmt: skip
async def test_an_order_that_comes_down_to_a_constant(ground: Ground, order: str) -> None:
    """No such key may be taken for the number of a column."""
    await ground.add(1)
    await ground.add(2)
    assert await ground.ids(orderby=f"{order},id desc") == ["da0002", "da0001"]
