"""Bound actions: every spelling of their paths, who may call them, what a body may hold, and alerts made by hand."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest

from secgraph.model.edm import load
from secgraph.testing import ORIGIN, Graph, graph_alert

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = "security/alerts_v2"
INCIDENTS = "security/incidents"
MERGE = f"{INCIDENTS}/mergeIncidents"
MOVE = f"{LIST}/moveAlerts"
CREATE = f"/beta/{LIST}/createAlert"
SPACE = "microsoft.graph.security"

_numbers = itertools.count(1)


async def alerts(graph: Graph, count: int, **members: Any) -> list[dict[str, Any]]:
    """Fresh alerts, each in an incident of its own unless told otherwise, as the server shows them."""
    numbers = list(itertools.islice(_numbers, count))
    await graph.hand_in("graph", *(graph_alert(number, **members) for number in numbers))
    return [await graph.get(f"{LIST}/da{number:08d}-aaaa-bbbb-cccc-000000000000_1") for number in numbers]


def by_hand(**members: Any) -> dict[str, Any]:
    """The least that createAlert takes."""
    return {
        "title": "T", "severity": "medium", "description": "D", "category": "Execution",
        "entityDefinitions": [{"entityType": "device", "entityIdentifier": "deviceId", "identifierValue": "d1", "role": "impacted"}],
        **members,
    }  # fmt: skip


# --- paths and permission -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [
    MERGE, f"{INCIDENTS}/{SPACE}.mergeIncidents", f"{INCIDENTS}/mergeincidents", f"SECURITY/Incidents/{SPACE.upper()}.MERGEINCIDENTS",
    f"{MERGE}/", f"{INCIDENTS}/{SPACE}.mergeIncidents/", f"{INCIDENTS}/Microsoft.Graph.Security.MergeIncidents",
])  # fmt: skip
@pytest.mark.parametrize("version", ["v1.0", "beta"])
async def test_an_action_in_every_spelling(desk: Graph, version: str, path: str) -> None:
    first, second = await alerts(desk, 2)
    answer = await desk.ask("POST", f"/{version}/{path}", json={"incidentIds": [first["incidentId"], second["incidentId"]]})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "@odata.context": f"{ORIGIN}/{version}/$metadata#{SPACE}.mergeResponse", "targetIncidentId": first["incidentId"],
    }  # fmt: skip


@pytest.mark.parametrize("path", [MOVE, f"{LIST}/{SPACE}.moveAlerts", "security/alerts_V2/MOVEALERTS/"])
async def test_the_others_too(desk: Graph, path: str) -> None:
    [alert] = await alerts(desk, 1)
    answer = await desk.ask("POST", path, json={"alertIds": [alert["id"]]})
    assert answer.status_code == 200, answer.text
    assert (await desk.get(f"{LIST}/{alert['id']}"))["incidentId"] == answer.json()["targetIncidentId"]


@pytest.mark.parametrize("name", ["createAlert", f"{SPACE}.createAlert", "CREATEALERT/"])
async def test_a_beta_action_is_only_there(desk: Graph, name: str) -> None:
    body = {"createAlertInput": by_hand()}
    assert (await desk.ask("POST", f"/beta/{LIST}/{name}", json=body)).status_code == 201
    answer = await desk.ask("POST", f"{LIST}/{name}", json=body)
    assert answer.status_code == 404
    assert "is not part of v1.0. Ask /beta." in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", [MERGE, f"{INCIDENTS}/{SPACE}.mergeIncidents", MOVE, CREATE])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_action_is_posted(desk: Graph, path: str, method: str) -> None:
    answer = await desk.ask(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["security/runHuntingQuery", f"security/{SPACE}.RUNhuntingquery", "identityProtection/riskyUsers/dismiss"])
async def test_a_published_action_that_is_not_served_says_so(desk: Graph, path: str) -> None:
    answer = await desk.ask("POST", path, json={})
    assert answer.status_code == 501
    assert "published but not served" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", [
    "security/mergeIncidents", f"{LIST}/mergeIncidents", f"{INCIDENTS}/moveAlerts", f"{INCIDENTS}/1/mergeIncidents", f"{INCIDENTS}/graph.mergeIncidents",
])  # fmt: skip
async def test_an_action_is_only_where_it_is_bound(desk: Graph, path: str) -> None:
    assert (await desk.ask("POST", path, json={"incidentIds": ["1", "2"]})).status_code in {404, 405}


@pytest.mark.parametrize(("path", "held", "opens"), [
    (MERGE, "SecurityData.Manage.All", True), (MERGE, "SecurityIncident.ReadWrite.All", False), (MERGE, "SecurityAlert.ReadWrite.All", False),
    (MOVE, "SecurityData.Manage.All", True), (MOVE, "SecurityAlert.ReadWrite.All", False), (MOVE, "SecurityIncident.ReadWrite.All", False),
    (CREATE, "SecurityAlert.Create.All", True), (CREATE, "SecurityAlert.ReadWrite.All", True), (CREATE, "SecurityAlert.Read.All", False),
    (CREATE, "SecurityData.Manage.All", False),
])  # fmt: skip
async def test_who_may(graph: Graph, path: str, held: str, opens: bool) -> None:
    await graph.sign_in(*await graph.application_with(held))
    answer = await graph.ask("POST", path, json={})
    assert answer.status_code == (400 if opens else 403), answer.text
    if not opens:
        needed = "SecurityAlert.Create.All, SecurityAlert.ReadWrite.All" if path == CREATE else "SecurityData.Manage.All"
        assert f"needs one of these application permissions: {needed}." in answer.json()["error"]["message"]


async def test_nobody_without_a_token(desk: Graph) -> None:
    answer = await desk.http.post(f"/v1.0/{MERGE}", json={"incidentIds": ["1", "2"]})
    assert answer.status_code == 401


async def test_an_action_inside_a_batch(desk: Graph) -> None:
    first, second = await alerts(desk, 2)
    body = {"incidentIds": [first["incidentId"], second["incidentId"]]}
    answer = await desk.ask("POST", "/v1.0/$batch", json={"requests": [
        {"id": "1", "method": "POST", "url": f"/{MERGE}", "body": body, "headers": {"Content-Type": "application/json"}},
    ]})  # fmt: skip
    [inner] = answer.json()["responses"]
    assert (inner["status"], inner["body"]["targetIncidentId"]) == (200, first["incidentId"])


async def test_every_served_action_has_a_handler_and_a_permission() -> None:
    model = load()
    assert set(model.actions) == {"incidents_merge", "alerts_v2_move", "alerts_v2_create_action", "legacy_alerts_update_many"}
    for key, action in model.actions.items():
        assert model.operations[key] is action.operation
        assert action.operation.application
        assert action.set is not None
        assert set(action.operation.application) <= set(model.served_permissions())


# --- bodies -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "body", "said"), [
    (MERGE, [], "The body must be a JSON object with the parameters of mergeIncidents."),
    (MERGE, {}, "incidentIds: is required."),
    (MERGE, {"incidentIds": None}, "incidentIds: is required."),
    (MERGE, {"incidentIds": []}, "incidentIds: is empty."),
    (MERGE, {"incidentIds": "1"}, "incidentIds: must be a list, not '1'."),
    (MERGE, {"incidentIds": ["1", 2]}, "incidentIds/1: must be text, not 2."),
    (MERGE, {"incidentIds": ["1", None]}, "incidentIds/1: must be text, not None."),
    (MERGE, {"incidentIds": ["1", " "]}, "incidentIds/1: is empty."),
    (MERGE, {"incidentIds": ["1"]}, "incidentIds: must name two different incidents or more."),
    (MERGE, {"incidentIds": ["1", " 1 "]}, "incidentIds: must name two different incidents or more."),
    (MERGE, {"incidentIds": [str(number) for number in range(1001)]}, "incidentIds: names more than 1000 ids. Send them in several calls."),
    (MERGE, {"incidentIds": ["1", "2"], "reasons": "sameActor"},
     "reasons: is not a parameter of mergeIncidents. Parameters: incidentIds, incidentComment, mergeReasons."),
    (MERGE, {"incidentIds": ["1", "2"], "incidentComment": 5}, "incidentComment: must be text, not 5."),
    (MERGE, {"incidentIds": ["1", "2"], "incidentComment": "x" * 5001}, "incidentComment: is longer than 5000 characters."),
    (MERGE, {"incidentIds": ["1", "2"], "incidentComment": "a\u0000b"}, "incidentComment: holds a NUL"),
    (MERGE, {"incidentIds": ["1", "2"], "mergeReasons": "sameMood"}, "mergeReasons: 'sameMood' is not a member of"),
    (MERGE, {"incidentIds": ["1", "2"], "mergeReasons": "sameActor, unknownFutureValue"}, "mergeReasons: ' unknownFutureValue' is not a member of"),
    (MERGE, {"incidentIds": ["1", "2"], "mergeReasons": ""}, "mergeReasons: '' is not a member of"),
    (MERGE, {"incidentIds": ["1", "2"], "mergeReasons": "sameActor,"}, "mergeReasons: '' is not a member of"),
    (MERGE, {"incidentIds": ["1", "2"], "mergeReasons": ["sameActor"]}, "mergeReasons: must be member names in one text, separated by commas, not list."),
    (MERGE, {"incidentIds": ["1", "2"], "mergeReasons": 512}, "mergeReasons: must be member names in one text, separated by commas, not 512."),
    (MOVE, {"incidentId": "1"}, "alertIds: is required."),
    (MOVE, {"alertIds": [], "incidentId": "1"}, "alertIds: is empty."),
    (MOVE, {"alertIds": ["x"], "incidentId": 1}, "incidentId: must be text, not 1."),
    (MOVE, {"alertIds": ["x"], "incidentId": ""}, "incidentId: is empty. Leave it out, or send null, for a new incident."),
    (MOVE, {"alertIds": ["x"], "incidentIds": ["1"]},
     "incidentIds: is not a parameter of moveAlerts. Parameters: alertIds, incidentId, alertComment, newCorrelationReasons."),
    (MOVE, {"alertIds": ["x"], "newCorrelationReasons": "UnknownFutureValue"}, "newCorrelationReasons: 'UnknownFutureValue' is not a member of"),
    (CREATE, {}, "createAlertInput: is required."),
    (CREATE, {"createAlertInput": []}, "createAlertInput: must be an object, not list."),
    (CREATE, by_hand(), "title: is not a parameter of createAlert. Parameters: createAlertInput."),
    (CREATE, {"createAlertInput": {**by_hand(), "colour": "red"}}, "createAlertInput/colour: is not a member of microsoft.graph.security.createAlertInput."),
    *((CREATE, {"createAlertInput": {**by_hand(), name: value}}, f"createAlertInput/{name}: is required.")
      for name in ("title", "severity", "description", "category", "entityDefinitions") for value in (None,)),
    (CREATE, {"createAlertInput": by_hand(title=" ")}, "createAlertInput/title: is required."),
    (CREATE, {"createAlertInput": by_hand(entityDefinitions=[])}, "createAlertInput/entityDefinitions: is required."),
    (CREATE, {"createAlertInput": by_hand(severity="critical")}, "createAlertInput/severity: 'critical' is not a member of"),
    (CREATE, {"createAlertInput": by_hand(severity="unknownFutureValue")}, "createAlertInput/severity: 'unknownFutureValue' is not a member of"),
    (CREATE, {"createAlertInput": by_hand(mitreTechniques="T1059")}, "createAlertInput/mitreTechniques: must be a list"),
    (CREATE, {"createAlertInput": by_hand(linkToIncident="1")}, "createAlertInput/linkToIncident: must be a whole number"),
    (CREATE, {"createAlertInput": by_hand(linkToIncident=-1)}, "createAlertInput/linkToIncident: must be the number of an incident. 0 makes a new one."),
    (CREATE, {"createAlertInput": by_hand(linkToIncident=99999)}, "createAlertInput/linkToIncident: there is no incident 99999 in this tenant."),
    (CREATE, {"createAlertInput": by_hand(isExcludedFromCorrelation="no")}, "createAlertInput/isExcludedFromCorrelation: must be true or false"),
    (CREATE, {"createAlertInput": by_hand(description="x" * 5001)}, "createAlertInput/description: is longer than 5000 characters."),
    (CREATE, {"createAlertInput": by_hand(entityDefinitions=by_hand()["entityDefinitions"] * 101)},
     "createAlertInput/entityDefinitions: holds more than 100 entities."),
])  # fmt: skip
async def test_what_a_body_may_not_hold(desk: Graph, path: str, body: Any, said: str) -> None:
    before = await desk.ids(LIST)
    answer = await desk.ask("POST", path, json=body)
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["error"]["message"]
    assert await desk.ids(LIST) == before


@pytest.mark.parametrize(("content", "kind", "status"), [
    ("", "application/json", 400), ("{", "application/json", 400), ("[" * 5000, "application/json", 400), ("{}", "text/plain", 415),
    (json.dumps({"incidentComment": "x" * 1_100_000}), "application/json", 413),
])  # fmt: skip
@pytest.mark.parametrize("path", [MERGE, MOVE, CREATE])
async def test_what_is_no_body(desk: Graph, path: str, content: str, kind: str, status: int) -> None:
    answer = await desk.ask("POST", path, content=content, headers={"content-type": kind})
    assert answer.status_code == status


@pytest.mark.parametrize(("given", "kept"), [
    ("sameActor", "sameActor"), ("SAMEACTOR", "sameActor"), ("SameCampaign, sameActor", "sameActor, sameCampaign"),
    (" sameactor ,SAMEACTOR,sameCampaign ", "sameActor, sameCampaign"), ("EVENTCASUALSEQUENCE", "eventCasualSequence"),
    ("similarttpsorbehavior,lateralMovementPath", "similarTTPsOrBehavior, lateralMovementPath"),
])  # fmt: skip
async def test_reasons_in_any_spelling_are_kept_as_published(desk: Graph, given: str, kept: str) -> None:
    first, second = await alerts(desk, 2)
    body = {"IncidentIDs": [first["incidentId"], second["incidentId"]], "@odata.type": "x", "mergeReasons": given, "incidentComment": None}
    assert (await desk.ask("POST", MERGE, json=body)).status_code == 200
    incident = await desk.get(f"{INCIDENTS}/{first['incidentId']}")
    assert [comment["comment"] for comment in incident["comments"]] == [f"Correlation reasons: {kept}."]


# --- alerts made by hand ------------------------------------------------------------------------------------------------


async def created(graph: Graph, **members: Any) -> dict[str, Any]:
    answer = await graph.ask("POST", CREATE, json={"createAlertInput": by_hand(**members)})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_an_alert_made_by_hand(desk: Graph) -> None:
    body = {"createAlertInput": by_hand(title="Suspicious", severity="HIGH", recommendedActions="Look.", mitreTechniques=["T1059.001"])}
    answer = await desk.ask("POST", CREATE, json=body)
    assert answer.status_code == 201, answer.text
    alert = answer.json()
    assert re.fullmatch(r"ea[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}_aml", alert["id"])
    assert alert["providerAlertId"] == f"manual_{alert['id'].removesuffix('_aml')}"
    assert {name: alert[name] for name in (
        "title", "severity", "description", "category", "recommendedActions", "mitreTechniques", "status", "classification",
        "determination", "serviceSource", "detectionSource", "tenantId", "additionalData",
    )} == {
        "title": "Suspicious", "severity": "high", "description": "D", "category": "Execution", "recommendedActions": "Look.",
        "mitreTechniques": ["T1059.001"], "status": "new", "classification": "unknown", "determination": "unknown",
        "serviceSource": "microsoft365Defender", "detectionSource": "manual", "tenantId": desk.tenant.id, "additionalData": None,
    }  # fmt: skip
    assert answer.headers["location"] == f"{ORIGIN}/beta/{LIST}/{alert['id']}"
    assert answer.headers["etag"] == alert["@odata.etag"]
    assert alert["@odata.context"] == f"{ORIGIN}/beta/$metadata#{LIST}/$entity"
    assert await desk.get(f"/beta/{LIST}/{alert['id']}") == alert
    incident = await desk.get(f"{INCIDENTS}/{alert['incidentId']}", expand="alerts")
    assert (incident["displayName"], incident["severity"], incident["status"]) == ("Suspicious", "high", "active")
    assert [one["id"] for one in incident["alerts"]] == [alert["id"]]
    [record] = (await desk.get(f"{LIST}/{alert['id']}/records"))["value"]
    assert (record["source"], record["product"]) == ("createAlert", "microsoft365Defender")
    assert json.loads(record["content"]) == body
    patched = await desk.ask("PATCH", f"{LIST}/{alert['id']}", json={"status": "resolved"})
    assert patched.json()["status"] == "resolved"


async def test_two_calls_make_two_alerts(desk: Graph) -> None:
    first, second = await created(desk), await created(desk)
    assert first["id"] != second["id"]
    assert first["incidentId"] != second["incidentId"]


@pytest.mark.parametrize("members", [{}, {"linkToIncident": 0}, {"linkToIncident": None}])
async def test_without_an_incident_it_gets_its_own(desk: Graph, members: dict[str, Any]) -> None:
    last = max(map(int, await desk.ids(INCIDENTS)), default=0)
    assert int((await created(desk, **members))["incidentId"]) == last + 1


async def test_an_alert_is_linked_to_an_incident_and_to_where_that_went(desk: Graph) -> None:
    first, second = await alerts(desk, 2, severity="low")
    linked = await created(desk, linkToIncident=int(second["incidentId"]), severity="high")
    assert linked["incidentId"] == second["incidentId"]
    assert (await desk.get(f"{INCIDENTS}/{second['incidentId']}"))["severity"] == "high"
    await desk.ask("POST", MERGE, json={"incidentIds": [first["incidentId"], second["incidentId"]]})
    again = await created(desk, linkToIncident=int(second["incidentId"]))
    assert again["incidentId"] == first["incidentId"]


async def test_what_has_no_member_of_its_own_is_told_beside(desk: Graph) -> None:
    alert = await created(desk, isExcludedFromCorrelation=True, sentinelWorkspace="w1")
    assert alert["additionalData"] == {"isExcludedFromCorrelation": True, "sentinelWorkspace": "w1"}


async def test_an_alert_that_comes_back_by_another_road_is_the_same(desk: Graph) -> None:
    alert = await created(desk, title="By hand")
    await desk.hand_in("graph", {**{name: value for name, value in alert.items() if "@" not in name}, "actorDisplayName": "Storm"})
    assert (await desk.get(f"{LIST}/{alert['id']}"))["actorDisplayName"] == "Storm"
    assert await desk.ids(LIST, filter="title eq 'By hand'") == [alert["id"]]
