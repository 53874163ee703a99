"""A question for a value of the evidence is answered from the rows that hold its words, whatever the order, on every page."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from tests.store.conftest import Ground

from secgraph import clock as real_clock
from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow
from secgraph.errors import TooSlow
from secgraph.model.choices import ALERTS
from secgraph.model.edm import load
from secgraph.odata import bind
from secgraph.odata.query import Query
from secgraph.store.compile import FEW, SEVERAL, Plan, compiled
from secgraph.store.sqlite.dialect import Sqlite
from secgraph.store.sqlite.file import connect
from secgraph.store.sqlite.store import open_store

pytestmark = pytest.mark.sqlite
"""PostgreSQL's planner finds its ways by itself."""

SPACE = "microsoft.graph.security"
ROWS = FEW + 40
RARE = 30
"""Every so many alerts have the address that few have."""


def address(value: str) -> str:
    return f"evidence/any(e: e/{SPACE}.ipEvidence/ipAddress eq '{value}')"


def asked(ground: Ground, **options: str) -> Query:
    return bind.query(ground.model.sets[ALERTS], {f"${name}": text for name, text in options.items()}, ground.model)


async def crowded(ground: Ground) -> None:
    """Alerts that all hold one address, and few of them another; two of those only in their title."""
    records = []
    for number in range(ROWS):
        values = ["10.0.0.5", *(["192.0.2.9"] if number % RARE == 0 else [])]
        evidence = [{"@odata.type": f"#{SPACE}.ipEvidence", "ipAddress": value} for value in values]
        created = real_clock.text((1_789_000_000 + number * 7919 % ROWS) * real_clock.SECOND)
        title = "about 192.0.2.9" if number in {1, 2} else f"t{number % 7}"
        records.append(ground.alert(number, createdDateTime=created, title=title, evidence=evidence, severity=["low", "high"][number % 2]))
    await ground.write(*map(ground.put, records))
    other = await ground.registry.create_tenant("fabrikam")
    await ground.add(9000, tenant=other, title="theirs", evidence=[{"@odata.type": f"#{SPACE}.ipEvidence", "ipAddress": "192.0.2.9"}])


QUESTIONS = [
    {"filter": address("192.0.2.9")}, {"filter": address("10.0.0.5")}, {"filter": address("10.0.0.9")}, {"filter": f"{address('192.0.2.9')} and severity eq 'high'"},
    {"filter": address("192.0.2.9"), "orderby": "title,severity desc"}, {"filter": f"{address('192.0.2.9')} or title eq 't3'", "orderby": "id"},
    {"filter": f"{address('10.0.0.5')} and not (title eq 't3')", "orderby": "assignedTo desc,id"}, {"search": '"192.0.2.9"'}, {"search": '"10.0.0.5"', "orderby": "title"},
    {"filter": address("192.0.2.9"), "search": "t3 OR t4"}, {"filter": f"{address('192.0.2.9')} and lastUpdateDateTime gt 2026-01-01T00:00:00Z", "orderby": "title"},
    {"filter": f"evidence/any(e: e/{SPACE}.ipEvidence/ipAddress in ('192.0.2.9','10.0.0.9'))"}, {"filter": "title in ('t1','t2') and severity eq 'low'"},
]  # fmt: skip


def walked(ground: Ground, plan: Plan) -> list[str]:
    """Every page of one way, by the statements that it is read with."""
    found: list[str] = []
    with closing(connect(ground.path, write=False)) as connection:
        statements = [plan.first()]
        while True:
            rows: list[Any] = []
            for statement in statements:
                rows += connection.execute(statement.text, statement.values(1, 7 - len(rows), real_clock.now)).fetchall()
                if len(rows) == 7:
                    break
            found += [row[1] for row in rows]
            if len(rows) < 7:
                for (count,) in connection.execute(*plan.tally(1, real_clock.now)):
                    assert count == len(found)
                return found
            statements = plan.segments(tuple(rows[-1][2:]))


async def test_every_way_leads_to_the_same_rows(ground: Ground) -> None:
    await crowded(ground)
    for options in QUESTIONS:
        plan = compiled(asked(ground, **options), Sqlite())
        assert plan.ways
        expected = walked(ground, plan)
        assert len(set(expected)) == len(expected)
        for way in plan.ways:
            assert walked(ground, way.plan) == expected, options
    assert len(walked(ground, compiled(asked(ground, **QUESTIONS[0]), Sqlite()))) == ROWS // RARE


@pytest.mark.parametrize("inline", [10.0, 0.0])
async def test_the_store_answers_the_same_on_the_event_loop_and_away_from_it(ground: Ground, inline: float) -> None:
    await crowded(ground)
    store = open_store(ground.path, load(), real_clock.now, inline=inline)
    try:
        for options in QUESTIONS:
            query = asked(ground, **options, top="7")
            scoped = narrow(query, Caller(ground.tenant.number, ground.tenant.id, "", "", frozenset()))
            found, after = [], None
            while True:
                page = await store.find(scoped, after)
                found += page.ids
                after = page.next
                if after is None:
                    break
            assert found == walked(ground, compiled(query, Sqlite())), options
            assert await store.count(scoped) == len(found)
    finally:
        await store.close()


async def test_the_rows_with_those_words_are_where_it_starts(ground: Ground) -> None:
    plan = compiled(asked(ground, filter=f"{address('192.0.2.9')} and severity eq 'high'"), Sqlite())
    with closing(connect(ground.path, write=False)) as connection:

        def said(of: Plan) -> str:
            statement = of.first()
            return str(connection.execute(f"EXPLAIN QUERY PLAN {statement.text}", statement.values(1, 5, real_clock.now)).fetchall()[0][3])

        few, several = plan.ways
        assert (few.most, several.most, several.apart) == (FEW, SEVERAL, True)
        assert "INTEGER PRIMARY KEY" in said(few.plan)
        assert "alerts_v2_severity" in said(plan)
        assert "alerts_v2_severity" in said(several.plan)
        for text in (few.plan.first().text, few.plan.tally(1, real_clock.now).text):
            assert "alerts_v2_words" in text
        assert "alerts_v2_words" not in plan.first().text


@pytest.mark.parametrize(("text", "ways"), [
    (address("--"), 0), (f"not ({address('a')})", 0), ("severity eq 'high'", 0), (f"evidence/any(e: e/{SPACE}.ipEvidence/ipAddress in ({{many}}))", 0),
    (f"evidence/any(e: e/{SPACE}.ipEvidence/ipAddress in ({{many}})) and title eq 'a'", 2),
])  # fmt: skip
def test_what_needs_no_words_or_too_many_has_no_such_way(text: str, ways: int) -> None:
    text = text.replace("{many}", ",".join(f"'v{number}'" for number in range(201)))
    model = load()
    assert len(compiled(bind.query(model.sets[ALERTS], {"$filter": text}, model), Sqlite()).ways) == ways


async def test_two_hundred_values_are_looked_for_at_once(ground: Ground) -> None:
    await crowded(ground)
    listed = ",".join(f"'192.0.2.{number}'" for number in range(200))
    text = f"evidence/any(e: e/{SPACE}.ipEvidence/ipAddress in ({listed}))"
    assert compiled(asked(ground, filter=text), Sqlite()).ways[0].apart
    assert len(await ground.ids(filter=text)) == ROWS // RARE


async def test_a_question_that_is_too_slow_names_nothing_that_words_lead_to(ground: Ground) -> None:
    evidence = [{"@odata.type": f"#{SPACE}.ipEvidence", "ipAddress": "10.0.0.5", "tags": ["a"] * 30}] * 5
    await ground.write(*(ground.put(ground.alert(number, description="x" * 500, evidence=evidence)) for number in range(1_500)))
    store = open_store(ground.path, load(), real_clock.now, deadline=0.001, inline=0.0)
    try:
        query = asked(ground, filter=f"{address('10.0.0.5')} and contains(description,'nowhere')")
        with pytest.raises(TooSlow) as refusal:
            await store.find(narrow(query, Caller(ground.tenant.number, "", "", "", frozenset())))
    finally:
        await store.close()
    assert "no index answers description." in refusal.value.message


@pytest.mark.parametrize(("inline", "apart"), [(10.0, False), (0.0, True)])
async def test_after_a_search_that_nothing_broke_off_searches_go_to_the_threads(ground: Ground, inline: float, apart: bool) -> None:
    await ground.add(1, title="word")
    store = open_store(ground.path, load(), real_clock.now, inline=inline)
    try:
        for options in ({"search": "word"}, {"filter": "title eq 'word'"}, {"orderby": "id"}):
            query = asked(ground, **options)
            assert len((await store.find(narrow(query, Caller(ground.tenant.number, "", "", "", frozenset())))).ids) == 1
            assert store._plans[query].overruns == (1 if inline == 0.0 and options != {"filter": "title eq 'word'"} else 0)  # noqa: SLF001 -- what is kept shows nowhere else
        assert bool(store._others) is apart  # noqa: SLF001 -- whether a thread was needed shows nowhere else
    finally:
        await store.close()
