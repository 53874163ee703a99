"""Whose word counts: a product reports again and again, people decide in between, and nothing is lost or told twice."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
import pytest_asyncio

from secgraph import clock as times
from secgraph.testing import Graph, graph_alert

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = "security/alerts_v2"
DEVICE = {"@odata.type": "#microsoft.graph.security.deviceEvidence", "deviceDnsName": "ws1.contoso.com"}
USER = {"@odata.type": "#microsoft.graph.security.userEvidence", "userAccount": {"accountName": "ana"}}

_numbers = itertools.count(1)


class Alert:
    """One alert: its product reports versions of it, a person works on it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.number = next(_numbers)
        self.began = graph.clock()

    @property
    def key(self) -> str:
        return f"da{self.number:08d}-aaaa-bbbb-cccc-000000000000_1"

    async def reported(self, at: float, **members: Any) -> str:
        """The product's version of `at` seconds after the beginning arrives; what became of it, in one word."""
        updated = times.text(self.began + round(at * times.SECOND))
        report = await self.graph.hand_in("graph", graph_alert(self.number, **{"lastUpdateDateTime": updated, **members}))
        assert report["records"] == 1
        return next(word for word in ("taken", "unchanged", "rejected") if report[word])

    async def changed(self, at: float, **members: Any) -> Any:
        """A person changes it, `at` seconds after the beginning."""
        self.graph.clock.at = max(self.graph.clock.at, self.began + round(at * times.SECOND))
        answer = await self.graph.ask("PATCH", f"{LIST}/{self.key}", json=members)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def shown(self) -> Any:
        return await self.graph.get(f"{LIST}/{self.key}")

    async def events(self) -> int:
        found = await self.graph.core.store.fetch("events", tenant=self.graph.tenant.number, after=0, most=100_000)
        return len(found)


@pytest_asyncio.fixture(loop_scope="module")
async def alert(desk: Graph) -> Alert:
    desk.clock.forward(1000)
    await desk.sign_in()
    return Alert(desk)


async def test_the_story_of_one_alert(alert: Alert) -> None:
    assert await alert.reported(0, evidence=[DEVICE]) == "taken"
    person = await alert.changed(
        100, status="inProgress", assignedTo="ana", classification="truePositive", determination="malware"
    )
    triage = {name: person[name] for name in ("status", "assignedTo", "classification", "determination")}

    before, events = await alert.shown(), await alert.events()
    assert await alert.reported(0, evidence=[DEVICE]) == "unchanged"
    assert await alert.shown() == before
    assert await alert.events() == events

    assert await alert.reported(200, evidence=[DEVICE, USER]) == "taken"
    after = await alert.shown()
    assert [item["@odata.type"] for item in after["evidence"]] == [DEVICE["@odata.type"], USER["@odata.type"]]
    assert {name: after[name] for name in triage} == triage
    assert after["lastUpdateDateTime"] > before["lastUpdateDateTime"]
    assert await alert.events() == events + 2, "the incident is another one with it"

    assert await alert.reported(300, evidence=[DEVICE, USER], status="resolved") == "taken"
    after = await alert.shown()
    assert {name: after[name] for name in triage} == {**triage, "status": "resolved"}

    events = await alert.events()
    assert await alert.reported(250, evidence=[], status="new", title="Old title") == "unchanged"
    assert await alert.shown() == after
    assert await alert.events() == events


CHANGES = [
    ("status", "new", "inProgress", "resolved"),
    ("status", "resolved", "inProgress", "new"),
    ("assignedTo", None, "ana", "bo"),
    ("assignedTo", "bo", None, "cleo"),
    ("classification", "unknown", "truePositive", "falsePositive"),
    ("determination", "unknown", "malware", "phishing"),
]


@pytest.mark.parametrize(("member", "first", "person", "second"), CHANGES)
@pytest.mark.parametrize(("at", "stands"), [(99, "person"), (100, "person"), (101, "second")])
async def test_a_persons_word_stands_until_the_source_changes_that_member_afterwards(
    alert: Alert, member: str, first: Any, person: Any, second: Any, at: float, stands: str
) -> None:
    await alert.reported(0, **{member: first})
    await alert.changed(100, **{member: person})
    await alert.reported(at, **{member: second})
    wanted = {"person": person, "second": second}[stands]
    assert (await alert.shown())[member] == wanted
    # The same word said again later is no change of the source's.
    await alert.changed(400, **{member: person})
    await alert.reported(500, **{member: second}, description="Something else is new.")
    shown = await alert.shown()
    assert shown[member] == person
    assert shown["description"] == "Something else is new."


@pytest.mark.parametrize(("member", "first", "person", "second"), CHANGES)
async def test_members_nobody_touched_follow_the_source(
    alert: Alert, member: str, first: Any, person: Any, second: Any
) -> None:
    await alert.reported(0, **{member: first})
    other = "assignedTo" if member == "status" else "status"
    await alert.changed(100, **{other: "dora" if other == "assignedTo" else "inProgress"})
    await alert.reported(50, **{member: second})
    assert (await alert.shown())[member] == second
    await alert.reported(60, **{member: person})
    assert (await alert.shown())[member] == person


@pytest.mark.parametrize("at", [50, 200])
async def test_the_time_of_resolution_goes_with_the_status(alert: Alert, at: float) -> None:
    await alert.reported(0, status="new")
    await alert.changed(100, status="inProgress")
    await alert.reported(at, status="resolved", resolvedDateTime=times.text(alert.began + round(at * times.SECOND)))
    shown = await alert.shown()
    assert shown["status"] == ("inProgress" if at < 100 else "resolved")
    assert (shown["resolvedDateTime"] is not None) == (shown["status"] == "resolved")


async def test_a_reopened_alert_has_no_time_of_resolution(alert: Alert) -> None:
    resolved = times.text(alert.began)
    await alert.reported(0, status="resolved", resolvedDateTime=resolved)
    await alert.changed(100, status="inProgress")
    await alert.reported(200, status="resolved", resolvedDateTime=resolved, description="Reworded.")
    shown = await alert.shown()
    assert (shown["status"], shown["resolvedDateTime"], shown["description"]) == ("inProgress", None, "Reworded.")


@pytest.mark.parametrize(
    ("first", "second", "result"), [(0, 0, "taken"), (0, 1, "taken"), (1, 0, "unchanged"), (5, 4.999, "unchanged")]
)
async def test_an_older_version_never_overwrites_a_newer_one(alert: Alert, first: float, second: float, result: str) -> None:
    await alert.reported(first, title="One")
    assert await alert.reported(second, title="Two") == result
    assert (await alert.shown())["title"] == ("Two" if result == "taken" else "One")


@pytest.mark.parametrize("members", [
    {"severity": "high"}, {"title": "Renamed"}, {"description": None}, {"category": "Impact"}, {"mitreTechniques": ["T1486"]},
    {"evidence": [USER]}, {"recommendedActions": "Unplug it."}, {"customDetails": {"a": 1}},
])  # fmt: skip
async def test_what_the_source_changed_is_applied_and_nothing_else(alert: Alert, members: dict[str, Any]) -> None:
    alone = {**DEVICE, "deviceDnsName": f"ws{alert.number}.fabrikam.com"}  # nothing else happened there
    await alert.reported(0, evidence=[alone])
    before = await alert.changed(100, status="resolved", assignedTo="ana")
    assert await alert.reported(50, **{"evidence": [alone], **members}) == "taken"
    after = await alert.shown()
    assert {name for name in after if "@" not in name and after[name] != before[name]} == {*members, "lastUpdateDateTime"}


async def test_evidence_that_was_not_expanded_takes_nothing_away(alert: Alert) -> None:
    await alert.reported(0, evidence=[DEVICE])
    await alert.reported(10, evidence=[], title="Listed without evidence")
    shown = await alert.shown()
    assert (len(shown["evidence"]), shown["title"]) == (1, "Listed without evidence")


async def test_comments_of_both_sides_are_kept(alert: Alert) -> None:
    def theirs(text: str, at: float) -> dict[str, Any]:
        return {
            "comment": text,
            "createdByDisplayName": "portal",
            "createdDateTime": times.text(alert.began + round(at * times.SECOND)),
        }

    first, second = theirs("first", 1), theirs("second", 300)
    await alert.reported(1, comments=[first])
    await alert.changed(100, status="inProgress")
    for text in ("ours", "ours again"):
        answer = await alert.graph.ask("POST", f"{LIST}/{alert.key}/comments", json={"comment": text})
        assert answer.status_code == 200
    assert await alert.reported(1, comments=[first]) == "unchanged"
    assert await alert.reported(300, comments=[first, second]) == "taken"
    assert [item["comment"] for item in (await alert.shown())["comments"]] == ["first", "ours", "ours again", "second"]
    # The source leaving its comments out takes none away.
    await alert.reported(400, comments=[])
    assert [item["comment"] for item in (await alert.shown())["comments"]] == ["first", "ours", "ours again", "second"]


async def test_the_same_record_many_times_in_one_delivery_is_taken_once(desk: Graph) -> None:
    record = graph_alert(next(_numbers))
    report = await desk.hand_in("graph", *[record] * 50)
    assert (report["taken"], report["unchanged"], report["rejected"]) == (1, 49, 0)


async def test_versions_of_one_alert_in_one_delivery_end_with_the_newest(desk: Graph) -> None:
    number = next(_numbers)
    versions = [graph_alert(number, title=f"Version {n}", lastUpdateDateTime=f"2026-11-01T00:00:0{n}Z") for n in (1, 3, 2)]
    report = await desk.hand_in("graph", *versions)
    assert (report["taken"], report["unchanged"]) == (2, 1)
    [shown] = (await desk.get(LIST, filter=f"id eq 'da{number:08d}-aaaa-bbbb-cccc-000000000000_1'"))["value"]
    assert shown["title"] == "Version 3"


# --- two roads ----------------------------------------------------------------------------------------------------------


def endpoint_alert(number: int, **members: Any) -> dict[str, Any]:
    """The same alert as the Defender for Endpoint API tells it."""
    return {
        "id": f"da{number:08d}-aaaa-bbbb-cccc-000000000000_1",
        "title": f"Made-up alert {number}",
        "severity": "Medium",
        "status": "New",
        "alertCreationTime": "2026-11-01T00:00:00Z",
        "lastUpdateTime": "2026-11-01T00:00:00Z",
        "detectionSource": "WindowsDefenderAtp",
        "evidence": [],
        **members,
    }


async def records(graph: Graph, key: str) -> dict[str, Any]:
    """What every source said about an alert, by source."""
    return {item["source"]: item for item in (await graph.get(f"{LIST}/{key}/records"))["value"]}


@pytest.mark.parametrize("roads", [("mde", "graph"), ("graph", "mde")])
async def test_one_alert_by_two_roads_is_one_row_with_two_entries(desk: Graph, roads: tuple[str, str]) -> None:
    number = next(_numbers)
    key = f"da{number:08d}-aaaa-bbbb-cccc-000000000000_1"
    sent = {
        "graph": graph_alert(number, description="Told at length.", incidentId="777"),
        "mde": endpoint_alert(number, incidentId=777),
    }
    for road in roads:
        await desk.hand_in(road, sent[road])
    found = await desk.ids(LIST, filter=f"providerAlertId eq '{key}' or providerAlertId eq '{key[2:]}'")
    assert found == [key]
    entries = await records(desk, key)
    assert set(entries) == {"graph", "mde"}
    assert {entry["product"] for entry in entries.values()} == {"microsoftDefenderForEndpoint"}
    assert {road: json.loads(entry["content"]) for road, entry in entries.items()} == sent
    shown = await desk.get(f"{LIST}/{key}")
    assert shown["description"] == "Told at length."
    before = await desk.get(f"{LIST}/{key}")
    for road in roads:
        report = await desk.hand_in(road, sent[road])
        assert report["unchanged"] == 1
    assert await desk.get(f"{LIST}/{key}") == before
    # Each source speaks for what it changes itself.
    await desk.hand_in("mde", {**sent["mde"], "severity": "High", "lastUpdateTime": "2026-11-02T00:00:00Z"})
    shown = await desk.get(f"{LIST}/{key}")
    assert (shown["severity"], shown["description"]) == ("high", "Told at length.")


async def test_the_second_road_does_not_undo_a_person(desk: Graph) -> None:
    number = next(_numbers)
    key = f"da{number:08d}-aaaa-bbbb-cccc-000000000000_1"
    await desk.hand_in("graph", graph_alert(number))
    await desk.ask("PATCH", f"{LIST}/{key}", json={"status": "resolved", "classification": "falsePositive", "assignedTo": None})
    await desk.hand_in("mde", endpoint_alert(number, status="InProgress", classification="TruePositive", assignedTo="portal"))
    shown = await desk.get(f"{LIST}/{key}")
    assert (shown["status"], shown["classification"]) == ("resolved", "falsePositive")


# --- incidents ------------------------------------------------------------------------------------------------------------


async def test_alerts_that_name_one_incident_share_it_and_others_have_their_own(graph: Graph) -> None:
    named = [graph_alert(n, incidentId="924565") for n in (1, 2, 3)]
    await graph.hand_in("graph", named[0], graph_alert(4, incidentId="924566"), graph_alert(5), graph_alert(6))
    await graph.hand_in("graph", *named[1:])
    await graph.hand_in("mde", endpoint_alert(7, incidentId=924565))
    found = {item["id"]: item["incidentId"] for item in (await graph.get(LIST))["value"]}
    by_number = {int(key[2:10]): incident for key, incident in found.items()}
    assert by_number[1] == by_number[2] == by_number[3] == by_number[7]
    assert len({by_number[n] for n in (1, 4, 5, 6)}) == 4
    assert all(incident.isdigit() for incident in by_number.values())
    assert set(await graph.ids("security/incidents")) == set(by_number.values())
    assert len(await graph.ids(f"security/incidents/{by_number[1]}/alerts")) == 4


async def test_an_incident_is_as_grave_as_its_gravest_alert(desk: Graph) -> None:
    space = str(900_000 + next(_numbers))
    numbers = [next(_numbers) for _ in range(3)]

    async def incident() -> Any:
        [found] = (await desk.get(LIST, filter=f"id eq 'da{numbers[0]:08d}-aaaa-bbbb-cccc-000000000000_1'"))["value"]
        return await desk.get(f"security/incidents/{found['incidentId']}")

    await desk.hand_in("graph", graph_alert(numbers[0], incidentId=space, severity="low"))
    first = await incident()
    assert first["severity"] == "low"
    await desk.hand_in("graph", graph_alert(numbers[1], incidentId=space, severity="medium"))
    second = await incident()
    assert second["severity"] == "medium"
    assert second["@odata.etag"] != first["@odata.etag"]
    later = {"lastUpdateDateTime": "2026-11-30T00:00:00Z"}
    await desk.hand_in("graph", graph_alert(numbers[0], incidentId=space, severity="high", **later))
    assert (await incident())["severity"] == "high"
    answer = await desk.ask("PATCH", f"security/incidents/{first['id']}", json={"severity": "low"})
    assert answer.json()["severity"] == "low"
    await desk.hand_in("graph", graph_alert(numbers[2], incidentId=space, severity="high"))
    assert (await incident())["severity"] == "low"  # a person said so


async def test_an_alert_is_never_without_its_incident(desk: Graph) -> None:
    await desk.hand_in("graph", graph_alert(next(_numbers), title="Only one", assignedTo="ana", status="resolved"))
    [alert] = (await desk.get(LIST, filter="title eq 'Only one'"))["value"]
    incident = await desk.get(f"security/incidents/{alert['incidentId']}", expand="alerts")
    assert (incident["displayName"], incident["status"], incident["severity"]) == ("Only one", "resolved", "medium")
    assert [item["id"] for item in incident["alerts"]] == [alert["id"]]
    assert incident["createdDateTime"] == alert["createdDateTime"]


async def test_an_incident_from_upstream_brings_its_alerts_together(desk: Graph) -> None:
    numbers = [next(_numbers) for _ in range(3)]
    upstream = {"id": "881188", "displayName": "Upstream", "severity": "high", "status": "active",
                "alerts": [graph_alert(number) for number in numbers]}  # fmt: skip
    report = await desk.hand_in("graph", upstream)
    assert report["taken"] == 1
    keys = {f"da{number:08d}-aaaa-bbbb-cccc-000000000000_1" for number in numbers}
    shown = [await desk.get(f"{LIST}/{key}") for key in keys]
    assert len({item["incidentId"] for item in shown}) == 1
    assert set(await desk.ids(f"security/incidents/{shown[0]['incidentId']}/alerts")) == keys
