"""The status of an incident that only machines had to do with, as sources resolve and open its alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import load
from secgraph.store.facts import Facts, Needs
from secgraph.store.protocol import Decision, Put

if TYPE_CHECKING:
    from tests.ingest.conftest import Intake


def told(key: str, status: str = "new", incident: str | None = "n1", updated: int = 1, **members: Any) -> dict[str, Any]:
    more = {"resolvedDateTime": "2026-11-01T00:00:00Z"} if status == "resolved" else {}
    alert = {"title": key, "status": status, "createdDateTime": "2026-10-01T00:00:00Z", **more, **members}
    return {"id": key, "updated": updated * 10**7 * 10**6, "incident": incident, "alert": alert}


async def status(intake: Intake) -> list[str]:
    """The status of each incident, in the order of their numbers."""
    return [str(row["status"]) for row in sorted(await intake.incidents(), key=lambda row: int(row["id"]))]


async def touch(intake: Intake, **members: Any) -> None:
    """A person writes these members of incident 1."""
    sets = load().sets[INCIDENTS]

    def decide(facts: Facts) -> Decision[None]:
        record = {**facts.rows[INCIDENTS, "1"].record, **members}
        return Decision([Put(sets, record, tuple(members), touched=dict.fromkeys(members, facts.now), cause="app:x")], None)

    await intake.store.write(intake.tenant.number, Needs(rows=((INCIDENTS, "1"),)), decide)


async def test_an_incident_is_resolved_with_the_last_of_its_alerts(intake: Intake) -> None:
    await intake.take(told("a"), told("b"), told("c"), told("d", "resolved"))
    await intake.take(told("a", "resolved", updated=2), told("b", "resolved", updated=2))
    assert await status(intake) == ["active"]
    before = len(await intake.events())
    await intake.take(told("c", "resolved", updated=3))
    assert await status(intake) == ["resolved"]
    [(_, first, _), (_, last, changed)] = (await intake.events())[before:]
    assert (first, last, changed) == ("alerts_v2", "incidents", ["status"])
    await intake.take(told("c", "resolved", updated=4, title="Told again"))
    assert await status(intake) == ["resolved"]


@pytest.mark.parametrize("many", [3, 40])
async def test_all_of_them_in_one_delivery(intake: Intake, many: int) -> None:
    await intake.take(*(told(f"a{n}") for n in range(many)), told("x", incident="n2"))
    await intake.take(*(told(f"a{n}", "resolved", updated=2) for n in range(many)))
    assert await status(intake) == ["resolved", "active"]


async def test_one_that_comes_and_goes_in_one_delivery(intake: Intake) -> None:
    await intake.take(told("a"), told("b"), told("b", "resolved", updated=2))
    assert await status(intake) == ["active"], "the one that opened it is open"
    await intake.take(told("c", incident="n2"), told("c", "resolved", incident="n2", updated=2))
    assert await status(intake) == ["active", "resolved"]


async def test_an_open_alert_is_not_hidden_in_a_resolved_incident(intake: Intake) -> None:
    await intake.take(told("a", "resolved"))
    assert await status(intake) == ["resolved"]
    await intake.take(told("b", "resolved"))
    assert await status(intake) == ["resolved"]
    await intake.take(told("c"))
    assert await status(intake) == ["active"]
    await intake.take(told("c", "resolved", updated=2))
    assert await status(intake) == ["resolved"]
    await intake.take(told("a", updated=3))
    assert await status(intake) == ["active"], "its source opened one again"


async def test_of_a_delivery_with_both_the_open_one_counts(intake: Intake) -> None:
    await intake.take(told("a", "resolved"), told("b"), told("c", "resolved"))
    assert await status(intake) == ["active"]


async def test_a_resolved_incident_that_takes_open_alerts_over_is_active(intake: Intake) -> None:
    """An alert that comes resolved may hold two incidents together, of which one is resolved and the other is not."""
    def naming(key: str, state: str, *names: str) -> dict[str, Any]:
        users = [{"@odata.type": "#microsoft.graph.security.userEvidence", "roles": ["compromised"],
                  "userAccount": {"userPrincipalName": f"{name}@contoso.com"}} for name in names]  # fmt: skip
        return told(key, state, incident=None, evidence=users)

    await intake.take(naming("a", "resolved", "ana"), naming("b", "new", "bo"))
    assert await status(intake) == ["resolved", "active"]
    await intake.take(naming("c", "resolved", "ana", "bo"))
    assert await status(intake) == ["active", "redirected"]


@pytest.mark.parametrize(("members", "after"), [
    ({"status": "inProgress"}, "inProgress"), ({"status": "active"}, "active"), ({"assignedTo": "ana"}, "active"), ({"assignedTo": None}, "active"),
    ({"displayName": "Mine"}, "resolved"), ({"customTags": ["x"]}, "resolved"), ({"severity": "high"}, "resolved"),
])  # fmt: skip
async def test_what_a_person_has_in_hand_does_not_close(intake: Intake, members: dict[str, Any], after: str) -> None:
    await intake.take(told("a"), told("b"))
    await touch(intake, **members)
    await intake.take(told("a", "resolved", updated=2), told("b", "resolved", updated=2))
    assert await status(intake) == [after]


async def test_what_a_person_resolved_stays_resolved(intake: Intake) -> None:
    await intake.take(told("a"))
    await touch(intake, status="resolved")
    await intake.take(told("b"))
    assert await status(intake) == ["resolved"]


async def test_an_alert_that_a_person_keeps_open_keeps_it_open(intake: Intake) -> None:
    await intake.take(told("a"), told("b"))
    [first, _] = sorted(await intake.rows(), key=lambda row: str(row["title"]))
    sets = load().sets[ALERTS]

    def decide(facts: Facts) -> Decision[None]:
        row = facts.rows[ALERTS, first["id"]]
        return Decision([Put(sets, {**row.record, "status": "inProgress"}, ("status",), touched={"status": 2**60})], None)

    await intake.store.write(intake.tenant.number, Needs(rows=((ALERTS, first["id"]),)), decide)
    await intake.take(told("a", "resolved", updated=2), told("b", "resolved", updated=2))
    assert await status(intake) == ["active"]
