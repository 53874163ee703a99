"""Identity protection: a detection moves with its own state only, and decisions are about people."""

from __future__ import annotations

from typing import Any

import pytest
from tests.simulate.conftest import SCENARIO, Caller, Make, ticks

DETECTIONS = "/graph/v1.0/identityProtection/riskDetections"
USERS = "/graph/v1.0/identityProtection/riskyUsers"


async def test_detections_come_in_pages_of_twenty(caller: Caller) -> None:
    pages = await caller.pages(DETECTIONS)
    assert [item for page in pages for item in page] == await caller.truth("riskDetections")
    assert len(pages[0]) == 20


@pytest.mark.parametrize("top", [0, 501])
async def test_a_page_has_from_one_to_five_hundred(caller: Caller, top: int) -> None:
    answer = await caller.call("GET", f"{DETECTIONS}?$top={top}")
    assert answer.status_code == 400
    assert "between 1 and 500" in answer.json()["error"]["message"]
    assert (await caller.call("GET", f"{DETECTIONS}?$top=500")).status_code == 200


@pytest.mark.parametrize(("text", "test"), [
    ("riskLevel eq 'high'", lambda one: one["riskLevel"] == "high"), ("riskState eq 'atRisk'", lambda one: one["riskState"] == "atRisk"),
    ("detectedDateTime ge 2026-03-05T00:00:00Z", lambda one: one["detectedDateTime"] >= "2026-03-05"),
    ("lastUpdatedDateTime ge 2026-03-05T00:00:00Z", lambda one: one["lastUpdatedDateTime"] >= "2026-03-05"),
])  # fmt: skip
async def test_a_filter_is_obeyed(caller: Caller, text: str, test: Any) -> None:
    expected = [one for one in await caller.truth("riskDetections") if test(one)]
    assert expected
    assert [one for page in await caller.pages(f"{DETECTIONS}?$filter={text}") for one in page] == expected


async def test_only_high_risk_is_an_alert(caller: Caller) -> None:
    alerts = {alert["id"] for alert in (await caller.truth("graph"))["alerts"] if alert["id"].startswith("ad")}
    assert alerts == {f"ad{one['id']}" for one in await caller.truth("riskDetections") if one["riskLevel"] == "high"}


async def test_what_is_done_to_the_alert_is_nothing_to_the_detection(caller: Caller) -> None:
    before = next(one for one in await caller.truth("riskDetections") if one["riskLevel"] == "high" and one["riskState"] == "atRisk")
    body = {"status": "resolved", "classification": "falsePositive"}
    assert (await caller.call("PATCH", f"/graph/v1.0/security/alerts_v2/ad{before['id']}", json=body)).status_code == 200
    after = await caller.get(f"{DETECTIONS}/{before['id']}")
    assert before.items() <= after.items()


async def test_a_person_is_as_risky_as_the_worst_that_goes_on(caller: Caller) -> None:
    order = ["none", "low", "medium", "high"]
    detections = await caller.truth("riskDetections")
    users = [user for page in await caller.pages(USERS) for user in page]
    assert users == await caller.truth("riskyUsers")
    assert {user["id"] for user in users} == {one["userId"] for one in detections}
    for user in users:
        mine = [one for one in detections if one["userId"] == user["id"]]
        going = [one["riskLevel"] for one in mine if one["riskState"] in {"atRisk", "confirmedCompromised"}]
        assert user["riskLevel"] == max(going, key=order.index, default="none")
        assert user["riskLastUpdatedDateTime"] == max(one["lastUpdatedDateTime"] for one in mine)


@pytest.mark.parametrize(("name", "state", "level"), [("dismiss", "dismissed", "none"), ("confirmSafe", "confirmedSafe", "none"),
                                                      ("confirmCompromised", "confirmedCompromised", "")])  # fmt: skip
async def test_a_decision_is_about_a_person(caller: Caller, name: str, state: str, level: str) -> None:
    before = next(user for user in await caller.truth("riskyUsers") if user["riskState"] == "atRisk")
    answer = await caller.call("POST", f"{USERS}/{name}", json={"userIds": [before["id"]]})
    assert (answer.status_code, answer.content) == (204, b"")
    after = await caller.get(f"{USERS}/{before['id']}")
    assert (after["riskState"], after["riskLevel"]) == (state, level or before["riskLevel"])
    assert ticks(after["riskLastUpdatedDateTime"]) > ticks(before["riskLastUpdatedDateTime"])
    history = (await caller.get(f"{USERS}/{before['id']}/history"))["value"]
    assert (history[0]["riskState"], history[0]["initiatedBy"]) == (state, caller.organisation.client_id)
    assert "atRisk" in {item["riskState"] for item in history}
    fresh = (await caller.get(f"{DETECTIONS}?$filter=lastUpdatedDateTime ge {after['riskLastUpdatedDateTime']}"))["value"]
    assert {one["userId"] for one in fresh} == {before["id"]}


@pytest.mark.parametrize(("body", "status"), [({"userIds": []}, 400), ({}, 400), ({"userIds": ["x"] * 61}, 400), ({"userIds": ["x"]}, 404)])
async def test_a_decision_about_nobody(caller: Caller, body: Any, status: int) -> None:
    assert (await caller.call("POST", f"{USERS}/dismiss", json=body)).status_code == status
    assert caller.simulator.world.writes == []


async def test_an_offline_detection_arrives_hours_after_what_it_is_about(make: Make) -> None:
    caller = make()
    offline = [one for one in await caller.truth("riskDetections") if one["detectionTimingType"] == "offline"]
    assert offline
    assert all(ticks(one["detectedDateTime"]) - ticks(one["activityDateTime"]) > 3600 * 10_000_000 for one in offline)
    caller.simulator.clock.set(SCENARIO.start)
    assert await caller.truth("riskDetections") == []
