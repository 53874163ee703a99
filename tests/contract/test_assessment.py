"""What clients are told of an incident beyond its row: how urgent it is, when it is due, whether it has settled."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from tests.ingest.test_outline import HIGH, all_of, entity, said

from secgraph import clock as real_clock
from secgraph.ingest.assessment.deadlines import HOUR, MINUTE
from secgraph.ingest.assessment.outline import Outline, packed
from secgraph.ingest.settle import settle
from secgraph.model.choices import INCIDENTS
from secgraph.store.facts import Case, Facts, Needs
from secgraph.store.protocol import Decision, Put, PutCase
from secgraph.testing import ORIGIN, Graph, graph_alert

pytestmark = pytest.mark.asyncio(loop_scope="module")

_numbers = itertools.count(1)

WEB = entity("device.mde:1", "device.host:web", role="attacked", name="web")
ANA = entity("user.upn:ana@x", name="ana@x")


async def opened(graph: Graph, outline: Outline, **more: Any) -> str:
    """An incident with that outline; its id."""
    number = next(_numbers)
    await graph.hand_in("graph", graph_alert(number, severity="high"))
    incident = str((await graph.get(f"security/alerts_v2/da{number:08d}-aaaa-bbbb-cccc-000000000000_1"))["incidentId"])
    case = Case(incident, 2, real_clock.ticks("2026-11-01T00:00:00Z") or 0, real_clock.ticks("2026-11-02T00:00:00Z") or 0, "", **more)
    await put(graph, replace(case, joined=graph.clock.at, outline=packed(outline)))
    return incident


async def put(graph: Graph, case: Case) -> None:
    await graph.core.store.write(graph.tenant.number, Needs(), lambda _: Decision([PutCase(case)], None))


async def test_what_is_told(desk: Graph) -> None:
    alerts = [
        said(WEB, title="Shell", severity="high", tactic="execution", product="Acme", assets={WEB.key: HIGH}),
        said(WEB, ANA, title="Odd", tactic="initialaccess", product="Acme"),
    ]
    incident = await opened(desk, all_of(alerts), continues="7")
    found = await desk.get(f"{INCIDENTS}/{incident}/assessment")
    row = await desk.get(f"{INCIDENTS}/{incident}")
    due = real_clock.text((real_clock.ticks(row["createdDateTime"]) or 0) + 4 * HOUR)
    assert found == {
        "@odata.context": f"{ORIGIN}/v1.0/$metadata#security/incidents('{incident}')/assessment",
        "id": incident,
        "priorityScore": 64,
        "factors": [
            {"name": "severity", "points": 40, "reason": "The severity is high."},
            {"name": "reach", "points": 3, "reason": "The attack came as far as execution."},
            {"name": "tactics", "points": 3, "reason": "2 tactics were seen."},
            {"name": "assets", "points": 1, "reason": "2 assets are concerned."},
            {"name": "spread", "points": 3, "reason": "It spreads over devices and people."},
            {"name": "criticality", "points": 6, "reason": "web is of high criticality."},
            {"name": "domainController", "points": 8, "reason": "web is tagged domainController."},
        ],
        "dueDateTime": due, "overdue": True, "settled": False, "settledDateTime": None, "continues": "7", "alertCount": 2,
        "firstActivityDateTime": "2026-11-01T00:00:00.0000000Z", "lastActivityDateTime": "2026-11-02T00:00:00.0000000Z",
        "tactics": ["initial access", "execution"], "products": [{"name": "Acme", "alertCount": 2}],
        "detections": [{"name": "Odd", "alertCount": 1}, {"name": "Shell", "alertCount": 1}],
        "entities": [
            {"type": "device", "key": "device.mde:1", "name": "web", "alertCount": 2, "part": "central", "criticality": "high",
             "tags": ["domainController", "vip"]},
            {"type": "user", "key": "user.upn:ana@x", "name": "ana@x", "alertCount": 1, "part": "involved", "criticality": None, "tags": []},
        ],
    }  # fmt: skip
    assert sum(one["points"] for one in found["factors"]) == found["priorityScore"]


async def test_an_incident_that_settles(desk: Graph) -> None:
    incident = await opened(desk, said(WEB))
    joined = desk.clock.at
    desk.clock.forward(31 * 60)
    await settle(desk.core.store, desk.core.model, desk.tenant.number, desk.clock, rest=0)
    found = await desk.get(f"{INCIDENTS}/{incident}/assessment")
    assert (found["settled"], found["settledDateTime"]) == (True, real_clock.text(joined + 30 * MINUTE))


async def test_a_resolved_incident_is_not_overdue(desk: Graph) -> None:
    incident = await opened(desk, said(WEB))
    assert (await desk.get(f"{INCIDENTS}/{incident}/assessment"))["overdue"] is True
    assert (await desk.ask("PATCH", f"{INCIDENTS}/{incident}", json={"status": "resolved"})).status_code == 200
    found = await desk.get(f"{INCIDENTS}/{incident}/assessment")
    assert (found["overdue"], found["dueDateTime"] is None) == (False, False)


async def test_a_person_s_word_on_the_severity_counts(desk: Graph) -> None:
    incident = await opened(desk, said(WEB, severity="high"))
    for severity, points in (("low", 10), ("medium", 25)):
        assert (await desk.ask("PATCH", f"{INCIDENTS}/{incident}", json={"severity": severity})).status_code == 200
        found = await desk.get(f"{INCIDENTS}/{incident}/assessment")
        assert (found["priorityScore"], found["factors"][0]["points"]) == (points, points)


async def test_the_score_in_a_list_goes_with_the_severity(desk: Graph) -> None:
    incident = await opened(desk, said(WEB, severity="high"))
    needs, sets = Needs(rows=((INCIDENTS, incident),)), desk.core.model.sets[INCIDENTS]

    def scored(facts: Facts) -> Decision[None]:
        record = {**facts.rows[INCIDENTS, incident].record, "severity": "high", "priorityScore": 61}
        return Decision([Put(sets, record, ("priorityScore",))], None)

    await desk.core.store.write(desk.tenant.number, needs, scored)
    for severity, points in (("low", 31), ("high", 61), ("high", 61)):
        answer = await desk.ask("PATCH", f"{INCIDENTS}/{incident}", json={"severity": severity})
        assert answer.json()["priorityScore"] == points
    assert await desk.ids(INCIDENTS, filter=f"id eq '{incident}' and priorityScore gt 60") == [incident]


async def test_an_incident_of_which_nothing_is_known(desk: Graph) -> None:
    incident = await opened(desk, Outline())
    await put(desk, Case(incident))
    found = await desk.get(f"{INCIDENTS}/{incident}/assessment")
    assert (found["alertCount"], found["firstActivityDateTime"], found["settled"], found["entities"], found["priorityScore"]) == (0, None, False, [], 40)


async def test_what_a_tenant_says_of_due_times(desk: Graph) -> None:
    incident = await opened(desk, said(WEB))
    await desk.core.store.run(("correlation_put", {"tenant": desk.tenant.number, "name": "due_high", "value": "0"}))
    try:
        found = await desk.get(f"{INCIDENTS}/{incident}/assessment")
    finally:
        await desk.core.store.run(("correlation_remove", {"tenant": desk.tenant.number, "name": "due_high"}))
    assert (found["dueDateTime"], found["overdue"]) == (None, False)


@pytest.mark.parametrize(("path", "status", "said_of_it"), [
    ("999999/assessment", 404, "There is no incident '999999'"), ("x/assessment", 404, "There is no incident 'x'"),
    ("{}/assessment?$select=id", 400, "$select"), ("{}/assessment/x", 404, "There is no resource"),
])  # fmt: skip
async def test_what_is_refused(desk: Graph, path: str, status: int, said_of_it: str) -> None:
    incident = await opened(desk, said(WEB))
    answer = await desk.ask("GET", f"{INCIDENTS}/{path.format(incident)}")
    assert answer.status_code == status, answer.text
    assert said_of_it in answer.json()["error"]["message"]


async def test_the_other_form_of_its_address(desk: Graph) -> None:
    incident = await opened(desk, said(WEB))
    other = await desk.ask("GET", f"/beta/{INCIDENTS}('{incident}')/Assessment")
    assert other.json()["id"] == incident
