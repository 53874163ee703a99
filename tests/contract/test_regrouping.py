"""mergeIncidents and moveAlerts as clients see them: where alerts are afterwards, what the old ids say, what is told."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest

from secgraph.testing import Graph, graph_alert

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = "security/alerts_v2"
INCIDENTS = "security/incidents"

_numbers = itertools.count(1)


def alert_id(number: int) -> str:
    return f"da{number:08d}-aaaa-bbbb-cccc-000000000000_1"


async def reported(graph: Graph, *natives: str, **members: Any) -> tuple[list[str], list[str]]:
    """Hands in an alert for each native incident id ('' for an incident of its own); the alerts' ids and their incidents'."""
    numbers = list(itertools.islice(_numbers, len(natives)))
    records = [graph_alert(number, **members, **({"incidentId": native} if native else {})) for number, native in zip(numbers, natives, strict=True)]
    await graph.hand_in("graph", *records)
    ids = [alert_id(number) for number in numbers]
    return ids, [await place(graph, key) for key in ids]


async def place(graph: Graph, alert: str) -> str:
    """The incident an alert is in."""
    return str((await graph.get(f"{LIST}/{alert}"))["incidentId"])


async def incident(graph: Graph, key: str) -> dict[str, Any]:
    found: dict[str, Any] = await graph.get(f"{INCIDENTS}/{key}")
    return found


async def held(graph: Graph, key: str) -> set[str]:
    """The alerts an incident holds, asked in all three ways."""
    ids = set(await graph.ids(f"{INCIDENTS}/{key}/alerts"))
    assert ids == {one["id"] for one in (await graph.get(f"{INCIDENTS}/{key}", expand="alerts"))["alerts"]}
    assert ids == set(await graph.ids(LIST, filter=f"incidentId eq '{key}'"))
    return ids


async def merge(graph: Graph, *incidents: str, status: int = 200, **members: Any) -> Any:
    answer = await graph.ask("POST", f"{INCIDENTS}/mergeIncidents", json={"incidentIds": list(incidents), **members})
    assert answer.status_code == status, answer.text
    return answer.json()["targetIncidentId"] if status == 200 else answer.json()["error"]["message"]


async def move(graph: Graph, *alerts: str, status: int = 200, **members: Any) -> Any:
    answer = await graph.ask("POST", f"{LIST}/moveAlerts", json={"alertIds": list(alerts), **members})
    assert answer.status_code == status, answer.text
    return answer.json()["targetIncidentId"] if status == 200 else answer.json()["error"]["message"]


async def events(graph: Graph) -> list[tuple[str, str, list[str], str]]:
    """Every event: set, id, what changed, and the cause without the application's id."""
    found = await graph.core.store.fetch("events", tenant=graph.tenant.number, after=0, most=100_000)
    return [(one["entity"], one["id"], json.loads(one["changed"]), one["cause"].replace(graph.application.id, "me")) for one in found]


# --- merging ------------------------------------------------------------------------------------------------------------


async def test_a_merge_brings_the_alerts_together(desk: Graph) -> None:
    alerts, [one, two, three] = await reported(desk, "", "", "")
    before = [await desk.get(f"{LIST}/{key}") for key in alerts]
    assert await merge(desk, one, two, three) == one
    assert [await place(desk, key) for key in alerts] == [one, one, one]
    assert await held(desk, one) == set(alerts)
    after = [await desk.get(f"{LIST}/{key}") for key in alerts]
    assert after[0] == before[0]
    for old, new in zip(before[1:], after[1:], strict=True):
        assert new["lastUpdateDateTime"] > old["lastUpdateDateTime"]
        assert {name for name in new if new[name] != old[name]} == {"@odata.etag", "incidentId", "lastUpdateDateTime"}


async def test_the_old_id_answers_and_redirects(desk: Graph) -> None:
    _, [one, two] = await reported(desk, "", "")
    before = await incident(desk, two)
    await merge(desk, one, two)
    after = await incident(desk, two)
    assert {name: after[name] for name in after if after[name] != before[name] and "@" not in name} == {
        "status": "redirected", "redirectIncidentId": one, "lastModifiedBy": f"API-App:{desk.application.name}",
        "lastUpdateDateTime": after["lastUpdateDateTime"],
    }  # fmt: skip
    assert await held(desk, two) == set()
    assert two in await desk.ids(INCIDENTS, filter="status eq 'redirected'")
    target = await incident(desk, one)
    assert (target["status"], target["redirectIncidentId"]) == ("active", None)


async def test_the_first_named_survives(desk: Graph) -> None:
    _, [one, two, three] = await reported(desk, "", "", "")
    assert await merge(desk, three, one, two) == three
    assert [(await incident(desk, key))["redirectIncidentId"] for key in (one, two, three)] == [three, three, None]


async def test_a_merge_that_repeats_changes_nothing(desk: Graph) -> None:
    _, incidents = await reported(desk, "", "", "")
    one = await merge(desk, *incidents, incidentComment="once", mergeReasons="sameActor")
    before = await events(desk)
    shown = [await incident(desk, key) for key in incidents]
    desk.clock.forward(60)
    for again in (incidents, [*incidents, incidents[1]], [f" {incidents[2]} ", incidents[1]], incidents[::-1]):
        assert await merge(desk, *again, incidentComment="twice", mergeReasons="sameAsset") == one
    assert await events(desk) == before
    assert [await incident(desk, key) for key in incidents] == shown


async def test_merges_in_a_row_end_in_one_incident(desk: Graph) -> None:
    alerts, [one, two, three, four] = await reported(desk, "", "", "", "")
    assert await merge(desk, two, one) == two
    assert await merge(desk, three, one) == three, "what was merged stands for where it went"
    assert await merge(desk, one, four) == three
    assert await held(desk, three) == set(alerts)
    assert [(await incident(desk, key))["redirectIncidentId"] for key in (one, two, three, four)] == [two, three, None, three]


async def test_each_row_is_told_once(desk: Graph) -> None:
    [_, second, third], [one, two, _] = await reported(desk, "n1", "n2", "n2")
    before = len(await events(desk))
    await merge(desk, one, two, mergeReasons="sameCampaign,sameActor", incidentComment="c")
    cause = "app:me mergeIncidents sameActor, sameCampaign"
    assert (await events(desk))[before:] == [
        ("alerts_v2", second, ["incidentId"], cause), ("alerts_v2", third, ["incidentId"], cause),
        ("incidents", two, ["status", "redirectIncidentId", "lastModifiedBy", "alerts"], cause),
        ("incidents", one, ["lastModifiedBy", "alerts", "comments", "displayName", "summary"], cause),
    ]  # fmt: skip


async def test_a_poller_sees_what_a_merge_changed(desk: Graph) -> None:
    alerts, [one, two] = await reported(desk, "", "")
    last = (await desk.get(f"{LIST}/{alerts[1]}"))["lastUpdateDateTime"]
    await merge(desk, one, two)
    assert await desk.ids(LIST, filter=f"lastUpdateDateTime gt {last}") == [alerts[1]]
    assert set(await desk.ids(INCIDENTS, filter=f"lastUpdateDateTime gt {last}")) == {one, two}


async def test_the_target_is_as_grave_as_the_gravest(desk: Graph) -> None:
    _, [low] = await reported(desk, "", severity="low")
    _, [high] = await reported(desk, "", severity="high")
    _, [medium] = await reported(desk, "", severity="medium")
    created = (await incident(desk, low))["createdDateTime"]
    await merge(desk, low, high, medium)
    assert (await incident(desk, low))["severity"] == "high"
    assert (await incident(desk, low))["createdDateTime"] == created
    assert (await incident(desk, medium))["severity"] == "medium"


async def test_severities_that_people_set_count_too(desk: Graph) -> None:
    _, [one, two] = await reported(desk, "", "", severity="informational")
    for key, severity in ((one, "low"), (two, "high")):
        await desk.ask("PATCH", f"{INCIDENTS}/{key}", json={"severity": severity})
    await merge(desk, one, two)
    assert (await incident(desk, one))["severity"] == "high"


async def test_comments_and_tags_go_along(desk: Graph) -> None:
    _, [one, two] = await reported(desk, "", "")
    for key, text in ((two, "first"), (one, "second"), (two, "third")):
        desk.clock.forward(1)
        await desk.ask("POST", f"{INCIDENTS}/{key}/comments", json={"comment": text})
    for key, tags in ((one, ["a", "b"]), (two, ["b", "c"])):
        await desk.ask("PATCH", f"{INCIDENTS}/{key}", json={"customTags": tags})
    desk.clock.forward(1)
    await merge(desk, one, two, incidentComment="Same campaign", mergeReasons="sameCampaign")
    target, merged = await incident(desk, one), await incident(desk, two)
    assert [one["comment"] for one in target["comments"]] == [
        "first", "second", "third", "Correlation reasons: sameCampaign.", "Same campaign",
    ]  # fmt: skip
    assert {one["createdByDisplayName"] for one in target["comments"]} == {desk.application.name}
    assert target["comments"][-1]["createdDateTime"] > target["comments"][2]["createdDateTime"]
    assert target["customTags"] == ["a", "b", "c"]
    assert [one["comment"] for one in merged["comments"]] == ["first", "third"]
    assert merged["customTags"] == ["b", "c"]


async def test_an_incident_that_is_not_there_is_named(desk: Graph) -> None:
    _, [one, two] = await reported(desk, "", "")
    said = await merge(desk, one, "999999", two, "NOPE", status=404)
    assert said == "There is no incident '999999', 'nope' in this tenant. Nothing was changed."
    assert (await incident(desk, two))["status"] == "active"
    many = await merge(desk, one, *(str(number) for number in range(900_000, 900_020)), status=404)
    assert "'900009' and 10 more in this tenant" in many


async def test_another_tenant_s_incidents_are_not_there(graph: Graph) -> None:
    await reported(graph, "", "")
    other = await graph.core.registry.create_tenant("fabrikam")
    await graph.sign_in(*await graph.core.registry.create_application(other, "x", ["SecurityData.Manage.All"]), tenant=other)
    assert "There is no incident '1', '2'" in await merge(graph, "1", "2", status=404)
    assert "There is no alert" in await move(graph, alert_id(1), status=404)


# --- what comes afterwards ----------------------------------------------------------------------------------------------


async def test_a_merged_incident_is_not_changed_any_more(desk: Graph) -> None:
    _, [one, two, three] = await reported(desk, "", "", "")
    await merge(desk, two, three)
    await merge(desk, one, two)
    for method, path, body in (
        ("PATCH", f"{INCIDENTS}/{two}", {"status": "resolved"}), ("PATCH", f"{INCIDENTS}/{two}", {"status": "active"}),
        ("POST", f"{INCIDENTS}/{two}/comments", {"comment": "x"}),
    ):  # fmt: skip
        answer = await desk.ask(method, path, json=body)
        assert answer.status_code == 409, answer.text
        assert answer.json()["error"] | {"innerError": None} == {
            "code": "notAllowed", "innerError": None,
            "message": f"Incident {two} was merged into incident {one}."
                       f" Change incident {one}, or move alerts back to {two} with moveAlerts.",
        }  # fmt: skip


async def test_a_merged_incident_sent_back_whole_changes_nothing(desk: Graph) -> None:
    _, [one, two] = await reported(desk, "", "")
    await merge(desk, one, two)
    before = await incident(desk, two)
    answer = await desk.ask("PATCH", f"{INCIDENTS}/{two}", json=before)
    assert answer.status_code == 200, answer.text
    assert answer.json() == before


async def test_nobody_redirects_by_hand(desk: Graph) -> None:
    _, [one] = await reported(desk, "")
    answer = await desk.ask("PATCH", f"{INCIDENTS}/{one}", json={"status": "redirected"})
    assert answer.status_code == 400
    assert "status: 'redirected' cannot be set by a client." in answer.json()["error"]["message"]


async def test_a_source_that_names_the_merged_incident_reaches_the_target(desk: Graph) -> None:
    _, [one, two, three] = await reported(desk, "upstream-1", "upstream-2", "upstream-3", severity="low")
    await merge(desk, two, three)
    await merge(desk, one, two)
    [late], [joined] = await reported(desk, "upstream-3", severity="high")
    assert joined == one
    assert late in await held(desk, one)
    assert (await incident(desk, one))["severity"] == "high"
    both, places = await reported(desk, "upstream-2", "upstream-1")
    assert places == [one, one]
    assert set(both) <= await held(desk, one)


async def test_a_source_that_reports_again_moves_nothing_back(desk: Graph) -> None:
    [alert, _], [one, two] = await reported(desk, "again-1", "again-2")
    await merge(desk, two, one)
    number = int(alert[2:10])
    await desk.hand_in("graph", graph_alert(number, incidentId="again-1", title="Changed", lastUpdateDateTime="2027-01-01T00:00:00Z"))
    found = await desk.get(f"{LIST}/{alert}")
    assert (found["title"], found["incidentId"]) == ("Changed", two)


# --- moving -------------------------------------------------------------------------------------------------------------


async def test_alerts_move_into_an_incident(desk: Graph) -> None:
    [first, second, third], _ = await reported(desk, "m1", "m1", "m2", severity="low")
    home, other = await place(desk, first), await place(desk, third)
    before = len(await events(desk))
    assert await move(desk, first.upper(), f" {first} ", incidentId=other, alertComment="Same host", newCorrelationReasons="SAMEASSET") == other
    assert (await held(desk, home), await held(desk, other)) == ({second}, {first, third})
    moved = await desk.get(f"{LIST}/{first}")
    assert [one["comment"] for one in moved["comments"]] == ["Correlation reasons: sameAsset.", "Same host"]
    assert {one["createdByDisplayName"] for one in moved["comments"]} == {desk.application.name}
    assert moved["comments"][0]["createdDateTime"] <= moved["lastUpdateDateTime"]
    assert (await desk.get(f"{LIST}/{third}"))["comments"] == []
    assert (await incident(desk, home))["status"] == "active"
    cause = "app:me moveAlerts sameAsset"
    assert (await events(desk))[before:] == [
        ("alerts_v2", first, ["incidentId", "comments"], cause), ("incidents", home, ["lastModifiedBy", "alerts", "displayName", "summary"], cause),
        ("incidents", other, ["lastModifiedBy", "alerts", "displayName", "summary"], cause),
    ]  # fmt: skip


async def test_a_move_that_repeats_changes_nothing(desk: Graph) -> None:
    alerts, [one, two] = await reported(desk, "", "")
    await move(desk, *alerts, incidentId=one)
    before = await events(desk)
    assert await move(desk, *alerts, incidentId=one, alertComment="again") == one
    assert await move(desk, alerts[1], incidentId=one) == one
    assert await events(desk) == before
    assert (await incident(desk, two))["redirectIncidentId"] == one


@pytest.mark.parametrize("members", [{}, {"incidentId": None}])
async def test_alerts_move_into_a_new_incident(desk: Graph, members: dict[str, Any]) -> None:
    native = f"new {members}"
    [first, second, third], _ = await reported(desk, native, native, native, title="Found late", severity="low", assignedTo="ana")
    [grave], _ = await reported(desk, "", severity="high")
    home = await place(desk, first)
    fresh = await move(desk, first, grave, **members)
    assert int(fresh) > int(home)
    assert await held(desk, fresh) == {first, grave}
    assert await held(desk, home) == {second, third}
    found = await incident(desk, fresh)
    alert = await desk.get(f"{LIST}/{first}")
    assert {name: found[name] for name in ("displayName", "severity", "status", "assignedTo", "createdDateTime", "tenantId")} == {
        "displayName": "Found late", "severity": "high", "status": "active", "assignedTo": "ana",
        "createdDateTime": alert["createdDateTime"], "tenantId": desk.tenant.id,
    }  # fmt: skip
    created = [one for one in await events(desk) if one[:2] == ("incidents", fresh)]
    assert created == [("incidents", fresh, [], "app:me moveAlerts")]


@pytest.mark.parametrize(("statuses", "status"), [(["resolved", "resolved"], "resolved"), (["resolved", "new"], "active"), (["new", "resolved"], "active")])
async def test_a_new_incident_is_open_while_an_alert_is(desk: Graph, statuses: list[str], status: str) -> None:
    alerts = [(await reported(desk, "", status=word))[0][0] for word in statuses]
    assert (await incident(desk, await move(desk, *alerts)))["status"] == status


async def test_a_grave_alert_makes_its_new_incident_grave(desk: Graph) -> None:
    _, [low] = await reported(desk, "", severity="low")
    [high], _ = await reported(desk, "", severity="high")
    await move(desk, high, incidentId=low)
    assert (await incident(desk, low))["severity"] == "high"


async def test_but_not_where_a_person_said_otherwise(desk: Graph) -> None:
    _, [low] = await reported(desk, "", severity="medium")
    [high], _ = await reported(desk, "", severity="high")
    await desk.ask("PATCH", f"{INCIDENTS}/{low}", json={"severity": "low"})
    await move(desk, high, incidentId=low)
    assert (await incident(desk, low))["severity"] == "low"


async def test_an_incident_that_a_move_empties_is_redirected(desk: Graph) -> None:
    [first, second, third], _ = await reported(desk, "e1", "e1", "e2")
    home, other = await place(desk, first), await place(desk, third)
    await desk.ask("POST", f"{INCIDENTS}/{home}/comments", json={"comment": "seen"})
    await move(desk, first, incidentId=other)
    assert (await incident(desk, home))["status"] == "active"
    await move(desk, second, incidentId=other)
    emptied = await incident(desk, home)
    assert (emptied["status"], emptied["redirectIncidentId"]) == ("redirected", other)
    assert [one["comment"] for one in (await incident(desk, other))["comments"]] == ["seen"]
    _, [late] = await reported(desk, "e1")
    assert late == other


async def test_alerts_from_several_incidents_at_once(desk: Graph) -> None:
    [first, second, third, fourth], _ = await reported(desk, "s1", "s2", "s2", "s3")
    homes = [await place(desk, key) for key in (first, second, fourth)]
    await move(desk, first, second, incidentId=homes[2])
    assert [(await incident(desk, key))["status"] for key in homes] == ["redirected", "active", "active"]
    assert await held(desk, homes[2]) == {first, second, fourth}
    assert await held(desk, homes[1]) == {third}


async def test_an_alert_joins_where_a_merged_incident_went(desk: Graph) -> None:
    [_, _, third], [one, two, three] = await reported(desk, "", "", "")
    await merge(desk, one, two)
    assert await move(desk, third, incidentId=two) == one
    assert await place(desk, third) == one
    assert (await incident(desk, two))["status"] == "redirected"
    assert (await incident(desk, three))["redirectIncidentId"] == one


async def test_alerts_can_be_moved_back(desk: Graph) -> None:
    [first, second], [one, two] = await reported(desk, "back-1", "back-2")
    await merge(desk, one, two)
    assert await move(desk, second, incidentId=two, alertComment="no, another matter") == two
    assert (await held(desk, one), await held(desk, two)) == ({first}, {second})
    again = await incident(desk, two)
    assert (again["status"], again["redirectIncidentId"]) == ("active", None)
    assert (await desk.ask("PATCH", f"{INCIDENTS}/{two}", json={"status": "inProgress"})).status_code == 200
    assert (await reported(desk, "back-2"))[1] == [two]
    before = await events(desk)
    assert await move(desk, second, incidentId=two) == two
    assert await events(desk) == before


async def test_all_of_them_moved_back_turn_the_redirect_round(desk: Graph) -> None:
    [first, second], [one, two] = await reported(desk, "", "")
    await merge(desk, one, two)
    assert await move(desk, first, second, incidentId=two) == two
    assert (await incident(desk, one))["redirectIncidentId"] == two
    assert (await incident(desk, two))["redirectIncidentId"] is None
    assert await merge(desk, one, two, status=200) == two


async def test_what_is_not_there_is_named(desk: Graph) -> None:
    [alert], [home] = await reported(desk, "")
    assert await move(desk, alert, "Nobody", "x" * 200, status=404) == (
        f"There is no alert 'nobody', '{'x' * 80}' in this tenant. Nothing was changed."
    )
    assert await move(desk, alert, incidentId="999999", status=404) == "There is no incident '999999' in this tenant. Nothing was changed."
    assert await place(desk, alert) == home


# --- several at once ----------------------------------------------------------------------------------------------------


async def test_two_merges_at_once_agree(desk: Graph) -> None:
    for _ in range(5):
        alerts, [one, two] = await reported(desk, "", "")
        targets = await asyncio.gather(merge(desk, one, two), merge(desk, two, one), merge(desk, one, two))
        assert len(set(targets)) == 1
        assert await held(desk, targets[0]) == set(alerts)


async def test_a_merge_beside_moves_loses_nothing(desk: Graph) -> None:
    for _ in range(5):
        alerts, homes = await reported(desk, "", "", "", "")
        await asyncio.gather(
            merge(desk, homes[0], homes[1]), move(desk, alerts[1], incidentId=homes[2]), move(desk, alerts[0], alerts[3]),
            merge(desk, homes[3], homes[2], homes[0]), move(desk, alerts[2], incidentId=homes[1]),
        )  # fmt: skip
        for alert in alerts:
            found = await incident(desk, await place(desk, alert))
            assert (found["status"], found["redirectIncidentId"]) == ("active", None)
