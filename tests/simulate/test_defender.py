"""Defender for Endpoint and Defender XDR: counted pages, evidence on demand, changes, and the same alert seen through three APIs."""

from __future__ import annotations

from typing import Any

import pytest
from tests.simulate.conftest import Caller, Make, ticks

ALERTS = "/mde/api/alerts"
INCIDENTS = "/xdr/api/incidents"


async def test_evidence_is_there_only_when_it_is_asked_for(caller: Caller) -> None:
    bare, whole = (await caller.get(ALERTS))["value"], (await caller.get(f"{ALERTS}?$expand=evidence"))["value"]
    assert whole == await caller.truth("mde")
    assert [{**alert, "evidence": []} for alert in whole] == bare
    assert {row["entityType"] for alert in whole for row in alert["evidence"]} == {"User", "Process", "File", "Ip", "Url", "Registry"}
    assert len({tuple(row) for alert in whole for row in alert["evidence"]}) == 1, "every row has every column"
    assert (await caller.call("GET", f"{ALERTS}?$expand=machine")).status_code == 400


@pytest.mark.parametrize(("options", "cut"), [
    ("$top=5", slice(0, 5)), ("$top=5&$skip=3", slice(3, 8)), ("$skip=4", slice(4, None)), ("$top=10000", slice(None)),
    ("$skip=100000", slice(0, 0)),
])  # fmt: skip
async def test_pages_are_counted(caller: Caller, options: str, cut: slice) -> None:
    everything = [alert["id"] for alert in await caller.truth("mde")]
    body = await caller.get(f"{ALERTS}?{options}&$count=true")
    assert [alert["id"] for alert in body["value"]] == everything[cut]
    assert body["@odata.count"] == len(everything)
    assert "@odata.nextLink" not in body


async def test_more_than_a_page_holds_has_a_link(make: Make) -> None:
    caller = make(page=7)
    pages = await caller.pages(f"{ALERTS}?$filter=severity ne 'Low'")
    assert [alert["id"] for page in pages for alert in page] == [one["id"] for one in await caller.truth("mde") if one["severity"] != "Low"]
    assert len(pages) > 3


@pytest.mark.parametrize(("url", "most"), [(ALERTS, 10_000), ("/mde/api/machines", 10_000), (INCIDENTS, 100)])
async def test_more_than_the_ceiling_is_refused(caller: Caller, url: str, most: int) -> None:
    assert (await caller.call("GET", f"{url}?$top={most}")).status_code == 200
    answer = await caller.call("GET", f"{url}?$top={most + 1}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
    assert f"'{most}'" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("text", "test"), [
    ("lastUpdateTime ge 2026-03-05T00:00:00Z", lambda a: ticks(a["lastUpdateTime"]) >= ticks("2026-03-05")),
    ("alertCreationTime gt 2026-03-05", lambda a: ticks(a["alertCreationTime"]) > ticks("2026-03-05")),
    ("status eq 'New' and severity eq 'High'", lambda a: (a["status"], a["severity"]) == ("New", "High")),
    ("detectionSource eq 'CustomDetection'", lambda a: a["id"].startswith("ed")),
])  # fmt: skip
async def test_a_filter_is_obeyed(caller: Caller, text: str, test: Any) -> None:
    expected = [alert["id"] for alert in await caller.truth("mde") if test(alert)]
    assert expected, "the case shows nothing"
    assert [alert["id"] for alert in (await caller.get(f"{ALERTS}?$filter={text}"))["value"]] == expected


async def test_a_filter_by_a_number(caller: Caller) -> None:
    number = (await caller.truth("mde"))[0]["incidentId"]
    found = (await caller.get(f"{ALERTS}?$filter=incidentId eq {number}"))["value"]
    assert found
    assert {alert["incidentId"] for alert in found} == {number}


@pytest.mark.parametrize("text", ["title eq 'x'", "severity eq", "lastUpdateTime ge yesterday"])
async def test_a_filter_that_cannot_be_meant_is_refused(caller: Caller, text: str) -> None:
    answer = await caller.call("GET", f"{ALERTS}?$filter={text}")
    assert answer.status_code == 400
    assert answer.json()["error"].keys() == {"code", "message", "target"}


async def test_a_change_answers_with_the_alert_and_moves_its_clock_everywhere(caller: Caller) -> None:
    before = (await caller.truth("mde"))[0]
    body = {"status": "Resolved", "assignedTo": "me@x.example", "classification": "TruePositive", "determination": "CompromisedAccount", "comment": "mine"}
    answer = await caller.call("PATCH", f"{ALERTS}/{before['id']}", json=body)
    after = answer.json()
    assert answer.status_code == 200
    assert ticks(after["lastUpdateTime"]) > ticks(before["lastUpdateTime"])
    assert (after["determination"], after["comments"][-1]["comment"]) == ("CompromisedUser", "mine")
    assert after["resolvedTime"] is not None
    seen = await caller.get(f"/graph/v1.0/security/alerts_v2/{before['id']}")
    assert (seen["status"], seen["determination"], seen["assignedTo"]) == ("resolved", "compromisedAccount", "me@x.example")
    assert ticks(seen["lastUpdateDateTime"]) == ticks(after["lastUpdateTime"])
    case = await caller.get(f"{INCIDENTS}/{before['incidentId']}")
    assert ticks(case["lastUpdateTime"]) == ticks(after["lastUpdateTime"]), "an incident moves with its alerts"


async def test_many_are_changed_at_once_without_a_word(caller: Caller) -> None:
    names = [alert["id"] for alert in (await caller.truth("mde"))[:3]]
    answer = await caller.call("POST", f"{ALERTS}/batchUpdate", json={"alertIds": names, "status": "InProgress", "comment": "all"})
    assert (answer.status_code, answer.content) == (200, b"")
    after = {alert["id"]: alert for alert in await caller.truth("mde")}
    assert all(after[name]["status"] == "InProgress" and after[name]["comments"][-1]["comment"] == "all" for name in names)
    assert len({after[name]["lastUpdateTime"] for name in names}) == 3


@pytest.mark.parametrize(("body", "status", "code"), [
    ({"alertIds": ["da1"], "status": "New"}, 404, "ResourceNotFound"), ({"status": "New"}, 400, "MissingRequiredParameter"),
    ({"alertIds": [str(one) for one in range(101)]}, 400, "MaximumBatchSizeExceeded"), ([], 400, "InvalidRequestBody"),
])  # fmt: skip
async def test_many_that_cannot_be_changed(caller: Caller, body: Any, status: int, code: str) -> None:
    answer = await caller.call("POST", f"{ALERTS}/batchUpdate", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize(("body", "code"), [({"status": "closed"}, "InvalidInput"), ({"determination": "x"}, "InvalidInput"), ({}, "InvalidRequestBody")])
async def test_a_change_that_is_none_is_refused(caller: Caller, body: Any, code: str) -> None:
    name = (await caller.truth("mde"))[0]["id"]
    answer = await caller.call("PATCH", f"{ALERTS}/{name}", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_an_alert_of_another_product_is_not_one_of_these(caller: Caller) -> None:
    other = next(alert["id"] for alert in (await caller.truth("graph"))["alerts"] if alert["id"].startswith("fa"))
    assert (await caller.call("GET", f"{ALERTS}/{other}")).status_code == 404


async def test_machines(caller: Caller) -> None:
    found = (await caller.get("/mde/api/machines"))["value"]
    one = await caller.get(f"/mde/api/machines/{found[3]['id']}")
    assert found[3].items() <= one.items()
    assert (await caller.get(f"/mde/api/machines/{found[3]['computerDnsName']}"))["id"] == found[3]["id"]
    assert {alert["machineId"] for alert in await caller.truth("mde")} <= {machine["id"] for machine in found}
    missing = await caller.call("GET", "/mde/api/machines/123")
    assert (missing.status_code, missing.json()["error"]["message"]) == (404, "Machine 123 was not found")
    assert len((await caller.get(f"/mde/api/machines?$filter=computerDnsName eq '{found[0]['computerDnsName']}'"))["value"]) == 1


async def test_the_same_alert_through_three_apis(caller: Caller) -> None:
    graph = {alert["id"]: alert for alert in (await caller.truth("graph"))["alerts"]}
    inside = {alert["alertId"]: alert for case in await caller.truth("xdr") for alert in case["alerts"]}
    assert graph.keys() == inside.keys()
    for alert in await caller.truth("mde"):
        one, two = graph[alert["id"]], inside[alert["id"]]
        assert one["id"].removeprefix(one["id"][:2]) == one["providerAlertId"] or one["id"] == one["providerAlertId"]
        assert alert["title"] == one["title"] == two["title"]
        assert str(alert["incidentId"]) == one["incidentId"] == str(two["incidentId"])
        assert ticks(alert["lastUpdateTime"]) == ticks(one["lastUpdateDateTime"]) == ticks(two["lastUpdatedTime"])
        assert alert["status"].lower() == one["status"].lower() == two["status"].lower()


async def test_incidents_hold_their_alerts(caller: Caller) -> None:
    found = (await caller.get(f"{INCIDENTS}?$top=100"))["value"]
    assert found == await caller.truth("xdr")
    assert (await caller.get(f"{INCIDENTS}?$top=10&$skip=5"))["value"] == found[5:15]
    assert {case["status"] for case in found} == {"Active", "Resolved", "Redirected"}
    late = (await caller.get(f"{INCIDENTS}?$filter=lastUpdateTime gt 2026-03-07T00:00:00Z"))["value"]
    assert late == [case for case in found if ticks(case["lastUpdateTime"]) > ticks("2026-03-07")]
    assert (await caller.call("GET", f"{INCIDENTS}?$filter=severity eq 'High'")).status_code == 400


async def test_only_the_incident_is_changed_here(caller: Caller) -> None:
    before = next(case for case in await caller.truth("xdr") if case["status"] == "Active" and case["alerts"])
    body = {"status": "Resolved", "classification": "TruePositive", "determination": "Malware", "tags": ["x"], "comment": "done"}
    answer = await caller.call("PATCH", f"{INCIDENTS}/{before['incidentId']}", json=body)
    after = answer.json()
    assert answer.status_code == 200
    assert (after["status"], after["tags"], after["comments"][-1]["comment"]) == ("Resolved", ["x"], "done")
    assert after["alerts"] == before["alerts"]
    assert (await caller.call("PATCH", f"{INCIDENTS}/{before['incidentId']}", json={})).status_code == 400
    assert (await caller.call("PATCH", f"{INCIDENTS}/1", json=body)).status_code == 404
