"""Due times and settling: what a tenant says, when an incident is due, when it is told that it has settled, and how often."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from secgraph import clock as real_clock
from secgraph.errors import Fault, Superseded
from secgraph.ingest.assessment.deadlines import HOUR, MINUTE, Deadlines, deadlines, due, is_overdue, is_settled
from secgraph.ingest.settle import STEP, settle, settle_each, settled
from secgraph.model.choices import INCIDENTS
from secgraph.model.edm import load
from secgraph.store.facts import Case, Needs
from secgraph.store.fence import Fenced
from secgraph.store.leases import Leases
from secgraph.store.protocol import Change, Decision, Put, PutCase, Remove, Tell
from secgraph.store.registry import Registry

if TYPE_CHECKING:
    from tests.ingest.conftest import Intake

PAGE = (Path(__file__).parents[2] / "docs" / "correlation.md").read_text("utf-8")
CREATED = "2026-11-16T08:00:00.0000000Z"
AT = real_clock.ticks(CREATED) or 0

# --- what a tenant says, and what follows -------------------------------------------------------------------------------


@pytest.mark.parametrize(("said", "found"), [
    ({}, Deadlines()), ({"due_high": "1", "quiet": "5"}, Deadlines(due_high=1, quiet=5)), ({"due_low": "0"}, Deadlines(due_low=0)),
    ({"quiet": "0"}, Deadlines()), ({"quiet": "-5"}, Deadlines()), ({"due_high": "-1"}, Deadlines()), ({"due_high": "4.5"}, Deadlines()),
    ({"due_high": '"2"'}, Deadlines()), ({"due_high": "nonsense", "due_medium": "2"}, Deadlines(due_medium=2)), ({"due_high": ""}, Deadlines()),
    ({"due_high": "10001"}, Deadlines()), ({"quiet": "10000"}, Deadlines(quiet=10_000)), ({"window": "5", "due_unheard": "3"}, Deadlines()),
])  # fmt: skip
def test_what_a_tenant_says(said: dict[str, str], found: Deadlines) -> None:
    assert deadlines(said) == found


@pytest.mark.parametrize("one", fields(Deadlines), ids=lambda one: str(one.name))
def test_every_setting_is_told(one: Any) -> None:
    assert f"| {one.name} | {one.default or 'never'} |" in PAGE


def record(severity: str = "high", status: str = "active", created: str | None = CREATED) -> dict[str, Any]:
    return {"severity": severity, "status": status, "createdDateTime": created}


@pytest.mark.parametrize(("incident", "hours"), [
    (record("high"), 4), (record("medium"), 24), (record("low"), 72), (record("informational"), None), (record("unknown"), 24),
    (record(status="resolved"), 4), (record(status="redirected"), None), (record(created=None), None),
])  # fmt: skip
def test_when_an_incident_is_due(incident: dict[str, Any], hours: int | None) -> None:
    assert due(incident, Deadlines()) == (None if hours is None else AT + hours * HOUR)


@pytest.mark.parametrize(("incident", "after", "overdue"), [
    (record(), 4 * HOUR, False), (record(), 4 * HOUR + 1, True), (record(status="inProgress"), 5 * HOUR, True),
    (record(status="resolved"), 5 * HOUR, False), (record("informational"), 9999 * HOUR, False), (record(status="redirected"), 5 * HOUR, False),
])  # fmt: skip
def test_what_is_overdue(incident: dict[str, Any], after: int, *, overdue: bool) -> None:
    assert is_overdue(incident, AT + after, Deadlines()) is overdue


def test_an_hour_more_or_less() -> None:
    assert due(record(), Deadlines(due_high=5)) == AT + 5 * HOUR
    assert due(record(), Deadlines(due_high=0)) is None
    assert [is_settled(AT, AT + 30 * MINUTE - one, Deadlines()) for one in (1, 0)] == [False, True]


# --- telling it ---------------------------------------------------------------------------------------------------------


async def write(intake: Intake, *changes: Change) -> None:
    await intake.store.write(intake.tenant.number, Needs(), lambda _: Decision(changes, None))


async def run(intake: Intake, **more: Any) -> int:
    return await settle(intake.store, load(), intake.tenant.number, intake.clock, rest=0, **more)


async def told(intake: Intake) -> list[tuple[str, str]]:
    """What the log says of settling: which incident, and why."""
    found = await intake.store.fetch("events", tenant=intake.tenant.number, after=0, most=100_000)
    said = [one for one in found if one["kind"] == "settled"]
    assert all((one["entity"], one["changed"]) == ("incidents", "[]") for one in said)
    return [(one["id"], one["cause"]) for one in said]


async def case(intake: Intake, incident: str) -> Case:
    facts = await intake.store.write(intake.tenant.number, Needs(cases=(incident,)), lambda facts: Decision((), facts))
    return facts.cases[incident]


async def opened(intake: Intake, many: int = 1, **members: Any) -> list[str]:
    """Incidents that an alert joined just now."""
    known = len(await intake.incidents())
    await intake.take(*({"id": f"n{known + number}"} for number in range(many)))
    ids = sorted((row["id"] for row in await intake.incidents()), key=int)[known:]
    await write(intake, *(PutCase(Case(key, 1, joined=intake.clock.at, **members)) for key in ids))
    return ids


async def test_an_incident_settles_once(intake: Intake) -> None:
    [one] = await opened(intake, outline=b"kept", series="s")
    [before] = await intake.incidents()
    intake.clock.forward(29 * 60)
    assert await run(intake) == 0
    intake.clock.forward(2 * 60)
    assert await run(intake) == 1
    assert await told(intake) == [(one, "settling quiet for 30 minutes")]
    kept = await case(intake, one)
    assert (kept.settled, kept.outline, kept.series, kept.alerts) == (True, b"kept", "s", 1)
    intake.clock.forward(24 * 3600)
    assert await run(intake) == 0
    assert len(await told(intake)) == 1
    assert await intake.incidents() == [before], "nothing of it changed, and no poller hears of it"


async def test_an_alert_that_joins_makes_it_unsettled_again(intake: Intake) -> None:
    [one] = await opened(intake)
    intake.clock.forward(31 * 60)
    assert await run(intake) == 1
    await write(intake, PutCase(replace(await case(intake, one), alerts=2, joined=intake.clock.at, settled=False)))
    assert await run(intake) == 0
    intake.clock.forward(31 * 60)
    assert await run(intake) == 1
    assert [key for key, _ in await told(intake)] == [one, one]


async def test_how_long_is_quiet_is_the_tenant_s_to_say(intake: Intake) -> None:
    await opened(intake)
    await intake.store.run(("correlation_put", {"tenant": intake.tenant.number, "name": "quiet", "value": "5"}))
    intake.clock.forward(6 * 60)
    assert await run(intake) == 1
    assert [cause for _, cause in await told(intake)] == ["settling quiet for 5 minutes"]


async def test_what_nobody_waits_for_settles_in_silence(intake: Intake) -> None:
    empty, gone = await opened(intake, 2)
    await write(intake, PutCase(Case(empty, 0, joined=intake.clock.at)))
    incidents = {row["id"]: row for row in await intake.incidents()}
    await write(intake, PutCase(Case("77", 1, joined=intake.clock.at)))  # of an incident that is not there
    await write(intake, merged(incidents[gone], empty))
    intake.clock.forward(31 * 60)
    assert await run(intake) == 0
    assert await told(intake) == []
    assert [(await case(intake, key)).settled for key in (empty, gone, "77")] == [True, True, True]


def merged(record: dict[str, Any], into: str) -> Change:
    return Put(load().sets[INCIDENTS], {**record, "redirectIncidentId": into}, ("redirectIncidentId",))


async def test_many_settle_step_by_step(intake: Intake) -> None:
    ids = await opened(intake, STEP + 5)
    intake.clock.forward(31 * 60)
    assert await run(intake) == STEP + 5
    assert {key for key, _ in await told(intake)} == set(ids)


async def test_one_that_is_joined_meanwhile_waits(intake: Intake) -> None:
    """What is decided is decided on the case as it stands in the turn."""
    one, other = await opened(intake, 2)
    intake.clock.forward(31 * 60)
    await write(intake, PutCase(replace(await case(intake, one), joined=intake.clock.at)))
    needs = Needs(rows=((INCIDENTS, one), (INCIDENTS, other)), cases=(one, other))
    incidents = load().sets[INCIDENTS]
    done = await intake.store.write(intake.tenant.number, needs, lambda facts: settled(facts, incidents, [one, other], Deadlines()))
    assert done == (1, 1)
    assert [key for key, _ in await told(intake)] == [other]


async def test_two_runs_at_once_tell_it_once(intake: Intake) -> None:
    ids = await opened(intake, 3)
    intake.clock.forward(31 * 60)
    assert sum(await asyncio.gather(run(intake), run(intake))) == 3
    assert sorted(key for key, _ in await told(intake)) == sorted(ids)


async def test_a_run_over_every_tenant_behind_its_fence(intake: Intake) -> None:
    registry = Registry(intake.store, load(), intake.clock)
    await registry.create_tenant("fabrikam")
    await opened(intake)
    intake.clock.forward(31 * 60)
    leases = Leases(intake.store, intake.clock)
    fence = await leases.claim("settle incidents")
    assert fence is not None
    with pytest.raises(Superseded):
        await settle_each(Fenced(intake.store, fence._replace(number=fence.number - 1)), registry, load(), intake.clock)
    assert await told(intake) == []
    await settle_each(Fenced(intake.store, fence), registry, load(), intake.clock)
    assert len(await told(intake)) == 1


async def test_what_is_told_of_must_be_there(intake: Intake) -> None:
    [one] = await opened(intake)
    incidents = load().sets[INCIDENTS]
    with pytest.raises(Fault, match="cannot be spoken of"):
        await write(intake, Tell(incidents, "99", "settled"))
    with pytest.raises(Fault, match="cannot be spoken of"):
        await write(intake, Remove(incidents, one), Tell(incidents, one, "settled"))
    assert await told(intake) == []
