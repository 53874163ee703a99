"""The alerts that name a thing: whichever way they are found, the same ones, in the same order, on every page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.store.test_subjects import judged

from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow
from secgraph.odata import bind
from secgraph.odata.query import Naming, Query
from secgraph.store.judgements import SLOT
from secgraph.store.protocol import Change, Key, PutJudged

if TYPE_CHECKING:
    from tests.store.conftest import Ground

    from secgraph.store.registry import Tenant

THING, OTHER = 7, -(2**63)
NAMED = (1, 2, 3, 5, 8, 13, 21)
SEVERITIES = ("low", "high", "medium")


async def filled(ground: Ground) -> None:
    """Alerts 1 to 24, of which some name the thing and all the other one; another tenant's all name both."""
    changes: list[Change] = []
    for number in range(1, 25):
        record = ground.alert(
            number, title=f"t{number:02} {'odd' if number % 2 else 'even'}", severity=SEVERITIES[number % 3], category=f"c{number % 4}",
            createdDateTime=f"2026-11-{1 + number % 7:02}T00:00:00Z",
        )  # fmt: skip
        keys = (OTHER, THING) if number in NAMED else (OTHER,)
        changes += [ground.put(record), PutJudged(judged(number, *keys, last=(number % 5 - 2) * SLOT + number % 3))]
    await ground.write(*changes)
    other = await ground.registry.create_tenant("fabrikam")
    for number in (1, 2, 50):
        await ground.add(number, other)
        await ground.write(PutJudged(judged(number, THING, OTHER)), tenant=other)


def asked(ground: Ground, thing: int, few: bool, options: dict[str, str]) -> Query:
    query = bind.query(ground.model.sets["security/alerts_v2"], {f"${name}": text for name, text in options.items()}, ground.model)
    return replace(query, naming=Naming(thing, few))


async def ids(ground: Ground, query: Query, tenant: Tenant | None = None) -> list[str]:
    """All pages."""
    caller = Caller((tenant or ground.tenant).number, "", "app", "app", frozenset())
    found = list[str]()
    after: Key | None = None
    while True:
        page = await ground.store.find(narrow(query, caller), after)
        found += page.ids
        after = page.next
        if after is None:
            return found


@pytest.mark.parametrize("few", [True, False])
async def test_they_are_those_of_all_that_name_it(ground: Ground, few: bool) -> None:
    await filled(ground)
    named = {f"da{number:04}" for number in NAMED}
    caller = Caller(ground.tenant.number, "", "app", "app", frozenset())
    for options in (
        {}, {"orderby": "createdDateTime"}, {"orderby": "title desc"}, {"orderby": "severity,lastUpdateDateTime desc"}, {"filter": "severity eq 'high'"},
        {"filter": "severity ne 'high' and status eq 'new'"}, {"filter": "category eq 'c1'"}, {"filter": "category eq 'c1' or severity eq 'low'", "orderby": "category"},
        {"filter": "lastUpdateDateTime gt 2000-01-01T00:00:00Z"}, {"search": "odd"}, {"search": "odd", "filter": "severity eq 'high'"}, {"filter": "endswith(title,'even')"},
        {"filter": "title eq 't21 odd'"}, {"filter": "title eq 't22 even'"}, {"filter": "false"}, {"filter": "createdDateTime ge 2026-11-04T00:00:00Z"},
        {"filter": "length(title) gt 7", "orderby": "length(title)"},
    ):  # fmt: skip
        everything = [key for key in await ground.ids(None, **options) if key in named]
        for top in ("100", "3", "1"):
            assert await ids(ground, asked(ground, THING, few, {**options, "top": top})) == everything, (options, top)
        assert await ground.store.count(narrow(asked(ground, THING, few, options), caller)) == len(everything), options
        skipped = await ground.store.find(narrow(asked(ground, THING, few, {**options, "skip": "2", "top": "2"}), caller))
        assert skipped.ids == everything[2:4], options


@pytest.mark.parametrize("few", [True, False])
async def test_what_all_name_and_what_nobody_does(ground: Ground, few: bool) -> None:
    await filled(ground)
    assert await ids(ground, asked(ground, OTHER, few, {"top": "5"})) == await ground.ids()
    assert await ids(ground, asked(ground, 99, few, {})) == []
    [other] = [one for one in await ground.registry.tenants() if one.number != ground.tenant.number]
    assert sorted(await ids(ground, asked(ground, THING, few, {"top": "2"}), other)) == ["da0001", "da0002", "da0050"]
    caller = Caller(other.number, "", "app", "app", frozenset())
    assert await ground.store.count(narrow(asked(ground, THING, few, {}), caller)) == 3
