"""Alerts put into incidents at the door: what joins, what merges, what stays apart, and what is kept of it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from secgraph import clock as real_clock
from secgraph.ingest import regroup
from secgraph.ingest.correlate.place import Placement
from secgraph.ingest.regroup import Call
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import load
from secgraph.store.facts import Facts, Needs
from secgraph.store.protocol import Decision, Put, PutTerm
from secgraph.store.registry import Registry

if TYPE_CHECKING:
    from tests.ingest.conftest import Intake

SPACE = "#microsoft.graph.security."
START = 1_789_000_000 * real_clock.SECOND
HOUR = 3600 * real_clock.SECOND
ANA = Call("mergeIncidents", "app", "Ana")


def user(name: str, role: str = "compromised") -> dict[str, Any]:
    return {"@odata.type": f"{SPACE}userEvidence", "roles": [role], "userAccount": {"userPrincipalName": f"{name}@contoso.com", "accountName": name}}


def address(text: str, role: str = "attacker") -> dict[str, Any]:
    return {"@odata.type": f"{SPACE}ipEvidence", "roles": [role], "ipAddress": text}


def report(key: str, *evidence: dict[str, Any], hour: float = 0, incident: str | None = None, **members: Any) -> dict[str, Any]:
    at = real_clock.text(START + int(hour * HOUR))
    alert = {"title": f"title {key}", "severity": "medium", "createdDateTime": at, "firstActivityDateTime": at, "lastActivityDateTime": at,
             "evidence": list(evidence), "detectorId": f"detector {key}", **members}  # fmt: skip
    return {"id": key, "alert": alert, "incident": incident}


async def grouped(intake: Intake) -> list[list[str]]:
    """The titles of the alerts of each incident that has some."""
    rows = sorted(await intake.rows(), key=lambda row: row["incidentId"])
    return sorted(sorted(row["title"].removeprefix("title ") for row in held) for _, held in itertools.groupby(rows, key=lambda row: row["incidentId"]))


async def homes(intake: Intake) -> dict[str, str]:
    return {row["title"].removeprefix("title "): row["incidentId"] for row in await intake.rows()}


async def person(intake: Intake, incident: str, **members: Any) -> None:
    """Somebody changes an incident."""
    one = load().sets[INCIDENTS]

    def decide(facts: Facts) -> Decision[None]:
        row = facts.rows[INCIDENTS, incident]
        return Decision([Put(one, {**row.record, **members}, tuple(members), touched=dict.fromkeys(members, facts.now), cause="app:x")], None)

    await intake.store.write(intake.tenant.number, Needs(rows=((INCIDENTS, incident),)), decide)


async def reasons(intake: Intake) -> list[tuple[str, Placement, list[str]]]:
    rows = await intake.store.fetch("reasons", tenant=intake.tenant.number)
    kind = msgspec.msgpack.Decoder(tuple[str, Placement, list[str]])
    return [kind.decode(row["data"]) for row in rows]


@pytest.fixture(params=["one delivery", "each by itself"])
def together(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "one delivery")


async def take(intake: Intake, *reports: dict[str, Any], together: bool) -> None:
    if together:
        await intake.take(*reports)
        return
    for one in reports:
        await intake.take(one)


# --- joining -------------------------------------------------------------------------------------------------------------


async def test_those_who_name_the_same_person_are_one_incident(intake: Intake, together: bool) -> None:
    await take(intake, report("a", user("ana")), report("b", user("bo")), report("c", user("ana"), hour=2, severity="high"), together=together)
    assert await grouped(intake) == [["a", "c"], ["b"]]
    first = next(row for row in await intake.incidents() if row["displayName"].startswith("title a") or row["severity"] == "high")
    assert first["severity"] == "high"
    [(incident, placement, crowded)] = await reasons(intake)
    assert (incident, placement.incident, crowded) == (first["id"], first["id"], [])
    [link] = placement.links
    assert link.reasons[0].key == "user.upn:ana@contoso.com"


async def test_one_that_names_two_brings_them_together(intake: Intake, together: bool) -> None:
    await take(intake, report("a", user("ana")), report("b", user("bo")), report("c", user("ana"), user("bo"), hour=1), together=together)
    assert await grouped(intake) == [["a", "b", "c"]]
    kept, gone = sorted(await intake.incidents(), key=lambda row: int(row["id"]))
    assert (kept["id"], gone["status"], gone["redirectIncidentId"]) == ("1", "redirected", "1")
    assert kept["status"] == "active"
    events = await intake.store.fetch("events", tenant=intake.tenant.number, after=0, most=1000)
    assert {row["cause"] for row in events if "incidentId" in row["changed"]} == {"source:product merge"}
    assert [placement.merged for _, placement, _ in await reasons(intake)] == [("2",)]


async def test_every_order_comes_to_the_same(intake: Intake) -> None:
    told = [report("a", user("ana")), report("b", user("bo"), hour=5), report("c", user("ana"), user("dee"), hour=1),
            report("d", user("dee"), user("bo"), hour=3), report("e", user("cy"), hour=3)]  # fmt: skip
    seen = set()
    for number, order in enumerate(itertools.permutations(told)):
        if number % 11:
            continue
        named = [{**one, "id": f"{one['id']}-{number}", "alert": {**one["alert"], "evidence": [
            {**item, "userAccount": {"userPrincipalName": f"{number}{item['userAccount']['userPrincipalName']}"}} for item in one["alert"]["evidence"]
        ]}} for one in order]  # fmt: skip
        before = set(await homes_by_id(intake))
        await take(intake, *named, together=bool(number % 2))
        of = {key: home for key, home in (await homes_by_id(intake)).items() if key not in before}
        seen.add(frozenset(frozenset(titles[6:] for key, titles in of if of[key, titles] == home) for home in set(of.values())))
    assert seen == {frozenset({frozenset({"a", "b", "c", "d"}), frozenset({"e"})})}


async def homes_by_id(intake: Intake) -> dict[tuple[str, str], str]:
    return {(row["id"], row["title"]): row["incidentId"] for row in await intake.rows()}


async def test_what_is_too_far_apart_in_time_stays_apart(intake: Intake, together: bool) -> None:
    await take(intake, report("a", user("ana")), report("b", user("ana"), hour=24 * 5 + 1), together=together)
    assert await grouped(intake) == [["a"], ["b"]]


async def test_the_same_alert_again_changes_nothing(intake: Intake) -> None:
    told = [report("a", user("ana")), report("b", user("ana"), hour=1)]
    await intake.take(*told)
    before = (await intake.events(), await reasons(intake))
    await intake.take(*told)
    assert (await intake.events(), await reasons(intake)) == before


async def test_another_version_that_names_more_joins(intake: Intake) -> None:
    await intake.take(report("a", user("ana")), report("b", address("198.51.100.7")))
    assert len(await grouped(intake)) == 2
    await intake.take(report("b", address("198.51.100.7"), user("ana")))
    assert await grouped(intake) == [["a", "b"]]


async def test_versions_of_one_delivery_are_told_one_by_one(intake: Intake) -> None:
    await intake.take(report("a", user("ana")), report("z", user("bo")))
    await intake.take(report("b", user("ana"), hour=1), report("b", user("ana"), user("bo"), hour=1, title="changed"))
    assert [(len(placement.links), placement.merged) for _, placement, _ in await reasons(intake)] == [(1, ()), (2, ("2",))]


async def test_another_version_that_names_less_stays_where_it_is(intake: Intake) -> None:
    await intake.take(report("a", user("ana")), report("b", user("ana")))
    await intake.take(report("b", user("bo")))
    await intake.take(report("c", user("bo"), hour=1))
    assert await grouped(intake) == [["a", "b", "c"]], "found by what it names now"


async def test_another_tenant_s_alerts_are_not_near(intake: Intake) -> None:
    other = await Registry(intake.store, load(), intake.clock).create_tenant("fabrikam")
    await intake.take(report("a", user("ana")))
    mine, intake.tenant = intake.tenant, other
    await intake.take(report("b", user("ana")))
    assert await homes(intake) == {"b": "1"}
    intake.tenant = mine
    assert await homes(intake) == {"a": "1"}


# --- a source's own incidents --------------------------------------------------------------------------------------------


async def test_a_source_s_incidents_stay_apart_unless_they_link(intake: Intake, together: bool) -> None:
    await take(
        intake, report("a", user("ana"), incident="7"), report("b", user("bo"), incident="8"), report("c", incident="7"),
        report("d", user("cy"), incident="8"), report("e", user("ana"), hour=1, incident="9"), together=together,
    )  # fmt: skip
    assert await grouped(intake) == [["a", "c", "e"], ["b", "d"]]
    await intake.take(report("f", incident="9"))
    assert (await homes(intake))["f"] == (await homes(intake))["a"], "its incident is the one that it was merged into"


# --- people --------------------------------------------------------------------------------------------------------------


async def test_a_resolved_incident_is_continued_and_not_joined(intake: Intake) -> None:
    await intake.take(report("a", user("ana")))
    await person(intake, "1", status="resolved")
    await intake.take(report("b", user("ana"), hour=1))
    assert await homes(intake) == {"a": "1", "b": "2"}
    case = await intake.store.write(intake.tenant.number, Needs(cases=("2",)), lambda facts: Decision((), facts.cases["2"]))
    assert (case.continues, case.alerts) == ("1", 1)
    assert [(one.why, one.incident) for _, placement, _ in await reasons(intake) for one in placement.refused] == [("resolved", "1")]


async def test_what_comes_resolved_joins_what_nobody_closed(intake: Intake, together: bool) -> None:
    told = [report(key, user("ana"), hour=hour, status="resolved") for hour, key in enumerate("abc")]
    await take(intake, *told, together=together)
    assert await grouped(intake) == [["a", "b", "c"]]
    assert {row["status"] for row in await intake.incidents()} == {"resolved"}
    await intake.take(report("d", user("ana"), hour=4))
    assert await grouped(intake) == [["a", "b", "c"], ["d"]]


async def test_the_one_that_a_person_touched_stays(intake: Intake) -> None:
    await intake.take(report("a", user("ana")), report("b", user("bo")))
    await person(intake, "2", assignedTo="kim")
    await intake.take(report("c", user("ana"), user("bo"), hour=1))
    assert set((await homes(intake)).values()) == {"2"}


async def test_two_that_people_touched_are_only_suggested(intake: Intake) -> None:
    await intake.take(report("a", user("ana")), report("b", user("bo")))
    for key in "12":
        await person(intake, key, assignedTo="kim")
    await intake.take(report("c", user("ana"), user("bo"), hour=1))
    assert len(await grouped(intake)) == 2
    assert [placement.suggested for _, placement, _ in await reasons(intake)] in [[("1",)], [("2",)]]


async def test_what_a_person_parted_is_never_brought_together_again(intake: Intake) -> None:
    await intake.take(report("a", user("ana"), user("bo")), report("b", user("ana"), hour=1), report("z", user("bo"), hour=1))
    [alert] = [row["id"] for row in await intake.rows() if row["title"] == "title b"]
    number, call = intake.tenant.number, Call("moveAlerts", "app", "Ana")
    moved = await intake.store.write(number, regroup.move_needs([alert], None), lambda facts: regroup.move(facts, [alert], None, call))
    await intake.take(report("c", user("ana"), hour=2), report("d", user("ana"), user("bo"), hour=3))
    assert len(await grouped(intake)) == 2
    assert (await homes(intake))["b"] == moved
    merged = await intake.store.write(number, regroup.merge_needs(["1", moved]), lambda facts: regroup.merge(facts, ["1", moved], ANA))
    await intake.take(report("e", user("ana"), hour=4))
    assert (merged, await grouped(intake)) == ("1", [["a", "b", "c", "d", "e", "z"]])


# --- settings ------------------------------------------------------------------------------------------------------------


async def said(intake: Intake, name: str, value: Any) -> None:
    put = PutTerm(name, msgspec.json.encode(value).decode(), "app:x")
    await intake.store.write(intake.tenant.number, Needs(), lambda _: Decision([put], None))


async def test_settings_hold_from_the_next_alert_on(intake: Intake) -> None:
    await intake.take(report("a", user("ana")))
    await said(intake, "off", value=True)
    await intake.take(report("b", user("ana")))
    await said(intake, "off", value=False)
    await intake.take(report("c", user("bo")))
    await said(intake, "ignored", ["user.upn:bo@contoso.com"])
    await intake.take(report("d", user("bo")))
    assert await grouped(intake) == [["a"], ["b"], ["c"], ["d"]]


async def test_an_incident_that_is_full_is_continued(intake: Intake, together: bool) -> None:
    await said(intake, "most_alerts", 3)
    await take(intake, *(report(key, user("ana"), hour=number) for number, key in enumerate("abcde")), together=together)
    assert await grouped(intake) == [["a", "b", "c"], ["d", "e"]]
    assert any(one.why == "alerts" for _, placement, _ in await reasons(intake) for one in placement.refused)


async def test_by_what_a_crowd_names_nothing_is_put_together(intake: Intake, together: bool) -> None:
    """Before any snapshot says so: a proxy does not hold everything together on its first day."""
    await said(intake, "most_postings", 16)
    await take(intake, *(report(f"{number:02}", user("ana"), hour=number / 10) for number in range(20)), together=together)
    assert [len(one) for one in await grouped(intake)] == [16, 1, 1, 1, 1]
    if not together:
        assert (await reasons(intake))[-1][2] == ["user.upn:ana@contoso.com", "user.account:ana"]


async def test_what_another_knows_by_a_better_name_is_listed_too(intake: Intake, together: bool) -> None:
    better = user("ana")
    better["userAccount"]["azureAdUserId"] = "6a2fd0e5-0a1c-4a2e-8e3c-0f6f3b1c2d11"
    await take(intake, report("a", better), report("b", user("ana"), hour=1), together=together)
    rows = await intake.store.fetch("entities", tenant=intake.tenant.number, after="", before="~", most=10)
    assert [row["text"] for row in rows] == ["user.id:6a2fd0e5-0a1c-4a2e-8e3c-0f6f3b1c2d11", "user.upn:ana@contoso.com"]


async def test_alerts_are_found_under_an_incident_after_a_merge(intake: Intake) -> None:
    await intake.take(report("a", user("ana")), report("b", user("bo")), report("c", user("ana"), user("bo"), hour=1))
    assert len(await intake.rows(ALERTS, filter="incidentId eq '1'")) == 3
    assert await intake.rows(ALERTS, filter="incidentId eq '2'") == []
