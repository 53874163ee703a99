"""The audit feed: subscriptions, windows, pages by a header, content that expires, and records in no order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.simulate.conftest import SCENARIO, Caller, Make

from secgraph import clock
from secgraph.simulate import audit


def feed(caller: Caller, rest: str) -> str:
    return f"/office/api/v1.0/{caller.organisation.id}/activity/feed/{rest}"


async def start(caller: Caller, content: str = "Audit.General") -> None:
    answer = await caller.call("POST", feed(caller, f"subscriptions/start?contentType={content}"))
    assert (answer.status_code, answer.json()) == (200, {"contentType": content, "status": "enabled", "webhook": None})


async def listed(caller: Caller, options: str, content: str = "Audit.General") -> list[Any]:
    """What a window lists, page by page."""
    url: str | None = feed(caller, f"subscriptions/content?contentType={content}{options}")
    found: list[Any] = []
    while url is not None:
        answer = await caller.call("GET", url)
        assert answer.status_code == 200, answer.text
        found += answer.json()
        url = answer.headers.get("NextPageUri")
    return found


async def fails(caller: Caller, rest: str, code: str, status: int = 400, method: str = "GET") -> None:
    answer = await caller.call(method, feed(caller, rest))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text


async def test_a_subscription_comes_first_and_only_once(caller: Caller) -> None:
    await fails(caller, "subscriptions/content?contentType=Audit.General", "AF20022")
    await start(caller)
    await fails(caller, "subscriptions/start?contentType=Audit.General", "AF20024", method="POST")
    assert [one["contentType"] for one in await caller.get(feed(caller, "subscriptions/list"))] == ["Audit.General"]
    assert (await caller.call("POST", feed(caller, "subscriptions/stop?contentType=Audit.General"))).status_code == 204
    await fails(caller, "subscriptions/content?contentType=Audit.General", "AF20022")
    await fails(caller, "subscriptions/start?contentType=Audit.Nothing", "AF20020", method="POST")
    await fails(caller, "subscriptions/start", "AF20001", method="POST")


async def test_the_tenant_of_the_address_is_the_token_s(caller: Caller) -> None:
    other = SCENARIO.organisations[1].id
    answer = await caller.call("GET", f"/office/api/v1.0/{other}/activity/feed/subscriptions/list")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "AF20010")


@pytest.mark.parametrize(("options", "code"), [
    ("&startTime=2026-03-08T00:00:00", "AF20030"), ("&endTime=2026-03-08T00:00:00", "AF20030"),
    ("&startTime=2026-03-07T00:00:00&endTime=2026-03-08T00:00:01", "AF20030"),
    ("&startTime=2026-03-01T23:59:59&endTime=2026-03-02T10:00:00", "AF20030"),
    ("&startTime=2026-03-08T10:00:00&endTime=2026-03-08T10:00:00", "AF20055"),
    ("&startTime=2026-03-08T10:00:00&endTime=2026-03-08T09:00:00", "AF20055"),
    ("&startTime=yesterday&endTime=2026-03-08T09:00:00", "AF20030"),
])  # fmt: skip
async def test_a_window_has_rules(caller: Caller, options: str, code: str) -> None:
    await start(caller)
    await fails(caller, f"subscriptions/content?contentType=Audit.General{options}", code)


@pytest.mark.parametrize("options", ["&startTime=2026-03-02&endTime=2026-03-03", "&startTime=2026-03-07T00:00&endTime=2026-03-08T00:00", ""])
async def test_a_window_is_of_the_making_of_blobs_and_its_end_is_outside(caller: Caller, options: str) -> None:
    await start(caller)
    begin, end = {"": ("2026-03-08", "2026-03-09")}.get(options, (options[11:21], options.rpartition("=")[2][:10]))
    found = await listed(caller, options)
    assert found
    assert all(begin <= one["contentCreated"] < end for one in found)
    assert len({one["contentId"] for one in found}) == len(found)


async def test_seven_windows_hold_every_record_once_and_the_ends_touch(make: Make) -> None:
    caller = make(page=3)
    await start(caller)
    blobs = [blob for day in range(2, 9) for blob in await listed(caller, f"&startTime=2026-03-0{day}T00:00:00&endTime=2026-03-0{day + 1}T00:00:00")]
    records = [record for blob in blobs for record in await caller.get(blob["contentUri"])]
    truth = {record["Id"]: record for record in await caller.truth("office")}
    assert len({record["Id"] for record in records}) == len(records)
    assert all(truth[record["Id"]] == record for record in records)
    closed = SCENARIO.end - 1200 * clock.SECOND
    general = {r["Id"] for r in truth.values() if r["RecordType"] in {40, 98, 64, 28} and (clock.ticks(r["CreationTime"]) or 0) < closed - 900 * clock.SECOND}
    assert general <= {record["Id"] for record in records}, "all but what came in lately"
    assert {record["RecordType"] for record in records} == {40, 98, 64, 28}


async def test_an_alert_is_told_in_steps_and_in_no_order(caller: Caller) -> None:
    await start(caller)
    blobs = [blob for day in range(2, 9) for blob in await listed(caller, f"&startTime=2026-03-0{day}&endTime=2026-03-0{day + 1}")]
    steps: dict[str, list[str]] = {}
    for blob in blobs:
        for record in await caller.get(blob["contentUri"]):
            if record["RecordType"] in {40, 98}:
                assert record["UserKey"] == "SecurityComplianceAlerts"
                json.loads(record["Data"])
                steps.setdefault(record["AlertId"], []).append(record["Operation"])
    assert {step for told in steps.values() for step in told} == {"AlertTriggered", "AlertEntityGenerated", "AlertUpdated"}
    assert any(told[0] != "AlertTriggered" for told in steps.values()), "an entity may come before its alert"
    assert all(told.count("AlertTriggered") <= 1 for told in steps.values())


async def test_the_end_of_the_feed_says_what_graph_says(caller: Caller) -> None:
    words = {"new": "Active", "inProgress": "Investigating", "resolved": "Resolved"}
    alerts = {alert["providerAlertId"]: alert for alert in (await caller.truth("graph"))["alerts"]}
    cloud = {alert["_id"] for alert in await caller.truth("cloudapps")}
    last: dict[str, Any] = {}
    for record in sorted(await caller.truth("office"), key=lambda record: record["CreationTime"]):
        if record["Operation"] in {"AlertTriggered", "AlertUpdated"}:
            last[record["AlertId"]] = record
    assert last
    for name, record in last.items():
        if record["RecordType"] == 98:
            assert json.loads(record["Data"])["alk"].rpartition("/")[2] in cloud
            continue
        alert = alerts[name]
        dismissed = (alert["status"], alert["classification"]) == ("resolved", "falsePositive")
        assert record["Status"] == ("Dismissed" if dismissed else words[alert["status"]])
        assert record["Severity"].lower() == alert["severity"]


async def test_a_change_made_elsewhere_comes_back_as_a_record(caller: Caller) -> None:
    alert = next(one for one in (await caller.truth("graph"))["alerts"] if one["id"].startswith("fa") and one["status"] == "new")
    known = {record["Id"] for record in await caller.truth("office")}
    await caller.call("PATCH", f"/graph/v1.0/security/alerts_v2/{alert['id']}", json={"status": "inProgress"})
    await caller.control("clock", advance=1800)
    fresh = [record for record in await caller.truth("office") if record["Id"] not in known and record.get("AlertId") == alert["providerAlertId"]]
    assert [(record["Operation"], record["Status"]) for record in fresh if record["Operation"] == "AlertUpdated"][-1:] == [("AlertUpdated", "Investigating")]


async def test_content_expires_after_seven_days(caller: Caller) -> None:
    await start(caller)
    blob = (await listed(caller, "&startTime=2026-03-02&endTime=2026-03-03"))[0]
    created = clock.ticks(blob["contentCreated"]) or 0
    caller.simulator.clock.set(created + 7 * clock.DAY - clock.SECOND)
    assert (await caller.call("GET", blob["contentUri"])).status_code == 200
    caller.simulator.clock.set(created + 7 * clock.DAY)
    answer = await caller.call("GET", blob["contentUri"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "AF20051")
    await fails(caller, "audit/none", "AF20050")


async def test_a_blob_never_changes(caller: Caller) -> None:
    await start(caller)
    caller.simulator.clock.set(SCENARIO.start + 3 * clock.DAY)
    blob = (await listed(caller, ""))[-1]
    before = await caller.get(blob["contentUri"])
    caller.simulator.clock.set(SCENARIO.start + 5 * clock.DAY)
    assert await caller.get(blob["contentUri"]) == before


async def test_other_content_is_in_other_feeds(caller: Caller) -> None:
    await start(caller, "Audit.Exchange")
    blob = (await listed(caller, "", "Audit.Exchange"))[0]
    assert {record["RecordType"] for record in await caller.get(blob["contentUri"])} == {2}


async def test_content_that_is_there_does_not_change(caller: Caller) -> None:
    org, world = caller.organisation, caller.simulator.world
    told: dict[str, list[Any]] = {}
    for at in range(SCENARIO.start, SCENARIO.start + 2 * clock.DAY, audit.BUCKET):
        for name, blob in audit.blobs(world, org, at).items():
            assert told.setdefault(name, blob.records) == blob.records
    assert len(told) > 200
