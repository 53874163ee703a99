"""Scores by their days: written, written again and taken away in any order, each reads as it was written last."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from secgraph import clock
from secgraph.model.edm import load
from secgraph.store.facts import Facts, Needs
from secgraph.store.protocol import Change, Decision, Put, Remove
from secgraph.testing import Graph

SETS = ("security/secureScores", "security/upstreamSecureScores")
FIRST = (clock.ticks("2026-03-01T00:00:00Z") or 0) // clock.DAY
DAYS = 12

Step = tuple[str, int, dict[str, tuple[float, int | None]] | None, str, int]


def step(random: Random) -> Step:
    """Whose score of which day, its entries or that it goes, what is odd about it, and at which hour it was made."""
    names = random.sample(("a", "b", "B", "c ü", 'd"'), random.randrange(6))
    listed = {name: (random.choice((0.0, 2.5, 5.0)), random.choice((0, 1, 2, None))) for name in names}
    odd = random.choice(("", "", "", "unsorted", "twice", "another id"))
    return random.choice(("t1", "T2")), random.randrange(DAYS), random.choice((listed, listed, listed, None)), odd, random.randrange(24)


def score(series: str, day: int, listed: dict[str, tuple[float, int | None]], odd: str, hour: int) -> dict[str, Any]:
    """A score as it is written; its list is odd in some way."""
    at = clock.text((FIRST + day) * clock.DAY + hour * 36_000_000_000)
    items = [
        {"controlName": name, "score": points, **({} if synced is None else {"lastSynced": f"2026-03-0{synced + 1}T00:00:00Z"})}
        for name, (points, synced) in sorted(listed.items())
    ]
    if odd == "unsorted":
        items.reverse()
    if odd == "twice":
        items += items[:1]
    key = f"{series}_{at[:10]}" if odd != "another id" else f"{series}-{day}"
    return {"id": key, "azureTenantId": series, "createdDateTime": at, "currentScore": float(day), "controlScores": items}


async def write(graph: Graph, path: str, *changes: tuple[str, dict[str, Any] | None]) -> None:
    one = load().sets[path]
    keys = tuple(key.casefold() for key, _ in changes)

    def decide(facts: Facts) -> Decision[None]:
        made: list[Change] = []
        for key, record in changes:
            there = facts.rows.get((path, key.casefold()))
            if record is not None:
                whole = {**dict.fromkeys(one.type.properties), **record}
                made.append(Put(one, whole, (), created=there is None))
            elif there is not None:
                made.append(Remove(one, key.casefold()))
        return Decision(made, None)

    await graph.core.store.write(graph.tenant.number, Needs(rows=tuple((path, key) for key in keys)), decide)


def plain(record: dict[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in ("id", "azureTenantId", "createdDateTime", "currentScore")} | {
        "controlScores": [{name: value for name, value in item.items() if value is not None} for item in record["controlScores"]]
    }


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("path", SETS)
async def test_a_score_reads_as_it_was_written(graph: Graph, path: str, seed: int) -> None:
    random = Random(seed)  # noqa: S311 -- to be made again
    model: dict[str, dict[str, Any]] = {}
    for place in range(25):
        series, day, listed, odd, hour = step(random)
        record = score(series, day, listed or {}, odd, hour)
        key = record["id"].casefold()
        if listed is None:
            model.pop(key, None)
            await write(graph, path, (key, None))
        else:
            model[key] = record
            await write(graph, path, (key, record))
        if place % 6 == 0:
            await read(graph, path, model, random.randrange(3, 12))
    await read(graph, path, model, random.randrange(1, 12))


async def read(graph: Graph, path: str, model: dict[str, dict[str, Any]], page: int) -> None:
    """Everything, by page and one by one, and by what is in its list."""
    wanted = sorted(model.values(), key=lambda one: (one["createdDateTime"], one["id"].casefold()), reverse=True)
    found: list[dict[str, Any]] = []
    body = await graph.get(path, top=str(page))
    found += body["value"]
    while "@odata.nextLink" in body:
        body = await graph.get(body["@odata.nextLink"])
        found += body["value"]
    assert [plain(one) for one in found] == [plain(one) for one in wanted]
    for one in wanted[:2]:
        assert plain(await graph.get(f"{path}/{one['id']}")) == plain(one)
    condition = "controlScores/any(c: c/score gt 2)"
    some = await graph.get(path, filter=condition, top="100", count="true")
    high = [one for one in wanted if any(item["score"] > 2 for item in one["controlScores"])]
    assert [one["id"] for one in some["value"]] == [one["id"] for one in high]
    assert some["@odata.count"] == len(high)
    assert [plain(one) for one in some["value"]] == [plain(one) for one in high]
    short = await graph.get(path, select="id,currentScore", top="100")
    assert [(one["id"], one["currentScore"]) for one in short["value"]] == [(one["id"], one["currentScore"]) for one in wanted]
    assert not any("controlScores" in one for one in short["value"])


async def test_scores_of_many_days_are_written_in_one_turn(graph: Graph) -> None:
    """As an upstream Graph gives them: the newest first, some of them again."""
    path, model = SETS[1], {}
    listed: dict[str, tuple[float, int | None]] = {"a": (2.5, 1), "b": (5.0, 1)}
    for turn in ((9, 8, 7, 4), (9, 6, 5, 4, 3), (10, 9, 1)):
        records = [score("t1", day, {**listed, "a": (float(day % 3), day % 3)} if day % 4 else {"b": (5.0, 0)}, "", 5) for day in turn]
        model.update({record["id"].casefold(): record for record in records})
        await write(graph, path, *((record["id"], record) for record in records))
        await read(graph, path, model, 4)


async def test_a_score_is_read_whole_while_it_is_computed(graph: Graph) -> None:
    """What stands in it and what its entries say are of one commit, however often it is written meanwhile."""
    path = SETS[0]

    async def compute() -> None:
        for number in range(60):
            points = float(number % 7)
            listed: dict[str, tuple[float, int | None]] = {f"c{each:03}": (points, number % 3) for each in range(number % 5 + 1)}
            record = score("t1", 3, listed, "", 5)
            await write(graph, path, (record["id"], {**record, "currentScore": points * len(listed)}))

    computing = asyncio.create_task(compute())
    looked = 0
    try:
        while not computing.done():
            for found in (await graph.get(path))["value"]:
                looked += 1
                assert sum(one["score"] for one in found["controlScores"]) == found["currentScore"]
                assert all("lastSynced" in one for one in found["controlScores"])
            await asyncio.sleep(0)
    finally:
        await computing
    assert looked > 5


async def test_what_stays_the_same_is_kept_once(graph: Graph) -> None:
    path = SETS[0]
    listed: dict[str, tuple[float, int | None]] = {f"control-{number:03}": (1.0, 1) for number in range(100)}
    for day in range(10):
        listed = {**listed, "control-007": (float(day % 2), 1)}
        record = score("t1", day, {name: (points, day % 3) for name, (points, _) in listed.items()}, "", 5)
        for again in range(3):  # a day is computed more than once
            await write(graph, path, (record["id"], {**record, "currentScore": float(again)}))
    rows = await graph.core.store.fetch("score_entries_between", tenant=graph.tenant.number, kind="secureScores", first=0, last=FIRST + 100)
    assert len(rows) == 99 + 10 + 10, "99 that never change, one that always does, and a row a day of what varies"
    assert sum(len(row["entry"]) for row in rows) < 15_000


async def test_a_page_of_large_scores_has_as_many_as_fit(graph: Graph) -> None:
    path = SETS[0]
    listed: dict[str, tuple[float, int | None]] = {f"control-{number:04}": (1.0, 1) for number in range(4000)}
    records = [score("t1", day, listed, "", 5) for day in range(DAYS)]
    for record in records:
        await write(graph, path, (record["id"], record))
    pages = []
    body = await graph.get(path)
    while True:
        pages.append(len(body["value"]))
        if "@odata.nextLink" not in body:
            break
        body = await graph.get(body["@odata.nextLink"])
    assert sum(pages) == DAYS
    assert 1 < len(pages) < DAYS
