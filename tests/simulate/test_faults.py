"""Each thing that goes wrong, one at a time, and that nothing of it touches what is true."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from tests.simulate.conftest import SCENARIO, Caller, Make, ticks

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.simulate import PRESETS, Faults

ALERTS = "/graph/v1.0/security/alerts_v2"


@pytest.mark.parametrize(("name", "status", "waits"), [("throttled", 429, True), ("failed", 500, False), ("gateway", 502, False), ("unavailable", 503, True)])
@pytest.mark.parametrize("url", [ALERTS, "/mde/api/alerts", "/xdr/api/incidents", "/cloudapps/api/v1/alerts/"])
async def test_a_failure_has_the_shape_of_its_api(caller: Caller, name: str, status: int, waits: bool, url: str) -> None:
    await caller.get("/cloudapps/api/v1/alerts/" if "cloud" in url else url)
    await caller.control("faults", **{name: 1, "retry_after": 7})
    answer = await caller.call("GET", url)
    assert answer.status_code == status
    assert (answer.headers.get("retry-after") == "7") == waits
    assert answer.json().keys() & {"error", "detail"}
    assert (await caller.client.get("/_simulate/calls")).json()["faults"] == {name: 1}


async def test_identity_protection_does_not_say_when_to_come_back(caller: Caller) -> None:
    await caller.get(ALERTS)
    await caller.control("faults", throttled=1)
    answer = await caller.call("GET", "/graph/v1.0/identityProtection/riskDetections")
    assert answer.status_code == 429
    assert "retry-after" not in answer.headers


async def test_the_way_to_a_token_fails_too(caller: Caller) -> None:
    await caller.control("faults", unavailable=1)
    answer = await caller.client.post(f"/login/{caller.organisation.id}/oauth2/v2.0/token")
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")


async def test_a_page_for_people_comes_with_either_status(caller: Caller) -> None:
    await caller.get(ALERTS)
    await caller.control("faults", html=1)
    answers = [await caller.call("GET", ALERTS) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200, 503}
    assert all(answer.headers["content-type"] == "text/html" and answer.text.startswith("<!DOCTYPE") for answer in answers)


async def test_a_body_that_is_cut_is_shorter_than_it_says(caller: Caller) -> None:
    await caller.get(ALERTS)
    await caller.control("faults", cut=1)
    answer = await caller.call("GET", ALERTS)
    assert int(answer.headers["content-length"]) > len(answer.content)
    with pytest.raises(json.JSONDecodeError):
        answer.json()


async def test_a_slow_answer_takes_its_time(caller: Caller) -> None:
    await caller.get(ALERTS)
    await caller.control("faults", slow=1, slow_seconds=3.5)
    await caller.get(ALERTS)
    assert caller.time.slept == [3.5]


@pytest.mark.parametrize("url", [f"{ALERTS}?$top=5", "/mde/api/alerts"])
async def test_a_page_begins_with_the_last_item_of_the_one_before(make: Make, url: str) -> None:
    caller = make(page=5, faults=Faults(duplicates=1))
    pages = [[item["id"] for item in page] for page in await caller.pages(url)]
    assert len(pages) > 3
    assert all(page[0] == before[-1] for before, page in itertools.pairwise(pages))
    whole = (await caller.truth("graph"))["alerts"] if "graph" in url else await caller.truth("mde")
    assert {name for page in pages for name in page} == {alert["id"] for alert in whole}, "none is left out"


async def test_a_token_ends_while_pages_are_turned(caller: Caller) -> None:
    link = (await caller.get(f"{ALERTS}?$top=5"))["@odata.nextLink"]
    await caller.control("faults", expired=1)
    assert (await caller.call("GET", f"{ALERTS}?$top=5")).status_code == 200
    answer = await caller.call("GET", link)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")


def shown(body: Any) -> dict[str, str]:
    return {alert["id"]: alert["lastUpdateDateTime"] for alert in body["value"]}


async def test_what_is_late_bears_the_time_it_was_made_and_comes_within_its_bound(make: Make) -> None:
    caller = make(faults=Faults(late=1, late_seconds=600))
    late = 0
    for alert in [one for one in SCENARIO.alerts if one.organisation is caller.organisation and one.unified][:40]:
        caller.simulator.clock.set(alert.created)
        late += alert.graph_id not in shown(await caller.get(f"{ALERTS}?$top=2000"))
        assert alert.graph_id in {one["id"] for one in (await caller.truth("graph"))["alerts"]}, "it is true all the same"
        caller.simulator.clock.set(alert.created + 600 * clock.SECOND)
        assert ticks(shown(await caller.get(f"{ALERTS}?$top=2000"))[alert.graph_id]) >= alert.created
    assert late > 30


async def test_what_is_stale_is_as_it_was_before_and_never_longer_than_its_bound(make: Make) -> None:
    caller = make(faults=Faults(stale=1, late_seconds=600))
    alert = next(one for one in SCENARIO.alerts if one.organisation is caller.organisation and one.unified and len(one.changes) > 1
                 and one.changes[1].at - one.created > 700 * clock.SECOND)  # fmt: skip
    caller.simulator.clock.set(alert.changes[1].at)
    assert ticks(shown(await caller.get(f"{ALERTS}?$top=2000"))[alert.graph_id]) == alert.created
    caller.simulator.clock.set(alert.changes[1].at + 600 * clock.SECOND)
    assert ticks(shown(await caller.get(f"{ALERTS}?$top=2000"))[alert.graph_id]) >= alert.changes[1].at


async def test_what_a_caller_wrote_is_never_late(make: Make) -> None:
    caller = make(faults=Faults(late=1, stale=1, late_seconds=600))
    caller.simulator.clock.advance(86400 * clock.SECOND)
    name = next(iter(shown(await caller.get(f"{ALERTS}?$top=1"))))
    await caller.call("PATCH", f"{ALERTS}/{name}", json={"assignedTo": "me@x.example"})
    assert (await caller.get(f"{ALERTS}?$top=1"))["value"][0]["assignedTo"] == "me@x.example"


async def test_a_clock_that_is_ahead_stamps_what_is_written(make: Make) -> None:
    caller = make(faults=Faults(skew=90))
    name = next(iter(shown(await caller.get(f"{ALERTS}?$top=1"))))
    answer = await caller.call("PATCH", f"{ALERTS}/{name}", json={"assignedTo": "me@x.example"})
    ahead = ticks(answer.json()["lastUpdateDateTime"]) - caller.simulator.clock.now()
    assert ahead == 90 * clock.SECOND
    assert answer.headers["date"] == "Mon, 09 Mar 2026 00:01:30 GMT"


@pytest.mark.parametrize("name", PRESETS)
async def test_whatever_goes_wrong_the_truth_is_the_same(make: Make, name: str) -> None:
    calm, other = make(), make(faults=PRESETS[name])
    assert await other.client.get("/_simulate/clock")
    for part in ("summary", "graph", "mde", "office"):
        assert await other.truth(part) == await calm.truth(part)


@pytest.mark.parametrize("wrong", [{"throttled": 2}, {"throttled": -1}, {"unknown": 1}, {"slow_seconds": "x"}, [1], {"retry_after": 1.5}])
def test_a_fault_that_there_is_not_is_refused(wrong: Any) -> None:
    with pytest.raises(UsageError, match=r"aults"):
        Faults().told(wrong)
