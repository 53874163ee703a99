"""An incident is resolved or classified, as clients see it: what becomes of its alerts, what is told, what is refused."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from secgraph.testing import Graph, graph_alert

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = "security/alerts_v2"
INCIDENTS = "security/incidents"
SOLVED = {"status": "resolved", "classification": "truePositive", "determination": "malware", "resolvingComment": "cleaned"}

_numbers = itertools.count(1)


async def reported(graph: Graph, *alerts: dict[str, Any]) -> tuple[list[str], str]:
    """Hands in alerts of one incident; their ids, and the incident."""
    native = f"n{next(_numbers)}"
    records = [graph_alert(next(_numbers), incidentId=native, **members) for members in alerts]
    await graph.hand_in("graph", *records)
    ids = [record["id"] for record in records]
    return ids, str((await graph.get(f"{LIST}/{ids[0]}"))["incidentId"])


async def resolve(graph: Graph, incident: str, body: dict[str, Any], status: int = 200, **headers: str) -> Any:
    answer = await graph.ask("PATCH", f"{INCIDENTS}/{incident}", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


async def states(graph: Graph, ids: list[str]) -> list[tuple[str, str, str]]:
    found = [await graph.get(f"{LIST}/{key}") for key in ids]
    for one in found:
        assert (one["resolvedDateTime"] is not None) == (one["status"] == "resolved")
    return [(one["status"], one["classification"], one["determination"]) for one in found]


async def told(graph: Graph, after: int) -> list[tuple[str, str, list[str], str]]:
    """The events since: set, id, what changed, and the cause without the application's id."""
    found = await graph.core.store.fetch("events", tenant=graph.tenant.number, after=after, most=100_000)
    return [(one["entity"], one["id"], json.loads(one["changed"]), one["cause"].replace(graph.application.id, "me")) for one in found]


async def last(graph: Graph) -> int:
    found = await graph.core.store.fetch("events", tenant=graph.tenant.number, after=0, most=100_000)
    return int(found[-1]["seq"])


async def test_an_incident_is_resolved_with_its_alerts(desk: Graph) -> None:
    ids, incident = await reported(desk, {}, {"status": "inProgress"})
    [apart], _ = await reported(desk, {})
    before, since = await desk.get(f"{LIST}/{ids[0]}"), await last(desk)
    shown = await resolve(desk, incident, SOLVED)
    assert {name: shown[name] for name in SOLVED} == SOLVED
    assert await states(desk, ids) == [("resolved", "truePositive", "malware")] * 2
    assert await states(desk, [apart]) == [("new", "unknown", "unknown")]
    after = await desk.get(f"{LIST}/{ids[0]}")
    assert {name for name in after if after[name] != before[name]} == {
        "@odata.etag", "status", "classification", "determination", "resolvedDateTime", "lastUpdateDateTime",
    }  # fmt: skip
    changed = ["classification", "determination", "resolvedDateTime", "status"]
    events = await told(desk, since)
    assert [(entity, key, sorted(names), cause) for entity, key, names, cause in events[:-1]] == [
        ("alerts_v2", key, changed, f"app:me incident {incident}") for key in ids
    ]  # fmt: skip
    assert events[-1][:2] + events[-1][3:] == ("incidents", incident, "app:me")
    assert shown == await desk.get(f"{INCIDENTS}/{incident}")
    assert set(await desk.ids(LIST, filter=f"lastUpdateDateTime gt {before['lastUpdateDateTime']} and status eq 'resolved'")) == set(ids)


async def test_the_same_again_changes_nothing(desk: Graph) -> None:
    ids, incident = await reported(desk, {}, {})
    shown = await resolve(desk, incident, SOLVED)
    alerts, since = [await desk.get(f"{LIST}/{key}") for key in ids], await last(desk)
    assert await resolve(desk, incident, SOLVED) == shown
    assert await resolve(desk, incident, shown) == shown
    assert [await desk.get(f"{LIST}/{key}") for key in ids] == alerts
    assert await told(desk, since) == []


async def test_opening_again_leaves_the_alerts_as_they_are(desk: Graph) -> None:
    ids, incident = await reported(desk, {}, {})
    await resolve(desk, incident, SOLVED)
    assert (await resolve(desk, incident, {"status": "active"}))["status"] == "active"
    assert await states(desk, ids) == [("resolved", "truePositive", "malware")] * 2


async def test_a_classification_goes_down_by_itself_and_can_be_mended(desk: Graph) -> None:
    ids, incident = await reported(desk, {}, {"status": "resolved", "resolvedDateTime": "2026-11-01T00:00:00Z"})
    await resolve(desk, incident, {"classification": "TruePositive"})
    assert await states(desk, ids) == [("new", "truePositive", "unknown"), ("resolved", "truePositive", "unknown")]
    await resolve(desk, incident, {"classification": "falsePositive", "determination": "clean"})
    assert await states(desk, ids) == [("new", "falsePositive", "notMalicious"), ("resolved", "falsePositive", "notMalicious")]
    assert (await desk.get(f"{LIST}/{ids[1]}"))["resolvedDateTime"] == "2026-11-01T00:00:00.0000000Z"


async def test_an_alert_that_a_person_judged_keeps_that(desk: Graph) -> None:
    ids, incident = await reported(desk, {}, {}, {"classification": "informationalExpectedActivity", "determination": "securityTesting"})
    answer = await desk.ask("PATCH", f"{LIST}/{ids[1]}", json={"classification": "falsePositive", "determination": "notMalicious"})
    assert answer.status_code == 200
    await resolve(desk, incident, SOLVED)
    assert await states(desk, ids) == [
        ("resolved", "truePositive", "malware"), ("resolved", "falsePositive", "notMalicious"),
        ("resolved", "informationalExpectedActivity", "securityTesting"),
    ]  # fmt: skip


async def test_a_source_does_not_undo_what_went_down(desk: Graph) -> None:
    ids, incident = await reported(desk, {}, {})
    await resolve(desk, incident, SOLVED)
    await desk.hand_in("graph", graph_alert(int(ids[0][2:10]), title="Told again", lastUpdateDateTime="2026-11-30T00:00:00Z"))
    assert (await desk.get(f"{LIST}/{ids[0]}"))["title"] == "Told again"
    assert (await states(desk, ids))[0] == ("resolved", "truePositive", "malware")


async def test_an_alert_that_joins_later_is_not_resolved_by_itself(desk: Graph) -> None:
    native = f"late{next(_numbers)}"
    early, late = (graph_alert(next(_numbers), incidentId=native) for _ in range(2))
    await desk.hand_in("graph", early)
    incident = (await desk.get(f"{LIST}/{early['id']}"))["incidentId"]
    await resolve(desk, incident, {"classification": "truePositive", "determination": "malware"})
    await desk.hand_in("graph", late)
    assert await states(desk, [late["id"]]) == [("new", "unknown", "unknown")]
    await resolve(desk, incident, {"status": "resolved"})
    assert await states(desk, [early["id"], late["id"]]) == [("resolved", "truePositive", "malware")] * 2


async def test_what_is_refused_goes_down_to_nobody(desk: Graph) -> None:
    ids, incident = await reported(desk, {}, {})
    since = await last(desk)
    stale = {"If-Match": 'W/"1"'}
    assert "changed since" in (await resolve(desk, incident, SOLVED, 412, **stale))["error"]["message"]
    assert "priorityScore" in (await resolve(desk, incident, {**SOLVED, "priorityScore": 7}, 400))["error"]["message"]
    await resolve(desk, "987654321", SOLVED, 404)
    _, into = await reported(desk, {})
    merged = await desk.ask("POST", f"{INCIDENTS}/mergeIncidents", json={"incidentIds": [into, incident]})
    assert merged.status_code == 200
    await resolve(desk, incident, SOLVED, 409)
    assert await states(desk, ids) == [("new", "unknown", "unknown")] * 2
    assert not any("resolved" in cause or " incident " in cause for *_, cause in await told(desk, since))


async def test_the_permission_for_incidents_is_enough(desk: Graph) -> None:
    """Whoever may resolve an incident may resolve what is in it: that is what resolving one means."""
    ids, incident = await reported(desk, {})
    mine, narrow = desk.headers, await desk.application_with("SecurityIncident.ReadWrite.All", name="closer")
    await desk.sign_in(*narrow)
    try:
        await resolve(desk, incident, SOLVED)
    finally:
        desk.headers = mine
    assert await states(desk, ids) == [("resolved", "truePositive", "malware")]


async def test_in_a_batch_the_second_sees_what_the_first_did(desk: Graph) -> None:
    ids, incident = await reported(desk, {})
    head = {"Content-Type": "application/json"}
    answer = await desk.ask("POST", "$batch", json={"requests": [
        {"id": "1", "method": "PATCH", "url": f"/{INCIDENTS}/{incident}", "body": SOLVED, "headers": head},
        {"id": "2", "method": "PATCH", "url": f"/{LIST}/{ids[0]}", "body": {"status": "new"}, "headers": head, "dependsOn": ["1"]},
    ]})  # fmt: skip
    assert {one["status"] for one in answer.json()["responses"]} == {200}, answer.text
    assert await states(desk, ids) == [("new", "truePositive", "malware")]
