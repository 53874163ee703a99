"""Why alerts are where they are, as clients read it, and how a person answers a suggestion."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from secgraph import clock
from secgraph.testing import Graph, graph_alert

pytestmark = pytest.mark.asyncio(loop_scope="module")

INCIDENTS = "security/incidents"
SECURITY = "#microsoft.graph.security"

_numbers = itertools.count(1)
_START = 1_790_000_000


def user(name: str) -> dict[str, Any]:
    account = {"userPrincipalName": f"{name}@contoso.com", "accountName": name}
    return {"@odata.type": f"{SECURITY}.userEvidence", "userAccount": account, "roles": ["compromised"]}


def address(text: str) -> dict[str, Any]:
    return {"@odata.type": f"{SECURITY}.ipEvidence", "ipAddress": text, "roles": ["attacker"]}


class Case:
    """Things of its own for a test, so that no other test's alerts link to them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.number = next(_numbers)
        self.alerts = 0

    def pair(self, which: int) -> list[dict[str, Any]]:
        """A person and an address: shared by two alerts, they put these together."""
        return [user(f"u{self.number}x{which}"), address(f"203.0.{self.number}.{which}")]

    async def report(self, *pairs: int, **members: Any) -> str:
        """Hands in an alert an hour after the one before it; its id."""
        self.alerts += 1
        number = self.number * 1000 + self.alerts
        when = clock.text((_START + self.alerts * 3600) * clock.SECOND)
        given = graph_alert(number, title=f"t{number}", createdDateTime=when, firstActivityDateTime=when, lastActivityDateTime=when, **{
            "evidence": [one for which in pairs for one in self.pair(which)], **members,
        })  # fmt: skip
        await self.graph.hand_in("graph", given)
        return str(given["id"])

    async def place(self, alert: str) -> str:
        return str((await self.graph.get(f"security/alerts_v2/{alert}"))["incidentId"])

    async def why(self, incident: str, **options: str) -> list[dict[str, Any]]:
        """The reasons of an incident, whole, over all pages."""
        found = []
        body = await self.graph.get(f"{INCIDENTS}/{incident}/correlations", **options)
        while True:
            found += body["value"]
            if "@odata.nextLink" not in body:
                return found
            body = await self.graph.get(body["@odata.nextLink"])

    async def change(self, incident: str, **members: Any) -> None:
        answer = await self.graph.ask("PATCH", f"{INCIDENTS}/{incident}", json=members)
        assert answer.status_code == 200, answer.text


@pytest.fixture
def case(desk: Graph) -> Case:
    return Case(desk)


async def keep_apart(graph: Graph, incident: str, *others: str, status: int = 200) -> Any:
    answer = await graph.ask("POST", f"{INCIDENTS}/{incident}/keepApart", json={"incidentIds": list(others)})
    assert answer.status_code == status, answer.text
    return answer.json() if status == 200 else answer.json()["error"]["message"]


async def suggested(case: Case) -> tuple[str, str, str]:
    """Two incidents that people work on, and the alert that links to both: where it went, the other one, its id."""
    one, two = [await case.place(await case.report(which)) for which in (1, 2)]
    assert one != two
    await case.change(one, assignedTo="ana@contoso.com")
    await case.change(two, assignedTo="bo@contoso.com")
    alert = await case.report(1, 2)
    here = await case.place(alert)
    return here, two if here == one else one, alert


# --- why ----------------------------------------------------------------------------------------------------------------


async def test_an_alert_that_joined_says_what_it_shares_with_which(case: Case) -> None:
    first = await case.report(1, category="InitialAccess")
    second = await case.report(1, category="CredentialAccess")
    incident = await case.place(first)
    [item] = await case.why(incident)
    entities = item.pop("entities")
    sentence, created = item.pop("sentence"), item.pop("createdDateTime")
    score = item.pop("score")
    assert item == {
        "alertId": second, "withAlertId": first, "outcome": "joined", "incidentId": incident, "otherIncidentId": None,
        "continues": False, "why": None, "whyInWords": None, "kind": "shared",
        "correlationReason": "eventSequence, timeFrame, sameThreatSource, sameActor, temporalProximity",
        "tactics": ["initial access", "credential access"], "gapSeconds": 3600, "snapshot": 0, "truncated": [],
    }  # fmt: skip
    assert [(one["type"], one["roles"]) for one in entities] == [("user", ["compromised"] * 2), ("ip", ["attacker"] * 2)]
    assert sum(one["weight"] for one in entities) * 1.35 == pytest.approx(score, abs=0.001)
    assert sentence.startswith(f"Both alerts name the user u{case.number}x1@contoso.com and the address 203.0.{case.number}.1 within one hour")
    assert created >= (await case.graph.get(f"security/alerts_v2/{second}"))["lastUpdateDateTime"]
    for one in entities:
        assert set(await case.graph.ids(f"security/entities/{one['id']}/alerts")) == {first, second}


async def test_what_was_merged_names_the_incident_that_is_gone(case: Case) -> None:
    first, second = await case.report(1), await case.report(2)
    one, two = await case.place(first), await case.place(second)
    third = await case.report(1, 2)
    items = await case.why(one)
    assert {(item["alertId"], item["withAlertId"], item["outcome"], item["incidentId"], item["otherIncidentId"]) for item in items} == {
        (third, first, "joined", one, None), (third, second, "merged", one, two),
    }  # fmt: skip
    assert [item["sentence"].endswith(f"So incident {two} was merged into incident {one}.") for item in items if item["outcome"] == "merged"] == [True]
    assert await case.why(two) == [], "like its alerts: they are where it redirects to"


async def test_what_is_closed_is_not_joined_and_says_so(case: Case) -> None:
    old = await case.place(await case.report(1))
    await case.change(old, status="resolved")
    alert = await case.report(1)
    new = await case.place(alert)
    [item] = await case.why(new)
    assert (item["outcome"], item["why"], item["continues"], item["incidentId"], item["otherIncidentId"]) == ("refused", "resolved", True, new, old)
    assert item["whyInWords"] in item["sentence"]
    assert item["sentence"].endswith(f"Incident {new} was opened, and goes on from incident {old}.")


async def test_an_alert_that_belongs_to_nothing_has_no_reason(case: Case) -> None:
    assert await case.why(await case.place(await case.report(1))) == []


async def test_a_moved_alert_takes_its_reasons_along(case: Case) -> None:
    _, second = await case.report(1), await case.report(1)
    before = await case.place(second)
    answer = await case.graph.ask("POST", "security/alerts_v2/moveAlerts", json={"alertIds": [second]})
    now = answer.json()["targetIncidentId"]
    assert await case.why(before) == []
    [item] = await case.why(now)
    assert (item["alertId"], item["incidentId"]) == (second, before), "the reason is for where it was put then"


@pytest.mark.parametrize("top", ["1", "2", "3", "999", None])
async def test_pages_hold_each_reason_once_and_in_order(case: Case, top: str | None) -> None:
    alerts = [await case.report(which) for which in (1, 2, 3)]
    alerts += [await case.report(1, 2, 3), await case.report(1)]
    incident = await case.place(alerts[0])
    items = await case.why(incident, **({} if top is None else {"top": top}))
    assert [item["alertId"] for item in items] == [alerts[3]] * 3 + [alerts[4]]
    assert sorted(item["withAlertId"] for item in items[:3]) == sorted(alerts[:3])
    body = await case.graph.get(f"{INCIDENTS}/{incident}/correlations", **({} if top is None else {"top": top}))
    assert len(body["value"]) == min(int(top or 100), 4)


async def test_a_page_without_items_leads_nowhere(case: Case) -> None:
    await case.report(1)
    incident = await case.place(await case.report(1))
    body = await case.graph.get(f"{INCIDENTS}/{incident}/correlations", top="0")
    assert (body["value"], "@odata.nextLink" in body) == ([], False)
    answer = await case.graph.ask("GET", f"{INCIDENTS}/{incident}/correlations?$top=5000")
    assert answer.headers["preference-applied"] == "odata.maxpagesize=1000"


@pytest.mark.parametrize(("path", "status", "said"), [
    ("999999/correlations", 404, "no incident '999999'"), ("x/correlations", 404, "no incident 'x'"), ("1/correlations?$filter=why eq 'apart'", 400, "$filter: cannot be asked of this list"),
    ("1/correlations?$count=true", 400, "$count: cannot be asked"), ("1/correlations?$top=-1", 400, "$top"), ("1/correlations?$skiptoken=AAAA", 400, "the link was changed"),
    ("1/correlations?$skiptoken=%20%20", 200, ""), ("1/correlations?$format=xml", 400, "only JSON is served"), ("1/correlations/2", 404, ""),
])  # fmt: skip
async def test_what_cannot_be_asked(case: Case, path: str, status: int, said: str) -> None:
    await case.report(1)
    answer = await case.graph.ask("GET", f"{INCIDENTS}/{path}")
    assert (answer.status_code, said in answer.text) == (status, True), answer.text


async def test_a_link_is_good_for_its_own_list_alone(case: Case) -> None:
    alerts = [await case.report(1) for _ in range(3)]
    incident, other = await case.place(alerts[0]), await case.place(await case.report(9))
    link = (await case.graph.get(f"{INCIDENTS}/{incident}/correlations", top="1"))["@odata.nextLink"]
    for wrong in (link.replace(f"/{incident}/", f"/{other}/"), link[:-2] + "AA"):
        answer = await case.graph.ask("GET", wrong)
        assert answer.status_code == 400
        assert "the link was changed" in answer.text
    assert (await case.graph.ask("GET", link.replace("$top=1", "$top=2"))).status_code == 200


@pytest.mark.parametrize(("permission", "reads", "keeps"), [
    ("SecurityIncident.Read.All", 200, 403), ("SecurityIncident.ReadWrite.All", 200, 200), ("SecurityAlert.ReadWrite.All", 403, 403), ("SecurityData.Manage.All", 403, 200),
])  # fmt: skip
async def test_permissions(case: Case, permission: str, reads: int, keeps: int) -> None:
    graph = case.graph
    one, two = [await case.place(await case.report(which)) for which in (1, 2)]
    mine = graph.headers
    try:
        await graph.sign_in(*await graph.application_with(permission, name=permission))
        assert (await graph.ask("GET", f"{INCIDENTS}/{one}/correlations")).status_code == reads
        assert (await graph.ask("POST", f"{INCIDENTS}/{one}/keepApart", json={"incidentIds": [two]})).status_code == keeps
    finally:
        graph.headers = mine


# --- keepApart ------------------------------------------------------------------------------------------------------------


async def test_a_suggestion_is_told_and_can_be_refused(case: Case) -> None:
    here, other, alert = await suggested(case)
    [item] = [one for one in await case.why(here) if one["outcome"] != "joined"]
    assert (item["alertId"], item["outcome"], item["why"], item["otherIncidentId"]) == (alert, "mergeSuggested", "touched", other)
    body = await keep_apart(case.graph, here, other)
    assert (body["incidentId"], body["apartFromIncidentIds"]) == (here, [other])
    further = await case.report(1, 2)
    told = {one["outcome"]: one["why"] for one in await case.why(await case.place(further)) if one["alertId"] == further}
    assert told == {"joined": None, "refused": "apart"}
    assert (await case.graph.get(f"{INCIDENTS}/{other}"))["status"] == "active"


async def test_what_nobody_touched_is_kept_apart_too(case: Case) -> None:
    one, two = [await case.place(await case.report(which)) for which in (1, 2)]
    await keep_apart(case.graph, two, one)
    joined = await case.place(await case.report(1, 2))
    assert joined in {one, two}
    assert [(await case.graph.get(f"{INCIDENTS}/{key}"))["redirectIncidentId"] for key in (one, two)] == [None, None]


async def test_a_suggestion_is_accepted_by_a_merge(case: Case) -> None:
    here, other, _ = await suggested(case)
    answer = await case.graph.ask("POST", f"{INCIDENTS}/mergeIncidents", json={"incidentIds": [here, other]})
    assert answer.json()["targetIncidentId"] == here
    assert "one incident" in await keep_apart(case.graph, here, other, status=400)
    assert "one incident" in await keep_apart(case.graph, other, here, status=400)


async def test_it_is_told_once_of_each_incident_and_repeating_it_changes_nothing(case: Case) -> None:
    graph = case.graph
    one, two, three = [await case.place(await case.report(which)) for which in (1, 2, 3)]

    async def events() -> list[tuple[str, list[str], str]]:
        found = await graph.core.store.fetch("events", tenant=graph.tenant.number, after=0, most=100_000)
        return [(row["id"], json.loads(row["changed"]), row["cause"]) for row in found]

    before = len(await events())
    shown = await graph.get(f"{INCIDENTS}/{one}")
    await keep_apart(graph, one, two)
    cause = f"app:{graph.application.id} keepApart"
    assert (await events())[before:] == [(two, ["lastModifiedBy", "apart"], cause), (one, ["lastModifiedBy", "apart"], cause)]
    after = await graph.get(f"{INCIDENTS}/{one}")
    assert {name for name in after if after[name] != shown[name]} == {"@odata.etag", "lastUpdateDateTime", "lastModifiedBy"}
    for again in ((one, two), (two, one), (one, f" {two} ", two)):
        await keep_apart(graph, *again)
    assert len(await events()) == before + 2
    body = await keep_apart(graph, one, two, three)
    assert body["apartFromIncidentIds"] == [two, three]
    assert (await events())[before + 2 :] == [(three, ["lastModifiedBy", "apart"], cause), (one, ["apart"], cause)]
    assert (await keep_apart(graph, three, one))["apartFromIncidentIds"] == [one], "both ways"


async def test_what_was_merged_stands_for_where_it_went(case: Case) -> None:
    one, two, three = [await case.place(await case.report(which)) for which in (1, 2, 3)]
    await case.graph.ask("POST", f"{INCIDENTS}/mergeIncidents", json={"incidentIds": [one, two]})
    body = await keep_apart(case.graph, two, three)
    assert (body["incidentId"], body["apartFromIncidentIds"]) == (one, [three])
    assert (await keep_apart(case.graph, three, two))["apartFromIncidentIds"] == [one]


@pytest.mark.parametrize(("body", "said"), [
    ([], "must be a JSON object"), ({}, "incidentIds: must be a list"), ({"incidentIds": []}, "incidentIds: must be a list"), ({"incidentIds": "1"}, "must be a list"),
    ({"incidentIds": [1]}, "incidentIds/0: must be a text"), ({"incidentIds": ["1", " "]}, "incidentIds/1: is empty"), ({"incidents": ["1"]}, "incidents: is not a parameter"),
    ({"incidentIds": [str(number) for number in range(1001)]}, "more than 1000 ids"),
])  # fmt: skip
async def test_a_body_that_cannot_be_meant(case: Case, body: Any, said: str) -> None:
    incident = await case.place(await case.report(1))
    answer = await case.graph.ask("POST", f"{INCIDENTS}/{incident}/keepApart", json=body)
    assert (answer.status_code, said in answer.text) == (400, True), answer.text


async def test_what_is_not_there_is_named_and_nothing_is_changed(case: Case) -> None:
    one, two = [await case.place(await case.report(which)) for which in (1, 2)]
    assert "no incident '999999'" in await keep_apart(case.graph, one, two, "999999", status=404)
    assert "no incident '999998'" in await keep_apart(case.graph, "999998", two, status=404)
    assert (await keep_apart(case.graph, two, one))["apartFromIncidentIds"] == [one], "not kept apart before"
    other = await case.graph.core.registry.create_tenant(f"other{case.number}")
    application, secret = await case.graph.core.registry.create_application(other, "app", ["SecurityIncident.ReadWrite.All"])
    mine = case.graph.headers
    try:
        await case.graph.sign_in(application, secret, other)
        assert f"no incident '{one}'" in await keep_apart(case.graph, one, two, status=404)
        assert (await case.graph.ask("GET", f"{INCIDENTS}/{one}/correlations")).status_code == 404
    finally:
        case.graph.headers = mine


async def test_other_methods(case: Case) -> None:
    for method, path, allowed in (("POST", "correlations", "GET"), ("GET", "keepApart", "POST"), ("DELETE", "keepApart", "POST")):
        answer = await case.graph.ask(method, f"{INCIDENTS}/1/{path}")
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
