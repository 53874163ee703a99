"""Defender for Cloud Apps: filters in a body, a hundred at a time, closings whose misses are told in the body."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.simulate.conftest import Caller, Make, ticks

ALERTS = "/cloudapps/api/v1/alerts/"


async def ask(caller: Caller, **body: Any) -> Any:
    answer = await caller.call("POST", ALERTS, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(answer: httpx.Response, status: int, says: str) -> None:
    assert answer.status_code == status
    assert answer.json().keys() == {"detail"}
    assert says in answer.json()["detail"]


async def test_pages_go_on_until_there_is_no_next(caller: Caller) -> None:
    truth = sorted(await caller.truth("cloudapps"), key=lambda alert: str(alert["timestamp"]))
    found: list[Any] = []
    while True:
        body = await ask(caller, skip=len(found), limit=4, sortField="date", sortDirection="asc")
        assert len(body["data"]) <= 4
        assert body["total"] == len(truth)
        found += body["data"]
        if not body["hasNext"]:
            break
    assert found == truth


async def test_a_page_holds_a_hundred_at_most(make: Make) -> None:
    from secgraph.simulate import Scenario  # noqa: PLC0415 -- a larger world, for this test alone

    caller = make(Scenario(2, days=20, stories=25, tenants=1))
    body = await ask(caller, limit=5000)
    assert (len(body["data"]), body["hasNext"]) == (100, True)
    assert body["total"] > 100


@pytest.mark.parametrize(("filters", "test"), [
    ({}, lambda _: True),
    ({"date": {"gte": 1772700000000}}, lambda alert: alert["timestamp"] >= 1772700000000),
    ({"date": {"gte": 1772600000000, "lte": 1772800000000}}, lambda alert: 1772600000000 <= alert["timestamp"] <= 1772800000000),
    ({"date": {"range": [{"start": 1772600000000, "end": 1772800000000}]}}, lambda alert: 1772600000000 <= alert["timestamp"] <= 1772800000000),
    ({"resolutionDate": {"gte": 1772700000000}}, lambda alert: "resolveTime" in alert and ticks(alert["resolveTime"]) // 10_000 >= 1772700000000),
    ({"severity": {"eq": [2, 3]}}, lambda alert: alert["severityValue"] in {2, 3}),
    ({"alertOpen": {"eq": True}}, lambda alert: alert["resolutionStatusValue"] == 0),
    ({"resolutionStatus": {"neq": [0]}}, lambda alert: alert["resolutionStatusValue"] != 0),
])  # fmt: skip
async def test_a_filter_is_obeyed(caller: Caller, filters: Any, test: Any) -> None:
    expected = [alert["_id"] for alert in await caller.truth("cloudapps") if test(alert)]
    assert expected, "the case shows nothing"
    assert sorted(alert["_id"] for alert in (await ask(caller, filters=filters))["data"]) == sorted(expected)


@pytest.mark.parametrize("body", [{"filters": {"colour": {"eq": 1}}}, {"filters": {"date": {"eq": 1}}}, {"filters": {"date": {"gte": "x"}}},
                                  {"filters": [1]}, {"skip": -1}, {"limit": "x"}, {"sortField": "x"}, {"sortDirection": "up"}])  # fmt: skip
async def test_what_cannot_be_meant_is_refused(caller: Caller, body: Any) -> None:
    await refused(await caller.call("POST", ALERTS, json=body), 400, "nvalid" if "filters" not in body or body["filters"] != [1] else "object")


async def test_a_closed_alert_is_found_by_the_time_of_closing_alone(caller: Caller) -> None:
    one = next(alert for alert in await caller.truth("cloudapps") if alert["resolutionStatusValue"] == 0)
    now = caller.simulator.world.now() // 10_000
    assert (await ask(caller, filters={"resolutionDate": {"gte": now}}))["data"] == []
    await caller.call("POST", f"{ALERTS}close_benign/", json={"filters": {"id": {"eq": [one["_id"]]}}, "comment": "fine", "reasonId": 5})
    found = (await ask(caller, filters={"resolutionDate": {"gte": now}}))["data"]
    assert [(alert["_id"], alert["resolutionStatusValue"], alert["comment"]) for alert in found] == [(one["_id"], 4, "fine")]
    assert found[0]["timestamp"] == one["timestamp"]


@pytest.mark.parametrize(("kind", "number", "reason", "word"), [
    ("benign", 4, 2, "informationalExpectedActivity"), ("false_positive", 3, 0, "falsePositive"), ("true_positive", 5, None, "truePositive"),
])  # fmt: skip
async def test_a_miss_is_told_in_the_body(caller: Caller, kind: str, number: int, reason: int | None, word: str) -> None:
    one = (await caller.truth("cloudapps"))[0]
    body = {"filters": {"id": {"eq": [one["_id"], "0" * 24]}}, "comment": "x", **({} if reason is None else {"reasonId": reason})}
    answer = await caller.call("POST", f"{ALERTS}close_{kind}/", json=body)
    assert (answer.status_code, answer.json()) == (200, {f"closed_{kind}": 1, "alertsNotFound": ["0" * 24]})
    assert (await caller.get(f"{ALERTS}{one['_id']}/"))["resolutionStatusValue"] == number
    seen = await caller.get(f"/graph/v1.0/security/alerts_v2/{one['URL'].rpartition('/')[2].partition('?')[0]}")
    assert (seen["status"], seen["classification"]) == ("resolved", word)
    alone = await caller.call("POST", f"{ALERTS}close_{kind}/", json={"filters": {"id": {"eq": one["_id"]}}})
    assert alone.json() == {f"closed_{kind}": 1}


@pytest.mark.parametrize(("kind", "body"), [("benign", {"filters": {"id": {"eq": ["x"]}}, "reasonId": 0}), ("true_positive", {"filters": {}}),
                                            ("false_positive", {"filters": {"id": {"eq": ["x"]}}, "reasonId": 2})])  # fmt: skip
async def test_a_closing_that_is_none_is_refused(caller: Caller, kind: str, body: Any) -> None:
    assert (await caller.call("POST", f"{ALERTS}close_{kind}/", json=body)).status_code == 400


async def test_read_is_not_a_status(caller: Caller) -> None:
    one = (await caller.truth("cloudapps"))[0]
    for word, number in (("read", 1), ("unread", 0)):
        assert (await caller.call("POST", f"{ALERTS}{one['_id']}/{word}/")).status_code == 200
        assert await caller.get(f"{ALERTS}{one['_id']}/") == {**one, "statusValue": number}


async def test_the_older_header_does_as_well(caller: Caller) -> None:
    good = await caller.client.post(ALERTS, headers={"Authorization": f"Token {caller.organisation.key}"})
    assert good.json()["total"] == len(await caller.truth("cloudapps"))
    await refused(await caller.client.post(ALERTS, headers={"Authorization": "Token x"}), 401, "Invalid token")
    await refused(await caller.client.post(ALERTS), 401, "empty")
    await refused(await caller.call("GET", f"{ALERTS}{'0' * 24}/"), 404, "Not found")


async def test_its_id_is_nowhere_else_but_its_address_leads_to_the_portal(caller: Caller) -> None:
    graph = (await caller.truth("graph"))["alerts"]
    for alert in await caller.truth("cloudapps"):
        [one] = [other for other in graph if other["alertWebUrl"] == alert["URL"]]
        assert one["title"] == alert["title"]
        assert alert["_id"] not in {one["id"], one["providerAlertId"]}
