"""Objects that only sources fill: taken in beside alerts, served like any set, changed where the contract lets them be."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.contract.telling import one, tell
from tests.databases import Databases, settings_of

from secgraph import clock as real_clock
from secgraph.app import FILE
from secgraph.model.choices import SETS
from secgraph.model.edm import load
from secgraph.testing import Clock, Graph, graph_alert, running

DETECTIONS, USERS = "identityProtection/riskDetections", "identityProtection/riskyUsers"
ACCOUNTS, ISSUES, SENSORS = (f"security/identities/{name}" for name in ("identityAccounts", "healthIssues", "sensors"))
SCORES, PROFILES = "security/secureScores", "security/secureScoreControlProfiles"
SOURCED = [path for path, choices in SETS.items() if choices.sourced]

VENDOR = {"vendor": "Made Up", "provider": "Posture"}
REPRESENTATION = {"prefer": "return=representation"}


async def logged(graph: Graph, key: str) -> list[tuple[str, list[str], str]]:
    """What the log tells of an object."""
    rows = await graph.core.store.fetch("events_noted", tenant=graph.tenant.number, after=0, most=10_000)
    return [(row["kind"], json.loads(row["changed"]), row["cause"]) for row in rows if row["id"] == key.casefold()]


@pytest.mark.parametrize("path", SOURCED)
async def test_every_set_that_sources_fill_answers_like_any_other(desk: Graph, path: str) -> None:
    keys = [f"{path.rpartition('/')[2]}-{number}-Ä" for number in range(5)]
    before = int((await desk.ask("GET", f"{path}/$count")).text)
    assert await tell(desk, *(one(path, key, displayName=key) for key in keys)) == (5, 0, 0)
    assert int((await desk.ask("GET", f"{path}/$count")).text) == before + 5
    mine = f"contains(id,'{path.rpartition('/')[2]}-')"
    assert sorted(await desk.ids(path, filter=mine)) == keys
    assert sorted(await desk.ids(path, filter=mine, top="2")) == keys
    assert await desk.ids(path, filter=mine, orderby="id desc", skip="1") == keys[3::-1]
    assert await desk.ids(path, filter=f"id eq '{keys[1].upper()}'") == [keys[1]]
    page = await desk.get(path, filter=mine, count="true", select="id", top="1")
    assert (page["@odata.count"], list(page["value"][0])) == (5, ["@odata.etag", "id"])
    found = await desk.get(f"{path}/{keys[0].lower()}")
    assert found["id"] == keys[0]
    assert found["@odata.context"].endswith(f"$metadata#{path}/$entity")
    assert "lastUpdateDateTime" not in found
    full = await desk.ask("GET", f"{path}/{keys[0]}", headers={"accept": "application/json;odata.metadata=full"})
    assert full.json()["@odata.type"] == f"#{SETS[path].type}"
    assert (await desk.ask("GET", f"{path}/nothing")).status_code == 404
    assert (await desk.ask("GET", f"{path}/delta()")).status_code == 404
    assert (await desk.ask("GET", f"/beta/{path}")).status_code == 200
    assert await logged(desk, keys[0]) == [("created", [], "source:tells")]


@pytest.mark.parametrize(("path", "place"), [(DETECTIONS, "riskDetections"), (USERS, "riskyUsers")])
async def test_beta_answers_at_its_root_too(desk: Graph, path: str, place: str) -> None:
    await tell(desk, one(path, f"{place}-root"))
    assert (await desk.get(f"/beta/{place}/{place}-root"))["id"] == f"{place}-root"
    assert (await desk.ask("GET", f"/v1.0/{place}")).status_code == 404


@pytest.mark.parametrize("path", ["security", "security/identities", "identityProtection"])
async def test_a_place_of_sets_says_what_is_below_it(desk: Graph, path: str) -> None:
    links = {link for name, link in (await desk.get(path)).items() if name.endswith("navigationLink")}
    assert {link.partition("/v1.0/")[2] for link in links} >= {one for one in SETS if one.rpartition("/")[0] == path}
    for link in links:
        assert (await desk.ask("GET", link)).status_code == 200


async def test_a_version_is_told_once_and_only_what_changed(desk: Graph) -> None:
    first = one(DETECTIONS, "v1", "2026-11-01T00:00:00Z", riskLevel="low", riskState="atRisk", userDisplayName="Ana")
    assert await tell(desk, first) == (1, 0, 0)
    tag = (await desk.get(f"{DETECTIONS}/v1"))["@odata.etag"]
    assert await tell(desk, first) == (0, 1, 0)
    assert (await desk.get(f"{DETECTIONS}/v1"))["@odata.etag"] == tag
    later = one(DETECTIONS, "V1", "2026-11-02T00:00:00Z", riskLevel="high", riskState="atRisk", userDisplayName="Ana")
    assert await tell(desk, later) == (1, 0, 0)
    assert await tell(desk, first) == (0, 1, 0)
    assert (await desk.get(f"{DETECTIONS}/v1"))["riskLevel"] == "high"
    assert [changed for _, changed, _ in await logged(desk, "v1")] == [[], ["riskLevel"]]
    assert await desk.ids(DETECTIONS, filter="riskLevel eq 'high' and id eq 'v1'") == ["v1"]
    assert await desk.ids(DETECTIONS, filter="riskLevel eq 'low' and id eq 'v1'") == []


async def test_a_clock_that_moves_alone_is_remembered_and_told_to_nobody(desk: Graph) -> None:
    said = {"riskLevel": "low"}
    await tell(desk, one(USERS, "quiet", "2026-11-01T00:00:00Z", **said))
    assert await tell(desk, one(USERS, "quiet", "2026-11-03T00:00:00Z", **said)) == (0, 1, 0)
    assert await tell(desk, one(USERS, "quiet", "2026-11-02T00:00:00Z", riskLevel="high")) == (0, 1, 0)
    assert (await desk.get(f"{USERS}/quiet"))["riskLevel"] == "low"
    assert len(await logged(desk, "quiet")) == 1


async def test_several_versions_in_one_delivery(desk: Graph) -> None:
    versions = [one(USERS, "many", f"2026-11-0{day}T00:00:00Z", riskLevel=level) for day, level in ((1, "low"), (3, "high"), (2, "medium"))]
    assert await tell(desk, *versions, one(USERS, "many", "2026-11-04T00:00:00Z", riskLevel="high")) == (2, 2, 0)
    assert (await desk.get(f"{USERS}/many"))["riskLevel"] == "high"
    assert await tell(desk, versions[1]) == (0, 1, 0)


async def test_what_a_source_says_is_made_fit(desk: Graph) -> None:
    await tell(desk, one(DETECTIONS, "odd", riskLevel="terrible", userDisplayName="a\x00b", nonsense=1, riskState="ATRISK"))
    found = await desk.get(f"{DETECTIONS}/odd")
    assert (found["riskLevel"], found["userDisplayName"], found["riskState"]) == ("unknownFutureValue", "a\ufffdb", "atRisk")
    assert "nonsense" not in found
    await tell(desk, one(DETECTIONS, "new", riskDetail="microsoftRevokedSessions"))
    assert (await desk.get(f"{DETECTIONS}/new"))["riskDetail"] == "unknownFutureValue"
    whole = await desk.ask("GET", f"{DETECTIONS}/new", headers={"prefer": "include-unknown-enum-members"})
    assert whole.json()["riskDetail"] == "microsoftRevokedSessions"


@pytest.mark.parametrize("bad", [one(DETECTIONS, ""), one(DETECTIONS, "x" * 501), one("security/alerts_v2", "a"), one("nowhere", "a"), {"bad": True}])
async def test_what_can_be_no_object_is_rejected_with_the_rest_taken(desk: Graph, bad: dict[str, Any]) -> None:
    assert (await tell(desk, bad, one(USERS, "beside")))[2] == 1
    assert await desk.ids(USERS, filter="id eq 'beside'") == ["beside"]


async def test_an_alert_and_an_object_of_one_record_come_together(desk: Graph) -> None:
    assert await tell(desk, {**one(DETECTIONS, "both"), "alert": "both"}) == (1, 0, 0)
    assert (await desk.get("security/alerts_v2", filter="providerAlertId eq 'both'"))["value"][0]["title"] == "Beside an object"
    assert await desk.ids(DETECTIONS, filter="id eq 'both'") == ["both"]


async def test_required_times_stay_where_the_product_gives_none(desk: Graph) -> None:
    await tell(desk, one(ISSUES, "timeless", displayName="x"))
    found = await desk.get(f"{ISSUES}/timeless")
    assert found["createdDateTime"] == real_clock.text(desk.clock())
    desk.clock.forward(60)
    assert await tell(desk, one(ISSUES, "timeless", displayName="x")) == (0, 1, 0)
    assert await desk.get(f"{ISSUES}/timeless") == found


# --- what a person changes -----------------------------------------------------------------------------------------------


async def test_an_unchanged_source_does_not_undo_a_person_and_a_later_change_wins(desk: Graph) -> None:
    def issue(updated: str, **more: Any) -> dict[str, Any]:
        return one(ISSUES, "i1", updated, **{"status": "open", "severity": "low", "lastModifiedDateTime": updated, **more})

    now = desk.clock()
    times = [real_clock.text(now + offset * real_clock.SECOND) for offset in (-3000, -2000, -1000, 1000)]
    await tell(desk, issue(times[0]))
    answer = await desk.ask("PATCH", f"{ISSUES}/i1", json={"status": "suppressed"})
    assert (answer.status_code, answer.json()["status"], answer.headers["etag"]) == (200, "suppressed", answer.json()["@odata.etag"])
    assert answer.json()["lastModifiedDateTime"] >= real_clock.text(now)
    assert await tell(desk, issue(times[0])) == (0, 1, 0)
    assert await tell(desk, issue(times[1], severity="high")) == (1, 0, 0)
    found = await desk.get(f"{ISSUES}/i1")
    assert (found["status"], found["severity"]) == ("suppressed", "high")
    assert await tell(desk, issue(times[2], severity="high", status="closed", lastModifiedDateTime=times[1])) == (0, 1, 0)
    assert (await desk.get(f"{ISSUES}/i1"))["status"] == "suppressed"
    assert await tell(desk, issue(times[3], severity="high", status="open")) == (1, 0, 0)
    assert (await desk.get(f"{ISSUES}/i1"))["status"] == "open"


@pytest.mark.parametrize(("body", "says"), [
    ({"status": "gone"}, "status"), ({"displayName": "mine"}, "displayName"), ({"nonsense": 1}, "nonsense"), ([], "body"),
])  # fmt: skip
async def test_what_a_health_issue_does_not_take_is_refused(desk: Graph, body: Any, says: str) -> None:
    await tell(desk, one(ISSUES, "i2", "2026-11-01T00:00:00Z", status="open"))
    answer = await desk.ask("PATCH", f"{ISSUES}/i2", json=body)
    assert answer.status_code == 400
    assert says in answer.text


async def test_a_control_is_stated_about(desk: Graph) -> None:
    profile = one(PROFILES, "MFAOn", title="Use MFA", vendorInformation=VENDOR, maxScore=10, undeclared="kept")
    await tell(desk, profile)
    place = f"{PROFILES}/MFAOn"
    answer = await desk.ask("PATCH", place, json={"vendorInformation": VENDOR, "state": "ignored", "comment": "not ours", "assignedTo": "ana"})
    assert (answer.status_code, answer.content) == (204, b"")
    found = await desk.get(place)
    [entry] = found["controlStateUpdates"]
    assert {name: entry[name] for name in ("assignedTo", "comment", "state", "updatedBy")} == {
        "assignedTo": "ana", "comment": "not ours", "state": "Ignored", "updatedBy": desk.application.name,
    }  # fmt: skip
    assert found["undeclared"] == "kept"
    assert answer.headers["etag"] == found["@odata.etag"]
    answer = await desk.ask("PATCH", place, json={"vendorInformation": VENDOR, "tenantNote": "looked at"}, headers=REPRESENTATION)
    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "return=representation"
    assert [(item["state"], item["assignedTo"], item["comment"]) for item in answer.json()["controlStateUpdates"]] == [
        ("Ignored", "ana", "not ours"), ("Ignored", "ana", "looked at"),
    ]  # fmt: skip
    same = await desk.ask("PATCH", place, json={"vendorInformation": VENDOR, "state": "Ignored"})
    assert same.headers["etag"] == answer.headers["etag"]
    stale = await desk.ask("PATCH", place, json={"vendorInformation": VENDOR, "state": "Default"}, headers={"if-match": found["@odata.etag"]})
    assert stale.status_code == 412
    assert await tell(desk, profile) == (0, 1, 0)
    theirs = {"state": "Reviewed", "updatedBy": "elsewhere", "updatedDateTime": "2020-01-01T00:00:00Z"}
    assert await tell(desk, {**profile, "record": {**profile["record"], "controlStateUpdates": [theirs]}}) == (1, 0, 0)
    updates = (await desk.get(place))["controlStateUpdates"]
    assert [item["updatedBy"] for item in updates] == ["elsewhere", desk.application.name, desk.application.name]


@pytest.mark.parametrize(("body", "says"), [
    ({"state": "Ignored"}, "vendorInformation"), ({"vendorInformation": {"vendor": "x"}, "state": "Ignored"}, "vendorInformation"),
    ({"vendorInformation": {**VENDOR, "provider": "Other"}, "state": "Ignored"}, "profile's"), ({"state": "Done"}, "Possible"),
    ({"comment": 1}, "comment"), ({"comment": "a", "tenantNote": "b"}, "tenantNote"), ({"title": "mine"}, "title"), ({"nonsense": 1}, "nonsense"),
    ({"comment": "a\x00"}, "comment"),
])  # fmt: skip
async def test_what_a_control_does_not_take_is_refused(desk: Graph, body: dict[str, Any], says: str) -> None:
    await tell(desk, one(PROFILES, "refuses", title="theirs", vendorInformation=VENDOR))
    needed = {} if says == "vendorInformation" else {"vendorInformation": VENDOR}
    answer = await desk.ask("PATCH", f"{PROFILES}/refuses", json={**needed, **body})
    assert answer.status_code == 400
    assert says in answer.text
    assert (await desk.get(f"{PROFILES}/refuses"))["controlStateUpdates"] == []


@pytest.mark.parametrize("path", [path for path in SOURCED if path not in {ISSUES, PROFILES}])
@pytest.mark.parametrize("method", ["PATCH", "DELETE", "POST"])
async def test_the_others_are_only_read(desk: Graph, path: str, method: str) -> None:
    place = path if method == "POST" else f"{path}/x"
    assert (await desk.ask(method, place, json={})).status_code == 405


# --- pages ---------------------------------------------------------------------------------------------------------------


async def test_a_thousand_profiles_are_one_page(desk: Graph) -> None:
    text = "long " * 800
    await tell(desk, *(one(PROFILES, f"page-{number:03}", rank=number, remediation=text) for number in range(300)))
    page = await desk.get(PROFILES, top="999", filter="startswith(id,'page-')")
    assert [item["rank"] for item in page["value"]] == [*range(300)]
    assert "@odata.nextLink" not in page


async def test_scores_come_newest_first(desk: Graph) -> None:
    days = ["2026-11-02", "2026-11-04", "2026-11-03"]
    await tell(desk, *(one(SCORES, f"t_{day}", createdDateTime=f"{day}T00:00:00Z", currentScore=1.5, azureTenantId="t") for day in days))
    mine = "azureTenantId eq 't'"
    assert await desk.ids(SCORES, filter=mine) == ["t_2026-11-04", "t_2026-11-03", "t_2026-11-02"]
    page = await desk.get(SCORES, filter=mine, top="1", skip="2")
    assert [item["id"] for item in page["value"]] == ["t_2026-11-02"]


# --- who may -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "permission"), [
    (DETECTIONS, "IdentityRiskEvent.Read.All"), (USERS, "IdentityRiskyUser.Read.All"), (ACCOUNTS, "SecurityIdentitiesAccount.Read.All"),
    (ISSUES, "SecurityIdentitiesHealth.Read.All"), (SENSORS, "SecurityIdentitiesSensors.Read.All"), (SCORES, "SecurityEvents.Read.All"),
    (PROFILES, "SecurityEvents.Read.All"),
])  # fmt: skip
async def test_each_is_opened_by_its_own_permission(desk: Graph, path: str, permission: str) -> None:
    app, secret = await desk.application_with(permission, name=f"{path} reader")
    stranger, word = await desk.application_with("SecurityAlert.Read.All", name=f"{path} stranger")
    headers = desk.headers
    try:
        await desk.sign_in(app, secret)
        assert (await desk.ask("GET", path)).status_code == 200
        assert (await desk.ask("PATCH", f"{PROFILES}/x", json={})).status_code == 403
        await desk.sign_in(stranger, word)
        refused = await desk.ask("GET", path)
        assert refused.status_code == 403
        assert permission in refused.text
    finally:
        desk.headers = headers


async def test_a_tenant_goes_with_its_objects_and_no_other_sees_them(desk: Graph) -> None:
    other = await desk.core.registry.create_tenant("short-lived")
    records = [one(path, "theirs", displayName="x", title="words") for path in SOURCED]
    assert await tell(desk, *records, tenant=other.number) == (len(SOURCED), 0, 0)
    for path in SOURCED:
        assert (await desk.ask("GET", f"{path}/theirs")).status_code == 404
    await desk.core.registry.delete_tenant(other)
    again = await desk.core.registry.create_tenant("short-lived")
    app, secret = await desk.core.registry.create_application(again, "theirs", desk.core.model.served_permissions())
    headers = desk.headers
    try:
        await desk.sign_in(app, secret, again)
        for path in SOURCED:
            assert await desk.ids(path) == []
    finally:
        desk.headers = headers


# --- an upgrade ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "partitioned"])
async def test_a_database_from_before_these_sets_gets_their_tables(databases: Databases, kind: str, tmp_path: Path) -> None:
    clock = Clock()
    with databases.one(kind) as url:
        async with running(tmp_path / "data", clock, **settings_of(url)) as graph:
            await graph.hand_in("graph", graph_alert(1))
        dropped = [
            f"{stored.table}{more}" for stored in load().stored() if stored.choices.sourced
            for more, there in (("", True), ("_words", stored.choices.search), ("_tally", stored.choices.tally)) if there
        ]  # fmt: skip
        for name in dropped:
            if url:
                databases.asked(url, f'DROP TABLE "{name}"')
            else:
                with closing(apsw.Connection(str(tmp_path / "data" / FILE))) as connection:
                    connection.execute(f'DROP TABLE "{name}"')
        async with running(tmp_path / "data", clock, **settings_of(url)) as graph:
            assert len(await graph.ids("security/alerts_v2")) == 1
            assert await tell(graph, *(one(path, "after", displayName="x") for path in SOURCED)) == (len(SOURCED), 0, 0)
            for path in SOURCED:
                assert await graph.ids(path) == ["after"]
                assert (await graph.ask("GET", f"{path}/$count")).text == "1"
