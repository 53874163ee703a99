"""Microsoft Graph: paging by opaque links, filters, and writes that move the update clock."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from tests.simulate.conftest import SCENARIO, Caller, Make, ticks

ALERTS = "/graph/v1.0/security/alerts_v2"
INCIDENTS = "/graph/v1.0/security/incidents"


async def filtered(caller: Caller, text: str, url: str = ALERTS) -> list[str]:
    return [item["id"] for page in await caller.pages(f"{url}?$filter={quote(text)}") for item in page]


@pytest.mark.parametrize("top", ["", "?$top=1", "?$top=7", "?$top=5000"])
async def test_pages_hold_every_alert_once_the_newest_first(caller: Caller, top: str) -> None:
    pages = await caller.pages(ALERTS + top)
    found = [item for page in pages for item in page]
    assert found == (await caller.truth("graph"))["alerts"]
    size = {"": 50, "?$top=1": 1, "?$top=7": 7, "?$top=5000": 2000}[top]
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)
    created = [item["createdDateTime"] for item in found]
    assert created == sorted(created, reverse=True)


async def test_a_link_repeats_the_options_and_counts_when_told(caller: Caller) -> None:
    body = await caller.get(f"{ALERTS}?$top=2&$count=true&$filter=severity eq 'high'")
    assert body["@odata.count"] == len(await filtered(caller, "severity eq 'high'"))
    link = body["@odata.nextLink"]
    assert link.startswith("https://products.test/graph/v1.0/security/alerts_v2?")
    assert "$skiptoken=" in link
    assert "$top=2" in link
    assert all(item["severity"] == "high" for item in (await caller.get(link))["value"])
    assert "@odata.count" not in await caller.get(f"{ALERTS}?$top=2")


async def test_a_page_goes_on_behind_the_last_item_though_the_list_moves(caller: Caller) -> None:
    caller.simulator.clock.set(SCENARIO.start + (SCENARIO.end - SCENARIO.start) // 2)
    first = await caller.get(f"{ALERTS}?$top=3")
    before = [item["id"] for item in (await caller.truth("graph"))["alerts"]]
    await caller.control("clock", advance=86400)
    after = await caller.get(first["@odata.nextLink"])
    assert [item["id"] for item in after["value"]] == before[3:6]
    assert (await caller.get(f"{ALERTS}?$top=1"))["value"][0]["id"] not in before


@pytest.mark.parametrize(("text", "test"), [
    ("severity eq 'high'", lambda a: a["severity"] == "high"),
    ("severity eq 'HIGH'", lambda a: a["severity"] == "high"),
    ("severity ne 'high' and status eq 'new'", lambda a: a["severity"] != "high" and a["status"] == "new"),
    ("status eq 'resolved' or status eq 'inProgress'", lambda a: a["status"] != "new"),
    ("not (status eq 'new')", lambda a: a["status"] != "new"),
    ("status in ('resolved', 'inProgress')", lambda a: a["status"] != "new"),
    ("assignedTo eq null", lambda a: a["assignedTo"] is None),
    ("serviceSource eq 'microsoftDefenderForEndpoint'", lambda a: a["serviceSource"].endswith("Endpoint")),
    ("lastUpdateDateTime ge 2026-03-05T00:00:00Z", lambda a: a["lastUpdateDateTime"] >= "2026-03-05"),
    ("lastUpdateDateTime gt 2026-03-04T23:59:59.9999999Z and lastUpdateDateTime lt 2026-03-07T00:00:00Z",
     lambda a: "2026-03-05" <= a["lastUpdateDateTime"] < "2026-03-07"),
    ("createdDateTime le 2026-03-03T00:00:00+01:00", lambda a: a["createdDateTime"] <= "2026-03-02T23:00:00"),
    ("classification eq 'truePositive'", lambda a: a["classification"] == "truePositive"),
])  # fmt: skip
async def test_a_filter_is_obeyed(caller: Caller, text: str, test: Any) -> None:
    expected = [alert["id"] for alert in (await caller.truth("graph"))["alerts"] if test(alert)]
    assert expected, "the case shows nothing"
    assert await filtered(caller, text) == expected


@pytest.mark.parametrize(("options", "says"), [
    ("$filter=title eq 'x'", "title"), ("$filter=severity", "Syntax"), ("$filter=severity eq", "Syntax"),
    ("$filter=severity like 'x'", "Syntax"), ("$filter=(severity eq 'high'", "Syntax"), ("$filter=severity eq 'high' x", "Syntax"),
    ("$filter=severity eq #", "Syntax"), ("$orderby=createdDateTime", "orderby"), ("$search=x", "search"), ("$top=x", "$top"),
    ("$top=0", "$top"), ("$skip=-1", "$skip"), ("$skiptoken=!!", "skiptoken"), ("$skiptoken=eHg", "skiptoken"),
])  # fmt: skip
async def test_what_cannot_be_meant_is_refused(caller: Caller, options: str, says: str) -> None:
    answer = await caller.call("GET", f"{ALERTS}?{quote(options, safe='$=')}", headers={"client-request-id": "mine"})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "BadRequest"
    assert says in error["message"]
    assert error["innerError"]["client-request-id"] == "mine"
    assert len(error["innerError"]["date"]) == 19, "neither zone nor fraction"


async def test_a_change_answers_with_the_alert_and_moves_its_clock(caller: Caller) -> None:
    before = (await caller.get(f"{ALERTS}?$top=1"))["value"][0]
    change = {"status": "resolved", "classification": "falsePositive", "determination": "clean", "assignedTo": "me@x.example"}
    for _ in range(2):  # the clock stands still; a second change bears a later time all the same
        answer = await caller.call("PATCH", f"{ALERTS}/{before['id']}", json=change)
        assert answer.status_code == 200
        after = answer.json()
        assert after["@odata.context"].endswith("alerts_v2/$entity")
        assert ticks(after["lastUpdateDateTime"]) > ticks(before["lastUpdateDateTime"])
        before = after
    assert after["determination"] == "notMalicious"
    assert after["resolvedDateTime"] is not None
    assert await filtered(caller, f"lastUpdateDateTime ge {after['lastUpdateDateTime']}") == [after["id"]], "the echo"
    stored = (await caller.client.get("/_simulate/writes")).json()["writes"]
    assert [(one["through"], one["id"], one["members"]["status"]) for one in stored] == [("graph", stored[0]["id"], "resolved")] * 2


@pytest.mark.parametrize("body", [{"status": "closed"}, {"classification": "x"}, {"determination": 1}, {"title": "x"}, {}, [1]])
async def test_a_change_that_is_none_is_refused(caller: Caller, body: Any) -> None:
    name = (await caller.get(f"{ALERTS}?$top=1"))["value"][0]["id"]
    answer = await caller.call("PATCH", f"{ALERTS}/{name}", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
    assert caller.simulator.world.writes == []


async def test_a_comment_answers_with_all_comments(caller: Caller) -> None:
    told = next(alert for alert in (await caller.truth("graph"))["alerts"] if alert["comments"])
    answer = await caller.call("POST", f"{ALERTS}/{told['id']}/comments", json={"@odata.type": "microsoft.graph.security.alertComment", "comment": "mine"})
    assert answer.status_code == 200, "not 201"
    said = answer.json()["value"]
    assert [one["comment"] for one in said] == [one["comment"] for one in told["comments"]] + ["mine"]
    assert (await caller.get(f"{ALERTS}/{told['id']}"))["comments"] == said
    assert (await caller.call("POST", f"{ALERTS}/{told['id']}/comments", json={})).status_code == 400


@pytest.mark.parametrize("url", [f"{ALERTS}/da1", f"{INCIDENTS}/1", "/graph/v1.0/identityProtection/riskyUsers/x", "/graph/v1.0/nothing"])
async def test_what_is_not_there(caller: Caller, url: str) -> None:
    assert (await caller.call("GET", url)).status_code == 404


async def test_a_method_that_is_not_possible(caller: Caller) -> None:
    answer = await caller.call("DELETE", f"{ALERTS}/x")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PATCH")


async def test_incidents_have_their_alerts_when_told(caller: Caller) -> None:
    pages = await caller.pages(f"{INCIDENTS}?$expand=alerts&$top=100")
    assert len(pages[0]) == 50, "a page holds fifty at most"
    found = [item for page in pages for item in page]
    alerts = {alert["id"]: alert for alert in (await caller.truth("graph"))["alerts"]}
    assert {alert["id"]: alert for item in found for alert in item["alerts"]} == alerts
    assert all(item["lastUpdateDateTime"] >= alert["lastUpdateDateTime"] for item in found for alert in item["alerts"])
    assert all("alerts" not in item for item in (await caller.get(INCIDENTS))["value"])
    assert (await caller.call("GET", f"{INCIDENTS}?$expand=comments")).status_code == 400


async def test_a_merged_incident_is_empty_and_says_where_its_alerts_are(caller: Caller) -> None:
    found = [item for page in await caller.pages(f"{INCIDENTS}?$expand=alerts") for item in page]
    by_id = {item["id"]: item for item in found}
    merged = [item for item in found if item["status"] == "redirected"]
    assert merged
    for item in merged:
        assert item["alerts"] == []
        assert by_id[item["redirectIncidentId"]]["alerts"]
        assert (await caller.call("PATCH", f"{INCIDENTS}/{item['id']}", json={"status": "resolved"})).status_code == 400


async def test_an_incident_can_be_changed(caller: Caller) -> None:
    name = (await filtered(caller, "status eq 'active'", INCIDENTS))[0]
    body = {"displayName": "Ours", "customTags": ["x"], "severity": "low", "status": "resolved", "resolvingComment": "done"}
    answer = await caller.call("PATCH", f"{INCIDENTS}/{name}", json=body)
    assert answer.status_code == 200
    assert body.items() <= answer.json().items()
    said = await caller.call("POST", f"{INCIDENTS}/{name}/comments", json={"comment": "bye"})
    assert said.json()["value"][-1]["comment"] == "bye"


async def test_a_fresh_alert_can_be_without_much_of_its_evidence(make: Make) -> None:
    caller = make()
    late = next(alert for alert in SCENARIO.alerts if len({change.members.get("known") for change in alert.changes}) > 2 and alert.organisation is caller.organisation)
    caller.simulator.clock.set(late.created)
    first = await caller.get(f"{ALERTS}/{late.graph_id}")
    caller.simulator.clock.set(SCENARIO.end)
    last = await caller.get(f"{ALERTS}/{late.graph_id}")
    assert last["evidence"][: len(first["evidence"])] == first["evidence"]
    assert len(last["evidence"]) > len(first["evidence"])


async def test_secure_scores_are_one_a_day_the_newest_first(caller: Caller) -> None:
    scores = (await caller.get("/graph/v1.0/security/secureScores"))["value"]
    assert [score["createdDateTime"][:10] for score in scores] == [f"2026-03-0{day}" for day in range(8, 1, -1)]
    assert all(score["id"] == f"{caller.organisation.id}_{score['createdDateTime'][:10]}" for score in scores)
    assert all(score["currentScore"] == sum(part["score"] for part in score["controlScores"]) <= score["maxScore"] for score in scores)
    profiles = (await caller.get("/graph/v1.0/security/secureScoreControlProfiles"))["value"]
    assert {profile["id"] for profile in profiles} == {part["controlName"] for part in scores[0]["controlScores"]}
    newest = await caller.get("/graph/v1.0/security/secureScores?$top=1")
    assert newest["value"] == scores[:1]


async def test_a_tenant_sees_its_own_alone(caller: Caller) -> None:
    tenants = {alert["tenantId"] for page in await caller.pages(ALERTS) for alert in page}
    assert tenants == {caller.organisation.id}
    other = next(alert for alert in SCENARIO.alerts if alert.organisation is not caller.organisation and alert.unified)
    assert (await caller.call("GET", f"{ALERTS}/{other.graph_id}")).status_code == 404
