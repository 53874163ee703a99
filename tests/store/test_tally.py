"""How many rows have which status, severity and the like: known without a look at the rows, and always right."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from tests.store.conftest import Ground

from secgraph.access.caller import Caller
from secgraph.access.narrow import narrow
from secgraph.errors import Stale
from secgraph.model.choices import ALERTS
from secgraph.odata import bind
from secgraph.odata.query import Query
from secgraph.store.compile import compiled
from secgraph.store.facts import Facts, Needs
from secgraph.store.protocol import Decision
from secgraph.store.registry import Tenant
from secgraph.store.sqlite.dialect import Sqlite

NAMES = ("severity", "status", "serviceSource", "classification", "determination")


def asked(ground: Ground, text: str | None) -> Query:
    return bind.query(ground.model.sets[ALERTS], {"$filter": text} if text else {}, ground.model)


async def counted(ground: Ground, text: str | None, tenant: Tenant | None = None) -> int:
    tenant = tenant or ground.tenant
    caller = Caller(tenant.number, tenant.id, "app", "app", frozenset())
    return await ground.store.count(narrow(asked(ground, text), caller))


def listed(ground: Ground, tenant: int) -> tuple[Counter[Any], Counter[Any]]:
    """The combinations of the rows, and those that the tally tells."""
    names = ", ".join(f'"{name}"' for name in NAMES)
    rows = ground.place.rows(f"SELECT {names} FROM alerts_v2 WHERE tenant = ?", tenant)
    told = ground.place.rows(f"SELECT {names}, many FROM alerts_v2_tally WHERE tenant = ?", tenant)
    return Counter(rows), Counter({tuple(row[:-1]): int(str(row[-1])) for row in told if row[-1]})


@pytest.mark.parametrize(("text", "by_tally"), [
    (None, True), ("severity eq 'high'", True), ("severity in ('high','low') and status ne 'resolved'", True),
    ("not (status eq 'new') or classification eq null", True), ("severity ge 'medium'", True), ("serviceSource eq 'microsoftSentinel'", True),
    ("severity eq 'high' and assignedTo eq 'bob'", False), ("createdDateTime gt 2026-01-01T00:00:00Z", False), ("severity eq 'high' and contains(title,'a')", False),
    ("evidence/any(e:e/verdict eq 'malicious')", False), ("detectionSource eq 'unknown'", False),
])  # fmt: skip
async def test_a_count_over_enumerations_asks_no_row(ground: Ground, text: str | None, *, by_tally: bool) -> None:
    plan = compiled(asked(ground, text), Sqlite())
    assert ("_tally" in plan.tally(1, lambda: 0).text) is by_tally


async def test_the_tally_is_what_the_rows_are(ground: Ground) -> None:
    chance, other = random.Random(4), await ground.registry.create_tenant("fabrikam")  # noqa: S311 -- made-up data
    for step in range(120):
        tenant = other if step % 3 == 0 else ground.tenant
        severity, status = chance.choice(["low", "high"]), chance.choice(["new", "resolved"])
        source = chance.choice([None, "microsoftSentinel", "microsoftDefenderForEndpoint"])
        records = [ground.alert(chance.randrange(20), severity=severity, status=status, serviceSource=source) for _ in range(chance.randrange(1, 4))]
        await ground.write(*map(ground.put, records), tenant=tenant)
    for tenant in (ground.tenant, other):
        rows, told = listed(ground, tenant.number)
        assert rows == told
        assert len(rows) > 5
        assert await counted(ground, None, tenant) == sum(rows.values())
        assert await counted(ground, "severity eq 'high' and status eq 'new'", tenant) == len(
            await ground.ids(tenant, filter="severity eq 'high' and status eq 'new'"))  # fmt: skip


async def test_a_write_that_is_refused_counts_nothing(ground: Ground) -> None:
    await ground.add(1, severity="high")

    def refuse(facts: Facts) -> Decision[None]:
        raise Stale(str(facts.now))

    with pytest.raises(Stale):
        await ground.store.write(ground.tenant.number, Needs(), refuse)
    broken = ground.alert(2)
    del broken["severity"]
    with pytest.raises(KeyError):
        await ground.write(ground.put(ground.alert(3)), ground.put(broken))
    assert await counted(ground, None) == 1
    await ground.registry.delete_tenant(ground.tenant)
    assert listed(ground, ground.tenant.number) == (Counter(), Counter())
