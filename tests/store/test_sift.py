"""Sifting is bounded: by its deadline, by the turns it leaves to others, and by what it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from tests.store.conftest import Ground

from secgraph import clock as real_clock
from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow
from secgraph.errors import TooSlow
from secgraph.model.choices import ALERTS
from secgraph.model.edm import load
from secgraph.odata import bind
from secgraph.odata.query import Compare, Const, Field, Not, Query
from secgraph.store.protocol import Key, Page
from secgraph.store.sift import BORN, LARGEST, SKIPPED, SMALLEST, Candidate, Candidates, Sifter

MODEL = load()


def asked(**options: str) -> Query:
    return bind.query(MODEL.sets[ALERTS], {f"${name}": text for name, text in options.items()}, MODEL)


def standing(rows: int, limits: list[int] | None = None, **members: Any) -> Candidates:
    """So many rows in the order of their ids; the second half has a title."""

    async def candidates(after: Key | None, limit: int) -> Sequence[Candidate]:
        first = 0 if after is None else int(after[0]) + 1
        if limits is not None:
            limits.append(limit)
        found = []
        for number in range(first, min(first + limit, rows)):
            record = {"id": f"{number:06}", "title": "b" if number >= rows / 2 else None, **members}
            found.append(Candidate(msgspec.json.encode(record), None, f"{number:06}", (f"{number:06}",)))
        return found

    return candidates


def sifter(deadline: float = 30.0, slice_seconds: float = 0.003) -> Sifter:
    return Sifter(real_clock.now, deadline=deadline, slice_seconds=slice_seconds)


async def test_portions_grow_and_end_when_the_page_is_full() -> None:
    limits: list[int] = []
    rows = 10_000
    page = await sifter().page(asked(filter="title eq 'b'", orderby="id", top="3"), standing(rows, limits))
    assert page.ids == ["005000", "005001", "005002"]
    assert (page.next, page.last) == (("005002",), ("005002",))
    assert limits[:6] == [SMALLEST, 200, 400, 800, 1600, LARGEST]
    assert sum(limits) < rows
    assert await sifter().count(asked(filter="title eq 'b'"), standing(rows, limits)) == rows / 2
    assert max(limits) == LARGEST


@pytest.mark.parametrize(("rows", "skip", "ids", "more"), [
    (5, 0, ["000000", "000001"], True), (5, 3, ["000003", "000004"], False), (5, 2, ["000002", "000003"], True), (5, 5, [], False), (0, 0, [], False), (0, 3, [], False), (2, 0, ["000000", "000001"], False),
    (SMALLEST, SMALLEST - 1, ["000099"], False), (250, 120, ["000120", "000121"], True),
])  # fmt: skip
@pytest.mark.parametrize("orderby", ["id", "title,id"])
async def test_pages_and_skips(rows: int, skip: int, ids: list[str], more: bool, orderby: str) -> None:
    page = await sifter().page(asked(orderby=orderby, top="2", skip=str(skip)), standing(rows, title=None))
    assert (page.ids, page.next is not None) == (ids, more)


async def test_a_page_of_nothing_asks_for_nothing() -> None:
    limits: list[int] = []
    assert await sifter().page(asked(top="0"), standing(5, limits)) == Page([], [], None)
    assert limits == []


@pytest.mark.parametrize("options", [{"filter": "contains(description,'x')"}, {"orderby": "description"}])
async def test_past_the_deadline_it_says_what_no_index_answers(options: dict[str, str]) -> None:
    with pytest.raises(TooSlow) as refusal:
        await sifter(0.05).page(asked(**options), standing(10**9, description="y"))
    assert refusal.value.message == "The query did not finish within 0.05 s: no index answers description."
    with pytest.raises(TooSlow):
        await sifter(0.05).count(asked(filter="contains(description,'x')"), standing(10**9, description="y"))


async def test_a_database_that_does_not_answer_is_under_the_same_deadline() -> None:
    async def never(after: Key | None, limit: int) -> Sequence[Candidate]:
        del after, limit
        await asyncio.sleep(60)
        return []

    with pytest.raises(TooSlow):
        await sifter(0.02).count(asked(), never)


async def test_somebody_elses_timeout_stays_what_it_is() -> None:
    async def broken(after: Key | None, limit: int) -> Sequence[Candidate]:
        del after, limit
        raise TimeoutError("the database went away")

    with pytest.raises(TimeoutError, match="went away"):
        await sifter().count(asked(), broken)


async def test_everything_else_has_its_turn_between_two_slices() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    waiting = asyncio.ensure_future(others())
    one = sifter(slice_seconds=0.0)
    try:
        # Three at once: still one slice, of one row here, before the others have their turn.
        counts = await asyncio.gather(*(one.count(asked(filter="title eq 'b'"), standing(200)) for _ in range(3)))
    finally:
        waiting.cancel()
    assert counts == [100] * 3
    assert turns >= 3 * 200


async def test_a_condition_on_the_first_commit_is_judged_by_what_the_database_tells_of_it() -> None:
    rows = [Candidate(msgspec.json.encode({"id": str(born), "title": "a"}), None, str(born), (str(born),), born) for born in (-1, 0, 5, 6)]

    async def candidates(after: Key | None, limit: int) -> Sequence[Candidate]:
        return [row for row in rows if after is None or row.place > after][:limit]

    first = Field("", (BORN,), "moment", nullable=False, column=BORN)
    older = Compare("le", first, Const(5, "moment"), "moment")
    query = replace(asked(orderby="id"), where=older)
    assert (await sifter().page(query, candidates)).ids == ["-1", "0", "5"]
    assert await sifter().count(replace(query, where=Not(older)), candidates) == 1


async def test_an_order_that_no_column_gives_does_not_skip_without_end() -> None:
    with pytest.raises(TooSlow) as refusal:
        await sifter().page(asked(orderby="title", skip=str(SKIPPED + 1)), standing(3))
    assert "title" in refusal.value.message


MIXED: dict[str, Any] = {"a": None, "b": [1, "Z"], "c": {"k": "Ü"}, "d": 5, "e": -0.5, "f": True, "g": "5", "h": "É", "i": "é", "j": "[0]", "k": 2**53 + 1, "l": 0, "m": False}
"""What a member of an open type may be."""


@pytest.mark.parametrize("order", ["additionalData/a", "additionalData/a desc", "additionalData/a desc,id desc", "title,additionalData/a"])
async def test_what_a_member_of_an_open_type_may_be_has_the_order_that_sqlite_gives_it(ground: Ground, order: str) -> None:
    records = [ground.alert(number, additionalData={"a": value}) for number, value in enumerate(MIXED.values())]
    await ground.write(*map(ground.put, records))
    rows = [Candidate(msgspec.json.encode(record), None, record["id"], (record["id"],)) for record in records]

    async def candidates(after: Key | None, limit: int) -> Sequence[Candidate]:
        return [row for row in rows if after is None or row.place > after][:limit]

    query = asked(orderby=order, top="2")
    scoped = narrow(query, Caller(ground.tenant.number, "", "", "", frozenset()))
    after: Key | None = None
    while True:
        expected = await ground.store.find(scoped, after)
        page = await sifter().page(query, candidates, after)
        assert (page.ids, page.next, page.last) == (expected.ids, expected.next, expected.last)
        after = page.next
        if after is None:
            break
