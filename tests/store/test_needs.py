"""What a decision is shown: rows and where they redirect, what incidents hold, and what is needed once that is known."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import load
from secgraph.store import sight
from secgraph.store.facts import Facts, Needs
from secgraph.store.protocol import Deciding, Decision, Put, PutIncidentKey

if TYPE_CHECKING:
    from tests.store.conftest import Ground

CREATED = "2026-01-01T00:00:00.0000000Z"


async def shown(ground: Ground, needs: Needs) -> Facts:
    return await ground.store.write(ground.tenant.number, needs, lambda facts: Decision((), facts))


async def incident(ground: Ground, key: str, further: str | None = None) -> None:
    """Puts an incident, which may redirect."""
    one = load().sets[INCIDENTS]
    record: dict[str, Any] = {name: [] if item.collection else None for name, item in one.type.properties.items() if not item.navigation}
    record |= {"id": key, "createdDateTime": CREATED, "severity": "low", "status": "active", "redirectIncidentId": further}
    await ground.write(Put(one, {"@odata.etag": "", **record}, (), created=True))


async def test_an_incident_that_redirects_brings_all_that_it_leads_to(ground: Ground) -> None:
    for key, further in (("1", None), ("2", "1"), ("3", "2"), ("4", "gone")):
        await incident(ground, key, further)
    await ground.write(PutIncidentKey("space", "native", "3"))
    await ground.add(1, incidentId="3")
    ways = (
        Needs(rows=((INCIDENTS, "3"),)), Needs(incidents=(("space", "native"),)), Needs(rows=((ALERTS, "da0001"),), around=True),
    )  # fmt: skip
    for needs in ways:
        assert {key for path, key in (await shown(ground, needs)).rows if path == INCIDENTS} == {"1", "2", "3"}
    assert set((await shown(ground, Needs(rows=((INCIDENTS, "4"),)))).rows) == {(INCIDENTS, "4")}


async def test_a_circle_ends(ground: Ground) -> None:
    for key, further in (("1", "2"), ("2", "3"), ("3", "1")):
        await incident(ground, key, further)
    assert len((await shown(ground, Needs(rows=((INCIDENTS, "2"),)))).rows) == 3


async def test_what_incidents_hold(ground: Ground) -> None:
    other = await ground.registry.create_tenant("fabrikam")
    for number in range(6):
        await ground.add(number, incidentId=str(number % 2), createdDateTime=f"2026-01-0{9 - number}T00:00:00Z")
        await ground.add(100 + number, other, incidentId="0")
    facts = await shown(ground, Needs(held=(("0", 10), ("1", 2), ("9", 10))))
    assert facts.held == {"0": ["da0004", "da0002", "da0000"], "1": ["da0005", "da0003"], "9": []}
    assert facts.rows == {}, "their ids alone"


async def test_when_a_set_last_changed(ground: Ground) -> None:
    """As those before it in the same turn left it, and of no other tenant."""
    other = await ground.registry.create_tenant("fabrikam")
    needs = Needs(newest=(ALERTS, INCIDENTS))
    assert (await shown(ground, needs)).newest == {ALERTS: 0, INCIDENTS: 0}
    await incident(ground, "1")
    await ground.add(3, other)
    first = (await shown(ground, needs)).newest
    assert (first[ALERTS], first[INCIDENTS] > 0) == (0, True)
    before, _, after = await asyncio.gather(shown(ground, needs), ground.add(4), shown(ground, needs))
    assert before.newest == first
    assert after.newest[INCIDENTS] == first[INCIDENTS]
    assert after.newest[ALERTS] > first[INCIDENTS]


async def test_what_incidents_hold_is_bounded_in_all(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(12):
        await ground.add(number, incidentId=str(number // 4))
    monkeypatch.setattr(sight, "HELD", 5)
    facts = await shown(ground, Needs(held=(("0", 100), ("1", 100), ("2", 100))))
    assert [len(facts.held[key]) for key in ("0", "1", "2")] == [4, 2, 0], "one more than allowed, so that it can be told"


async def test_which_alerts_of_incidents_are_open(ground: Ground) -> None:
    other = await ground.registry.create_tenant("fabrikam")
    for number, status in enumerate(("new", "resolved", "inProgress", "unknown", "resolved", "new")):
        await ground.add(number, incidentId=str(number % 2), status=status, createdDateTime=f"2026-01-0{9 - number}T00:00:00Z")
        await ground.add(100 + number, other, incidentId="1", status="new")
    facts = await shown(ground, Needs(open=(("0", 10), ("1", 1), ("9", 10))))
    assert facts.open == {"0": ["da0002", "da0000"], "1": ["da0005"], "9": []}


async def test_a_need_may_follow_from_what_is_there(ground: Ground) -> None:
    for number in range(3):
        await ground.add(number, incidentId="7", assignedTo=f"da000{number + 1}")
    asked: list[list[str]] = []

    def further(facts: Facts) -> Deciding[Facts]:
        for _ in range(3):
            asked.append([key for _, key in facts.rows])
            yield Needs(rows=((ALERTS, list(facts.rows.values())[-1].record["assignedTo"]),))
        return Decision((), facts)

    facts = await ground.store.write(ground.tenant.number, Needs(rows=((ALERTS, "da0000"),)), further)
    assert [key for _, key in facts.rows] == ["da0000", "da0001", "da0002"]
    assert asked == [["da0000"], ["da0000", "da0001"], ["da0000", "da0001", "da0002"]]
