"""What is sifted from candidates is what SQLite answers by itself: the same rows, the same places to go on, the same number."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from tests.databases import OnSqlite
from tests.properties.alerts import ALERT, Record
from tests.properties.conditions import SIMPLE, Maker
from tests.properties.searches import searched
from tests.properties.test_meaning import sorted_by

from secgraph import clock
from secgraph.errors import BadOption
from secgraph.odata import bind
from secgraph.odata.query import Field, Order, Query
from secgraph.store.compile import compiled
from secgraph.store.native import native
from secgraph.store.sift import Candidate, Candidates, Sifter, in_order
from secgraph.store.sqlite.dialect import Sqlite
from secgraph.store.sqlite.file import connect

if TYPE_CHECKING:
    from tests.properties.conftest import Ground

    from secgraph.store.protocol import Key
    from secgraph.store.registry import Tenant

pytestmark = pytest.mark.sqlite
DRAFTS = st.lists(ALERT, min_size=3, max_size=5)
CHANCE = st.randoms(use_true_random=False)
BY_ID = (Order(Field("", ("id",), "text", nullable=False, column="id"), descending=False),)


def candidates_of(ground: Ground, tenant: Tenant, query: Query) -> Candidates:
    """What the columns and words of the real store find, in the order of the question where columns give it."""
    native_one = replace(query, where=native(query.where, query.of).test, order=query.order if in_order(query) else BY_ID)
    plan = compiled(native_one, Sqlite())

    async def candidates(after: Key | None, limit: int) -> Sequence[Candidate]:
        rows: list[Any] = []
        assert isinstance(ground.place, OnSqlite)
        with closing(connect(ground.place.path, write=False)) as connection:
            for statement in plan.statements(after):
                rows += connection.execute(statement.text, statement.values(tenant.number, limit - len(rows), clock.now)).fetchall()
            text = f'SELECT CAST("full" AS BLOB) FROM {plan.table} WHERE tenant = ? AND id = ?'
            full: list[Any] = [connection.execute(text, (tenant.number, row[1])).fetchall()[0][0] for row in rows]
        return [Candidate(row[0], more, row[1], tuple(row[2:])) for row, more in zip(rows, full, strict=True)]

    return candidates


def same(ground: Ground, tenant: Tenant, query: Query) -> None:
    """Every page, and the count."""
    sifter = Sifter(clock.now, deadline=60)
    candidates = candidates_of(ground, tenant, query)
    after: Key | None = None
    found = 0
    while True:
        expected = ground.page(tenant, query, after)
        assert ground.run(sifter.page(query, candidates, after)) == expected
        found += len(expected.ids)
        after = expected.next
        if after is None:
            break
    total = ground.count(tenant, query)
    assert ground.run(sifter.count(query, candidates)) == total
    assert found == max(total - query.skip, 0)
    event("none" if not found else "some")


def stored(ground: Ground, drafts: list[Record]) -> tuple[Tenant, list[Record]]:
    tenant = ground.tenant()
    return tenant, ground.put(tenant, [{**one, "id": f"{number:03}"} for number, one in enumerate(drafts)])


@pytest.mark.parametrize("group", [*SIMPLE, "everything", "searches"])
@given(drafts=DRAFTS, chance=CHANCE)
def test_any_condition_in_the_order_of_columns(ground: Ground, group: str, drafts: list[Record], chance: Random) -> None:
    tenant, records = stored(ground, drafts)
    maker = Maker(chance, records)
    for _ in range(2):
        options = {"$top": str(maker.one([1, 2, 3])), "$skip": str(maker.one([0, 0, 1, 4])), "$orderby": maker.one(["", "id", "severity desc", "assignedTo,createdDateTime desc"])}
        if group == "searches":
            options["$search"] = searched(chance, records).text
        else:
            options["$filter"] = maker.condition(maker.row, 2, "" if group == "everything" else group).text
        same(ground, tenant, bind.query(ground.alerts, {name: text for name, text in options.items() if text}, ground.model))


@given(drafts=DRAFTS, chance=CHANCE)
def test_an_order_by_anything(ground: Ground, drafts: list[Record], chance: Random) -> None:
    tenant, records = stored(ground, drafts)
    maker = Maker(chance, records)
    for _ in range(4):
        order = [f"{sorted_by(maker).text} {maker.one(['asc', 'desc'])}" for _ in range(maker.one([1, 2]))]
        order.append(maker.one(["id", "additionalData/mixed desc", "additionalData/other,additionalData/number desc", "resolvedDateTime"]))
        options = {"$orderby": ",".join(order), "$top": str(maker.one([1, 2])), "$skip": str(maker.one([0, 0, 1, 5]))}
        if maker.rarely():
            options["$filter"] = maker.condition(maker.row, 1).text
        try:
            query = bind.query(ground.alerts, options, ground.model)
        except BadOption:  # the same for all
            continue
        if "now()" not in options["$orderby"]:  # which is another one for every page
            same(ground, tenant, query)
