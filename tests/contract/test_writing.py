"""PATCH, entity tags and comments: what may change, what follows, and what is refused."""

from __future__ import annotations

import asyncio
import itertools
import json
from datetime import datetime
from typing import Any

import pytest

from secgraph.testing import ORIGIN, Graph, graph_alert

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = "security/alerts_v2"
INCIDENTS = "security/incidents"
TITLE = "Made-up"

_numbers = itertools.count(1)


async def one(graph: Graph, **members: Any) -> dict[str, Any]:
    """A fresh alert as the server shows it."""
    number = next(_numbers)
    await graph.hand_in("graph", graph_alert(number, **{"title": TITLE, **members}))
    [key] = await graph.ids(LIST, filter=f"endswith(providerAlertId, '{number:08d}-aaaa-bbbb-cccc-000000000000_1')")
    found: dict[str, Any] = await graph.get(f"{LIST}/{key}")
    return found


def bare(item: dict[str, Any]) -> dict[str, Any]:
    """An object without the members that stand around it."""
    return {name: value for name, value in item.items() if "@" not in name}


# --- what may change ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "changed"), [
    ({"status": "inProgress"}, {"status": "inProgress"}),
    ({"status": "InProgress"}, {"status": "inProgress"}),
    ({"Status": "RESOLVED"}, {"status": "resolved"}),
    ({"classification": "TruePositive", "determination": "MultiStagedAttack"},
     {"classification": "truePositive", "determination": "multiStagedAttack"}),
    ({"determination": "compromisedUser"}, {"determination": "compromisedAccount"}),
    ({"determination": "clean"}, {"determination": "notMalicious"}),
    ({"determination": "insufficientData"}, {"determination": "notEnoughDataToValidate"}),
    ({"determination": "ConfirmedUserActivity"}, {"determination": "confirmedActivity"}),
    ({"classification": "informationalExpectedActivity"}, {"classification": "informationalExpectedActivity"}),
    ({"assignedTo": "ana@contoso.com"}, {"assignedTo": "ana@contoso.com"}),
    ({"assignedTo": ""}, {"assignedTo": ""}),
    ({"@odata.type": "microsoft.graph.security.alert", "status": "resolved"}, {"status": "resolved"}),
    ({"@odata.context": "x", "assignedTo": "bo", "status@odata.type": "y"}, {"assignedTo": "bo"}),
    ({"status": "resolved", "title": TITLE}, {"status": "resolved"}),
])  # fmt: skip
@pytest.mark.parametrize("form", ["{}/{}", "{}('{}')"])
async def test_a_patch_changes_what_it_names(desk: Graph, form: str, body: dict[str, Any], changed: dict[str, Any]) -> None:
    before = await one(desk)
    answer = await desk.ask("PATCH", form.format(LIST, before["id"]), json=body)
    assert answer.status_code == 200, answer.text
    after = bare(answer.json())
    follows = {"lastUpdateDateTime", "resolvedDateTime"}
    assert {name for name in after if after[name] != before[name]} - follows == set(changed)
    assert {name: after[name] for name in changed} == changed
    assert after["lastUpdateDateTime"] > before["lastUpdateDateTime"]
    assert (after["resolvedDateTime"] is not None) == (after["status"] == "resolved")
    assert answer.json()["@odata.context"] == f"{ORIGIN}/v1.0/$metadata#security/alerts_v2/$entity"
    again = await desk.ask("GET", f"{LIST}/{before['id']}")
    assert again.json() == answer.json()
    assert again.headers["etag"] == answer.headers["etag"]
    assert (await desk.get(LIST, filter=f"id eq '{before['id']}'"))["value"] == [
        {name: value for name, value in again.json().items() if name != "@odata.context"}
    ]


async def test_an_assignment_is_taken_back_with_null(desk: Graph) -> None:
    before = await one(desk, assignedTo="ana")
    answer = await desk.ask("PATCH", f"{LIST}/{before['id']}", json={"assignedTo": None})
    assert answer.json()["assignedTo"] is None


async def test_reopening_takes_the_time_of_resolution_back(desk: Graph) -> None:
    key = (await one(desk))["id"]
    assert (await desk.ask("PATCH", f"{LIST}/{key}", json={"status": "resolved"})).json()["resolvedDateTime"]
    assert (await desk.ask("PATCH", f"{LIST}/{key}", json={"status": "new"})).json()["resolvedDateTime"] is None


async def test_a_fetched_object_sent_back_whole_changes_nothing(desk: Graph) -> None:
    for path in (LIST, INCIDENTS):
        before = await one(desk, serviceSource="microsoftSentinel", comments=[
            {"comment": "x", "createdByDisplayName": "ana", "createdDateTime": "2026-11-01T00:00:00Z"},
        ])  # fmt: skip
        if path == INCIDENTS:
            before = await desk.get(f"{INCIDENTS}/{before['incidentId']}")
        answer = await desk.ask("PATCH", f"{path}/{before['id']}", json=before)
        assert answer.status_code == 200, answer.text
        assert bare(answer.json()) == bare(before)
        assert answer.headers["etag"] == before["@odata.etag"]


async def test_an_expanded_incident_can_be_sent_back_too(desk: Graph) -> None:
    path = f"{INCIDENTS}/{(await one(desk))['incidentId']}"
    expanded = await desk.get(path, expand="alerts")
    answer = await desk.ask("PATCH", path, json={**expanded, "assignedTo": "ana"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["assignedTo"] == "ana"


async def test_a_fetched_object_sent_back_with_a_change_changes_just_that(desk: Graph) -> None:
    before = await one(desk, serviceSource="microsoftSentinel")
    answer = await desk.ask("PATCH", f"{LIST}/{before['id']}", json={**before, "status": "resolved"})
    assert answer.status_code == 200, answer.text
    assert {name for name in bare(before) if answer.json()[name] != before[name]} == {
        "status", "resolvedDateTime", "lastUpdateDateTime",
    }  # fmt: skip


async def test_times_that_a_client_cut_to_six_digits_are_unchanged(desk: Graph) -> None:
    before = await one(desk, firstActivityDateTime="2026-11-01T00:00:00.1234567Z")
    cut = datetime.fromisoformat(before["firstActivityDateTime"]).isoformat()
    answer = await desk.ask("PATCH", f"{LIST}/{before['id']}", json={"firstActivityDateTime": cut, "status": "resolved"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["firstActivityDateTime"] == "2026-11-01T00:00:00.1234567Z"


async def test_a_patch_that_changes_nothing_makes_no_new_version(desk: Graph) -> None:
    before = await one(desk)
    desk.clock.forward(60)
    for body in ({}, {"status": "new"}, {"status": "New", "title": before["title"]}):
        answer = await desk.ask("PATCH", f"{LIST}/{before['id']}", json=body)
        assert answer.status_code == 200
        assert answer.json() == before


@pytest.mark.parametrize(("body", "said"), [
    ({"colour": "red"}, "colour: is not a member of microsoft.graph.security.alert"),
    ({"title": "Other"}, "title: is read-only"),
    ({"title": None}, "title: is read-only"),
    ({"severity": "low"}, "severity: is read-only"),
    ({"id": "x"}, "id: is read-only"),
    ({"incidentId": "77"}, "incidentId: is read-only"),
    ({"tenantId": "00000000-0000-0000-0000-000000000000"}, "tenantId: is read-only"),
    ({"createdDateTime": "2020-01-01T00:00:00Z"}, "createdDateTime: is read-only"),
    ({"lastUpdateDateTime": None}, "lastUpdateDateTime: is read-only"),
    ({"evidence": [{"@odata.type": "#microsoft.graph.security.userEvidence"}]}, "evidence: is read-only"),
    ({"comments": [{"comment": "x"}]}, "comments: is read-only"),
    ({"mitreTechniques": "T1000"}, "mitreTechniques: is read-only"),
    ({"serviceSource": "microsoftSentinel"}, "serviceSource: is read-only"),
    ({"status": "closed"}, "new, inProgress, resolved"),
    ({"status": "unknownFutureValue"}, "status: 'unknownFutureValue' is not a member"),
    ({"status": ""}, "new, inProgress, resolved"),
    ({"classification": "positive"}, "Members: unknown, falsePositive, truePositive"),
    ({"determination": "bad luck"}, "determination: 'bad luck' is not a member"),
    ({"status": 2}, "status: 2 is not a member"),
    ({"status": ["new"]}, "status: ['new']"),
    ({"status": {"value": "new"}}, "status"),
    ({"status": True}, "status"),
    ({"status": None}, "status"),
    ({"assignedTo": 7}, "assignedTo: must be text, not 7"),
    ({"assignedTo": ["ana"]}, "assignedTo: must be text, not list"),
    ({"assignedTo": {"upn": "ana"}}, "assignedTo: must be text, not dict"),
    ({"assignedTo": False}, "assignedTo: must be text"),
    ({"assignedTo": "a\u0000b"}, "assignedTo: holds a NUL"),
    ({"status": "resolved", "colour": "red"}, "colour"),
    ([], "must be a JSON object"),
    ("resolved", "must be a JSON object"),
    (None, "must be a JSON object"),
    (7, "must be a JSON object"),
])  # fmt: skip
async def test_what_cannot_be_written_is_refused_by_name(desk: Graph, body: Any, said: str) -> None:
    before = await one(desk)
    answer = await desk.ask("PATCH", f"{LIST}/{before['id']}", content=json.dumps(body))
    if body == {"status": None} and answer.status_code == 200:
        assert answer.json()["status"] == "new"  # null means the value nobody chose
        return
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] == "BadRequest"
    assert said in answer.json()["error"]["message"]
    assert await desk.get(f"{LIST}/{before['id']}") == before


@pytest.mark.parametrize("body", [{"colour": "red"}, {"title": "Other"}])
async def test_a_refusal_lists_what_can_be_written(desk: Graph, body: dict[str, Any]) -> None:
    before = await one(desk)
    answer = await desk.ask("PATCH", f"{LIST}/{before['id']}", json=body)
    assert "status, classification, determination, assignedTo" in answer.json()["error"]["message"]


# --- entity tags --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wanted", "status"), [
    ("{now}", 200),
    ("*", 200),
    ('W/"x", {now}', 200),
    ('{now},W/"x"', 200),
    ("{strong}", 200),
    ("", 200),
    ("{old}", 412),
    ('W/"x"', 412),
    ('W/"x", "y"', 412),
    ('{old}, W/"x"', 412),
    ("nonsense", 412),
])  # fmt: skip
@pytest.mark.parametrize("what", ["patch", "comment", "incident"])
async def test_if_match_guards_against_lost_updates(desk: Graph, what: str, wanted: str, status: int) -> None:
    alert = await one(desk)
    path = f"{INCIDENTS}/{alert['incidentId']}" if what == "incident" else f"{LIST}/{alert['id']}"
    old = (await desk.ask("GET", path)).headers["etag"]
    now = (await desk.ask("PATCH", path, json={"status": "inProgress"})).headers["etag"]
    assert now != old
    headers = {"if-match": wanted.format(old=old, now=now, strong=now.removeprefix("W/"))}
    if what == "comment":
        answer = await desk.ask("POST", f"{path}/comments", json={"comment": "seen"}, headers=headers)
    else:
        answer = await desk.ask("PATCH", path, json={"status": "resolved"}, headers=headers)
    assert answer.status_code == status, answer.text
    after = await desk.ask("GET", path)
    if status == 412:
        assert answer.json()["error"]["code"] == "resourceModified"
        assert after.headers["etag"] == now == answer.headers["etag"]
        assert (after.json()["status"], after.json()["comments"]) == ("inProgress", [])
    else:
        assert after.headers["etag"] != now


async def test_of_two_writers_with_one_tag_the_second_is_told(desk: Graph) -> None:
    alert = await one(desk)
    headers = {"if-match": alert["@odata.etag"]}
    answers = await asyncio.gather(*(
        desk.ask("PATCH", f"{LIST}/{alert['id']}", json={"assignedTo": name}, headers=headers) for name in "abcdefgh"
    ))  # fmt: skip
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    [winner] = [answer.json()["assignedTo"] for answer in answers if answer.status_code == 200]
    assert (await desk.get(f"{LIST}/{alert['id']}"))["assignedTo"] == winner


async def test_writes_at_once_get_times_of_their_own(desk: Graph) -> None:
    keys = [(await one(desk))["id"] for _ in range(20)]
    answers = await asyncio.gather(*(desk.ask("PATCH", f"{LIST}/{key}", json={"status": "resolved"}) for key in keys))
    times = [answer.json()["lastUpdateDateTime"] for answer in answers]
    assert len(set(times)) == 20
    assert all(time.endswith("0Z") for time in times)  # whole microseconds: clients cut the seventh digit
    newest = (await desk.get(LIST, orderby="lastUpdateDateTime desc", top="1"))["value"][0]
    assert await desk.ids(LIST, filter=f"lastUpdateDateTime gt {newest['lastUpdateDateTime']}") == []


# --- incidents ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "changed"), [
    ({"status": "Resolved", "classification": "TruePositive", "determination": "MultiStagedAttack"},
     {"status": "resolved", "classification": "truePositive", "determination": "multiStagedAttack"}),
    ({"status": "inProgress"}, {"status": "inProgress"}),
    ({"customTags": ["one", "Two"]}, {"customTags": ["one", "Two"]}),
    ({"severity": "High"}, {"severity": "high", "priorityScore": 43}),
    ({"displayName": "Named", "description": "Told", "summary": "Short", "resolvingComment": "Done"},
     {"displayName": "Named", "description": "Told", "summary": "Short", "resolvingComment": "Done"}),
    ({"assignedTo": "KaiC@contoso.com"}, {"assignedTo": "KaiC@contoso.com"}),
])  # fmt: skip
async def test_an_incident_is_changed(desk: Graph, body: dict[str, Any], changed: dict[str, Any]) -> None:
    key = (await one(desk))["incidentId"]
    before = bare(await desk.get(f"{INCIDENTS}/{key}"))
    answer = await desk.ask("PATCH", f"{INCIDENTS}/{key}", json=body)
    assert answer.status_code == 200, answer.text
    after = bare(answer.json())
    assert {name for name in after if after[name] != before[name]} == {*changed, "lastUpdateDateTime", "lastModifiedBy"}
    assert {name: after[name] for name in changed} == changed
    assert after["lastModifiedBy"] == f"API-App:{desk.application.name}"
    assert answer.json()["@odata.context"] == f"{ORIGIN}/v1.0/$metadata#security/incidents/$entity"
    assert bare(await desk.get(f"{INCIDENTS}/{key}")) == after


async def test_custom_tags_are_replaced_as_a_whole(desk: Graph) -> None:
    path = f"{INCIDENTS}/{(await one(desk))['incidentId']}"
    for tags in (["a", "b"], ["b"], []):
        assert (await desk.ask("PATCH", path, json={"customTags": tags})).json()["customTags"] == tags


@pytest.mark.parametrize(("body", "said"), [
    ({"status": "redirected"}, "redirected"),
    ({"status": "awaiting"}, "Members: active, resolved, inProgress"),
    ({"customTags": "one"}, "customTags: must be a list"),
    ({"customTags": ["one", 2]}, "customTags/1: must be text"),
    ({"customTags": ["a\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace"), None]}, "customTags/1"),
    ({"displayName": 7}, "displayName: must be text"),
    ({"severity": None}, "severity"),
    ({"priorityScore": 7}, "priorityScore: is read-only"),
    ({"redirectIncidentId": "1"}, "redirectIncidentId: is read-only"),
    ({"lastModifiedBy": "me"}, "lastModifiedBy: is read-only"),
    ({"title": "x"}, "title: is not a member of microsoft.graph.security.incident"),
])  # fmt: skip
async def test_what_cannot_be_written_to_an_incident_is_refused(desk: Graph, body: dict[str, Any], said: str) -> None:
    key = (await one(desk))["incidentId"]
    before = await desk.get(f"{INCIDENTS}/{key}")
    answer = await desk.ask("PATCH", f"{INCIDENTS}/{key}", json=body)
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["error"]["message"]
    assert await desk.get(f"{INCIDENTS}/{key}") == before


# --- comments -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [LIST, INCIDENTS])
async def test_comments_are_added_at_the_end(desk: Graph, path: str) -> None:
    alert = await one(desk)
    key = alert["id"] if path == LIST else alert["incidentId"]
    before = await desk.get(f"{path}/{key}")
    for number, body in enumerate((
        {"comment": "first"},
        {"@odata.type": "microsoft.graph.security.alertComment", "comment": "second"},
        {"@odata.type": "#microsoft.graph.security.alertComment", "Comment": "  third\n"},
    )):  # fmt: skip
        desk.clock.forward(1)
        answer = await desk.ask("POST", f"{path}/{key}/comments", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["@odata.context"] == f"{ORIGIN}/v1.0/$metadata#{path}('{key}')/comments"
        assert [item["comment"].strip() for item in answer.json()["value"]] == ["first", "second", "third"][: number + 1]
    assert await desk.get(f"{path}/{key}/comments") == answer.json()
    after = await desk.get(f"{path}/{key}")
    assert after["comments"] == answer.json()["value"]
    assert {item["createdByDisplayName"] for item in after["comments"]} == {desk.application.name}
    assert [item["createdDateTime"] for item in after["comments"]] == sorted(
        item["createdDateTime"] for item in after["comments"]
    )
    assert {name for name in bare(after) if after[name] != before[name]} <= {"comments", "lastUpdateDateTime", "lastModifiedBy"}


@pytest.mark.parametrize(("body", "said"), [
    ({}, "comment"),
    ({"comment": ""}, "comment"),
    ({"comment": "   "}, "comment"),
    ({"comment": None}, "comment"),
    ({"comment": 7}, "comment"),
    ({"comment": ["x"]}, "comment"),
    ({"comment": "a\u0000b"}, "comment: holds a NUL"),
    ({"text": "x"}, "comment"),
    (["x"], ""),
    ([], ""),
    ("x", "JSON object"),
])  # fmt: skip
async def test_a_comment_needs_text(desk: Graph, body: Any, said: str) -> None:
    before = await one(desk)
    answer = await desk.ask("POST", f"{LIST}/{before['id']}/comments", json=body)
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["error"]["message"]
    assert await desk.get(f"{LIST}/{before['id']}") == before


async def test_comments_at_once_are_all_kept(desk: Graph) -> None:
    key = (await one(desk))["id"]
    await asyncio.gather(*(desk.ask("POST", f"{LIST}/{key}/comments", json={"comment": str(n)}) for n in range(30)))
    assert sorted(int(item["comment"]) for item in (await desk.get(f"{LIST}/{key}"))["comments"]) == list(range(30))


# --- members past the sentinel ------------------------------------------------------------------------------------------


async def test_a_patch_answers_in_the_form_that_was_asked_for(desk: Graph) -> None:
    before = await one(desk, serviceSource="microsoftSentinel")
    path = f"{LIST}/{before['id']}"
    plain = await desk.ask("PATCH", path, json={"status": "inProgress"})
    full = await desk.ask("PATCH", path, json={"status": "resolved"}, headers={"prefer": "include-unknown-enum-members"})
    assert plain.json()["serviceSource"] == "unknownFutureValue"
    assert full.json()["serviceSource"] == "microsoftSentinel"
    assert await desk.ids(LIST, filter=f"serviceSource eq 'microsoftSentinel' and id eq '{before['id']}'") == [before["id"]]


async def test_a_status_past_the_sentinel_survives_being_sent_back(desk: Graph) -> None:
    path = f"{INCIDENTS}/{(await one(desk))['incidentId']}"
    answer = await desk.ask("PATCH", path, json={"status": "awaitingAction"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "unknownFutureValue"
    answer = await desk.ask("PATCH", path, json={"status": "unknownFutureValue", "assignedTo": "ana"})
    assert answer.status_code == 200, answer.text
    full = await desk.ask("GET", path, headers={"prefer": "include-unknown-enum-members"})
    assert (full.json()["status"], full.json()["assignedTo"]) == ("awaitingAction", "ana")
