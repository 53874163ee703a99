"""The hand of whoever runs the simulator, and the documented ceilings."""

from __future__ import annotations

from typing import Any

import pytest
from tests.simulate.conftest import Caller, Make, Time

from secgraph.clock import SECOND
from secgraph.simulate import Hand

ALERTS = "/graph/v1.0/security/alerts_v2"


async def test_the_clock_is_set_advanced_and_run(caller: Caller) -> None:
    assert (await caller.client.get("/_simulate/clock")).json() == {
        "now": "2026-03-09T00:00:00.0000000Z", "products": "2026-03-09T00:00:00.0000000Z", "pace": 0.0,
        "begin": "2026-03-02T00:00:00.0000000Z", "end": "2026-03-09T00:00:00.0000000Z"}  # fmt: skip
    assert (await caller.control("clock", set="2026-03-03T00:00:00Z", advance=90))["now"] == "2026-03-03T00:01:30.0000000Z"
    caller.time.seconds += 100
    assert (await caller.control("clock", pace=60))["now"] == "2026-03-03T00:01:30.0000000Z"
    caller.time.seconds += 2
    assert (await caller.client.get("/_simulate/clock")).json()["now"] == "2026-03-03T00:03:30.0000000Z"
    await caller.control("faults", skew=-30)
    assert (await caller.client.get("/_simulate/clock")).json()["products"] == "2026-03-03T00:03:00.0000000Z"


def test_a_fast_clock_runs_up_to_the_present_and_no_further() -> None:
    time = Time(0)
    hand = Hand(0, steady=time, pace=3600, present=lambda: 5000 * SECOND + int(time.seconds) * SECOND)
    time.seconds = 1
    assert hand.now() == 3600 * SECOND
    time.seconds = 2
    assert hand.now() == 5002 * SECOND


@pytest.mark.parametrize(("name", "body"), [
    ("clock", {}), ("clock", {"set": "noon"}), ("clock", {"advance": -1}), ("clock", {"pace": "fast"}), ("clock", {"jump": 1}), ("clock", []),
    ("faults", {"x": 1}), ("faults", {"preset": "x"}), ("nothing", {}),
])  # fmt: skip
async def test_what_cannot_be_meant_is_refused(caller: Caller, name: str, body: Any) -> None:
    answer = await caller.client.post(f"/_simulate/{name}", json=body)
    assert answer.status_code in {400, 404}
    assert answer.json().keys() == {"error"}


async def test_faults_are_added_to_those_in_force_or_to_a_preset(caller: Caller) -> None:
    await caller.control("faults", failed=0.5)
    after = await caller.control("faults", late=0.25)
    assert (after["failed"], after["late"]) == (0.5, 0.25)
    assert (await caller.control("faults", preset="none", late=1)) == {**after, "failed": 0, "late": 1}


async def test_the_truth_of_another_instant(caller: Caller) -> None:
    url = f"/_simulate/truth?tenant={caller.organisation.domain}&only=summary"
    early = (await caller.client.get(f"{url}&at=2026-03-04T00:00:00Z")).json()
    assert early["at"] == "2026-03-04T00:00:00.0000000Z"
    [summary] = [part["summary"] for part in early["tenants"].values()]
    assert summary
    assert all(one["updated"] <= early["at"] for one in summary)
    caller.simulator.clock.set(caller.simulator.scenario.start + 2 * 86400 * SECOND)
    assert await caller.truth("summary") == summary
    for wrong in ("at=noon", "tenant=x", "only=x"):
        assert (await caller.client.get(f"/_simulate/truth?{wrong}")).status_code == 400


async def test_a_summary_is_what_the_apis_say(caller: Caller) -> None:
    truth = {part: await caller.truth(part) for part in ("summary", "graph", "mde", "cloudapps", "riskDetections")}
    graph = {alert["id"]: alert for alert in truth["graph"]["alerts"]}
    own = {"mde": {one["id"] for one in truth["mde"]}, "cloudapps": {one["_id"] for one in truth["cloudapps"]},
           "riskDetections": {one["id"] for one in truth["riskDetections"]}}  # fmt: skip
    for one in truth["summary"]:
        if "graph" in one["ids"]:
            alert = graph.pop(one["ids"]["graph"])
            for name in ("title", "severity", "status", "classification", "determination", "assignedTo"):
                assert one[name] == alert[name]
            assert one["comments"] == [said["comment"] for said in alert["comments"]]
            assert one["updated"] == alert["lastUpdateDateTime"]
            assert one["product"] == alert["serviceSource"]
        for api, names in own.items():
            if api in one["ids"]:
                names.remove(one["ids"][api])
    assert (graph, own) == ({}, {"mde": set(), "cloudapps": set(), "riskDetections": set()})


async def test_calls_are_counted(caller: Caller) -> None:
    await caller.get(f"{ALERTS}?$top=1")
    await caller.call("GET", f"{ALERTS}/x")
    told = (await caller.client.get("/_simulate/calls")).json()
    assert told["calls"] == {f"GET {ALERTS}": 1, f"GET {ALERTS}/{{id}}": 1, "POST /login/{tenant}/oauth2/v2.0/token": 1}
    assert told["statuses"] == {"graph 200": 1, "graph 404": 1, "login 200": 1}


async def test_the_tenants_can_be_asked_for(caller: Caller) -> None:
    [one, other] = (await caller.client.get("/_simulate/tenants")).json()["tenants"]
    assert one["id"] == caller.organisation.id != other["id"]
    assert (await caller.client.get("/elsewhere")).status_code == 404


@pytest.mark.parametrize(("method", "url", "most", "seconds", "waits"), [
    ("GET", f"{ALERTS}?$top=1", 150, 60, True), ("GET", "/mde/api/alerts?$top=1", 100, 60, True), ("GET", "/xdr/api/incidents?$top=1", 50, 60, True),
    ("POST", "/mde/api/alerts/batchUpdate", 10, 60, True), ("POST", "/cloudapps/api/v1/alerts/", 30, 60, True),
    ("GET", "/graph/v1.0/identityProtection/riskyUsers?$top=1", 1, 1, False),
])  # fmt: skip
async def test_a_ceiling_holds_and_lets_in_again(make: Make, method: str, url: str, most: int, seconds: int, waits: bool) -> None:
    caller = make(throttles=True)
    answers = [await caller.call(method, url) for _ in range(most + 1)]
    assert [answer.status_code for answer in answers].count(429) == 1
    assert answers[-1].status_code == 429
    assert answers[-1].headers.get("retry-after") == (str(seconds) if waits else None)
    caller.time.seconds += seconds
    assert (await caller.call(method, url)).status_code != 429


async def test_a_refused_call_counts_as_well(make: Make) -> None:
    caller = make(throttles=True)
    for _ in range(31):
        await caller.call("POST", "/cloudapps/api/v1/alerts/")
    caller.time.seconds += 59
    assert (await caller.call("POST", "/cloudapps/api/v1/alerts/")).status_code == 429
    caller.time.seconds += 1
    assert (await caller.call("POST", "/cloudapps/api/v1/alerts/")).status_code == 200


async def test_there_are_no_ceilings_unless_they_are_wanted(caller: Caller) -> None:
    answers = [await caller.call("POST", "/cloudapps/api/v1/alerts/") for _ in range(40)]
    assert {answer.status_code for answer in answers} == {200}
