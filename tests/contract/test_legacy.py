"""The older alerts over HTTP: the same rows under older names, what a change of one means, and sources that fail."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.databases import Apart

from secgraph.model.edm import load
from secgraph.testing import ORIGIN, Clock, Graph, graph_alert, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

OLDER = "security/alerts"
LIST = "security/alerts_v2"
MANY = f"/beta/{OLDER}/updateAlerts"
READ, WRITE = "SecurityEvents.Read.All", "SecurityEvents.ReadWrite.All"
REPRESENTATION = {"prefer": "return=representation"}

_numbers = itertools.count(1)


async def one(graph: Graph, **members: Any) -> dict[str, Any]:
    """A fresh alert as the older view shows it."""
    number = next(_numbers)
    await graph.hand_in("graph", graph_alert(number, **members))
    found: dict[str, Any] = await graph.get(f"{OLDER}/da{number:08d}-aaaa-bbbb-cccc-000000000000_1")
    return found


def bare(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if "@" not in name}


async def changed(graph: Graph, before: dict[str, Any], body: Any, **headers: str) -> dict[str, Any]:
    """Changes an alert; gives what differs afterwards from what it was, as a reader sees it."""
    answer = await graph.ask("PATCH", f"{OLDER}/{before['id']}", json=body, headers=headers)
    assert answer.status_code == 204, answer.text
    after = await graph.get(f"{OLDER}/{before['id']}")
    return {name: value for name, value in bare(after).items() if value != before[name] and name != "lastModifiedDateTime"}


# --- reading ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1.0", "beta"])
async def test_a_list_shows_the_same_rows_newest_first(six: Graph, version: str) -> None:
    body = await six.get(f"/{version}/{OLDER}")
    assert body["@odata.context"] == f"{ORIGIN}/{version}/$metadata#security/alerts"
    assert [item["title"] for item in body["value"]] == ["a6", "a5", "a4", "a3", "a2", "a1"]
    newer = {item["id"]: item for item in (await six.get(LIST))["value"]}
    for item in body["value"]:
        assert list(bare(item)) == list(load().struct("microsoft.graph.alert").properties)
        assert item["@odata.etag"] == newer[item["id"]]["@odata.etag"]
        assert item["lastModifiedDateTime"] == newer[item["id"]]["lastUpdateDateTime"]
        assert item["azureTenantId"] == six.tenant.id


@pytest.mark.parametrize(("text", "titles"), [
    ("vendorInformation/provider eq 'Microsoft Defender ATP'", "a1 a2 a5 a6"), ("vendorInformation/provider eq 'Azure Sentinel'", "a3"),
    ("vendorInformation/provider eq 'ASC'", ""), ("vendorInformation/vendor eq 'Microsoft'", "a1 a2 a3 a4 a5 a6"),
    ("eventDateTime gt 2026-11-04T00:00:00Z", "a4 a5 a6"), ("eventDateTime gt 2026-11-01T00:00:00Z and eventDateTime lt 2026-11-03T00:00:00Z", "a1 a2"),
    ("status eq 'newAlert'", "a1 a4 a5"), ("Status eq 'NewAlert' and severity eq 'HIGH'", "a1"), ("status eq 'dismissed'", ""),
    ("feedback eq 'falsePositive'", "a2"), ("hostStates/any(h: h/fqdn eq 'ws1.contoso.com')", "a1"), ("hostStates/any(h:h/fqdn eq 'nowhere')", ""),
    ("hostStates/any(a:startswith(a/netBiosName,'SRV'))", "a5"), ("userStates/any(u:u/userPrincipalName eq 'ANA@contoso.com')", "a1"),
    ("fileStates/any(f:f/fileHash/hashValue eq 'abababababababababababababababababababab')", "a3"), ("processes/any(p:p/processId eq 4711)", "a5"),
    ("networkConnections/any(n:n/destinationAddress eq '10.0.0.1')", "a2"), ("hostStates/$count eq 1 and processes/$count eq 1", "a5"),
    ("contains(description,'ransom') and not (assignedTo eq null)", "a1 a2"), ("closedDateTime ne null", "a2"), ("", "a1 a2 a3 a4 a5 a6"),
])  # fmt: skip
async def test_a_filter_on_older_names(six: Graph, text: str, titles: str) -> None:
    body = await six.get(OLDER, filter=text, orderby="title", count="true")
    assert " ".join(item["title"] for item in body["value"]) == titles
    assert body["@odata.count"] == len(titles.split())
    answer = await six.ask("GET", f"{OLDER}/$count", params={"$filter": text})
    assert (answer.text, answer.headers["content-type"]) == (str(len(titles.split())), "text/plain; charset=utf-8")


@pytest.mark.parametrize(("text", "titles"), [
    ("eventDateTime", "a1 a2 a3 a4 a5 a6"), ("eventDateTime desc", "a6 a5 a4 a3 a2 a1"), ("severity desc,title", "a1 a6 a3 a2 a4 a5"),
    ("assignedTo desc,title", "a2 a1 a3 a4 a5 a6"), ("vendorInformation/provider,title desc", "a3 a6 a5 a2 a1 a4"),
])  # fmt: skip
@pytest.mark.parametrize("top", ["1", "4", "6"])
async def test_an_order_by_older_names_goes_through_pages(six: Graph, text: str, titles: str, top: str) -> None:
    body = await six.get(OLDER, orderby=text, top=top, select="title", count="true")
    found = []
    while True:
        assert body["@odata.count"] == 6
        assert body["@odata.context"] == f"{ORIGIN}/v1.0/$metadata#security/alerts(title)"
        found += [item["title"] for item in body["value"]]
        assert all(set(item) == {"@odata.etag", "title"} for item in body["value"])
        if "@odata.nextLink" not in body:
            break
        assert body["@odata.nextLink"].startswith(f"{ORIGIN}/v1.0/security/alerts?")
        body = await six.get(body["@odata.nextLink"])
    assert " ".join(found) == titles


async def test_one_alert(six: Graph) -> None:
    listed = (await six.get(OLDER, filter="title eq 'a1'"))["value"][0]
    for path in (f"{OLDER}/{listed['id']}", f"{OLDER}('{listed['id']}')", f"security/ALERTS/{listed['id'].upper()}/"):
        answer = await six.ask("GET", path)
        assert answer.json() == {"@odata.context": f"{ORIGIN}/v1.0/$metadata#security/alerts/$entity", **listed}
        assert answer.headers["etag"] == listed["@odata.etag"]
    chosen = await six.get(f"{OLDER}/{listed['id']}", select="status,id")
    assert chosen == {"@odata.context": f"{ORIGIN}/v1.0/$metadata#security/alerts(id,status)/$entity",
                      "@odata.etag": listed["@odata.etag"], "id": listed["id"], "status": "newAlert"}  # fmt: skip


@pytest.mark.parametrize(("path", "status", "said"), [
    (f"{OLDER}/nowhere", 404, "There is no alert 'nowhere'"), (f"{OLDER}?$filter=severty eq 'high'", 400, "Did you mean severity?"),
    (f"{OLDER}?$filter=classification eq 'truePositive'", 400, "'classification' is not a property of microsoft.graph.alert"),
    (f"{OLDER}?$orderby=hostStates", 400, "$orderby"), (f"{OLDER}?$select=evidence", 400, "microsoft.graph.alert"), (f"{OLDER}?$expand=x", 400, "$expand"),
    (f"{OLDER}?$filter=status eq 'new'", 400, "newAlert"), (f"{OLDER}/x/comments", 404, "There is no resource"),
])  # fmt: skip
async def test_a_refusal_speaks_the_older_words(six: Graph, path: str, status: int, said: str) -> None:
    answer = await six.ask("GET", path)
    assert answer.status_code == status
    assert said in answer.json()["error"]["message"]


async def test_half_a_condition_behind_an_ampersand_is_a_parameter_of_nobody(six: Graph) -> None:
    """A documented sample joins two conditions with & instead of `and`."""
    answer = await six.ask("GET", f"{OLDER}?$filter=eventDateTime gt 2026-11-04T00:00:00Z&eventDateTime lt 2026-11-05T00:00:00Z")
    assert len(answer.json()["value"]) == 3


async def test_what_changed_is_told_under_older_names_too(graph: Graph) -> None:
    await one(graph)
    second = await one(graph)
    body = await graph.get(f"{OLDER}/delta()", filter="status eq 'newAlert'")
    assert [item["status"] for item in body["value"]] == ["newAlert", "newAlert"]
    await changed(graph, second, {"status": "resolved"})
    answer = await graph.ask("GET", body["@odata.deltaLink"])
    assert answer.json()["value"] == [{"id": second["id"], "@removed": {"reason": "changed"}}]


async def test_the_documents_tell_of_them(six: Graph) -> None:
    sets = (await six.get("/v1.0/"))["value"]
    assert {"name": "security/alerts", "kind": "EntitySet", "url": "security/alerts"} in sets
    assert "alerts@odata.navigationLink" in await six.get("/v1.0/security")
    for version, there in (("v1.0", False), ("beta", True)):
        answer = await six.ask("GET", f"/{version}/$metadata")
        assert ('<Action Name="updateAlerts"' in answer.text) is there


# --- permissions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("held", "method", "path", "status"), [
    (READ, "GET", OLDER, 200), (WRITE, "GET", OLDER, 200), ("SecurityAlert.Read.All", "GET", OLDER, 403), (READ, "GET", LIST, 403),
    (READ, "GET", f"{OLDER}/$count", 200), (READ, "GET", f"{OLDER}/x", 404), ("SecurityAlert.ReadWrite.All", "PATCH", f"{OLDER}/x", 403),
    (READ, "PATCH", f"{OLDER}/x", 403), (WRITE, "PATCH", f"{OLDER}/x", 404), (READ, "POST", MANY, 403), (WRITE, "POST", MANY, 404),
    ("SecurityAlert.Read.All", "GET", f"{OLDER}/delta()", 403),
])  # fmt: skip
async def test_the_published_permissions(graph: Graph, held: str, method: str, path: str, status: int) -> None:
    application, secret = await graph.application_with(held)
    await graph.sign_in(application, secret)
    body = {"value": [{"id": "x"}]} if path == MANY else {"status": "resolved"}
    answer = await graph.ask(method, path, **({} if method == "GET" else {"json": body}))
    assert answer.status_code == status, answer.text
    if status == 403:
        assert "SecurityAlert" in answer.json()["error"]["message"] if path == LIST else "SecurityEvents" in answer.json()["error"]["message"]


async def test_another_tenant_sees_and_changes_nothing(graph: Graph) -> None:
    here = await one(graph)
    other = await graph.core.registry.create_tenant("fabrikam")
    application, secret = await graph.core.registry.create_application(other, "theirs", [WRITE])
    await graph.ask("POST", "/ingest/graph", content=b"not json")
    await graph.sign_in(application, secret, other)
    answer = await graph.ask("GET", OLDER)
    assert (answer.status_code, answer.json()["value"], answer.headers.get("warning")) == (200, [], None)
    for method, path, body in (("PATCH", f"{OLDER}/{here['id']}", {"status": "resolved"}), ("POST", MANY, {"value": [{"id": here["id"]}]})):
        assert (await graph.ask(method, path, json=body)).status_code == 404


# --- changes ------------------------------------------------------------------------------------------------------------


async def test_the_published_example(desk: Graph) -> None:
    """What a response playbook sends; the newer view tells the same story."""
    before = await one(desk)
    found = await changed(desk, before, {"status": "resolved", "feedback": "truePositive"})
    newer = await desk.get(f"{LIST}/{before['id']}")
    assert found == {"status": "resolved", "feedback": "truePositive", "closedDateTime": newer["resolvedDateTime"]}
    assert (newer["status"], newer["classification"]) == ("resolved", "truePositive")
    assert newer["resolvedDateTime"] == newer["lastUpdateDateTime"]


@pytest.mark.parametrize(("body", "found"), [
    ({"status": "inProgress"}, {"status": "inProgress"}), ({"Status": "InProgress"}, {"status": "inProgress"}), ({"status": "unknown"}, {"status": "unknown"}),
    ({"status": "newAlert"}, {}), ({"feedback": "FalsePositive"}, {"feedback": "falsePositive"}), ({"feedback": "benignPositive"}, {"feedback": "benignPositive"}),
    ({"feedback": "unknown"}, {}), ({"feedback": None}, {}), ({"assignedTo": "ana@contoso.com"}, {"assignedTo": "ana@contoso.com"}), ({"assignedTo": None}, {}),
    ({"closedDateTime": "2026-11-03T01:00:00+01:00"}, {"closedDateTime": "2026-11-03T00:00:00.0000000Z"}),
    ({"status": "resolved", "closedDateTime": "2026-11-03T00:00:00Z"}, {"status": "resolved", "closedDateTime": "2026-11-03T00:00:00.0000000Z"}),
    ({"tags": ["HVA", "SAW"]}, {"tags": ["HVA", "SAW"]}), ({"tags": []}, {}), ({"tags": None}, {}),
    ({"comments": ["Closed in IPC"]}, {"comments": ["Closed in IPC"]}), ({"comments": ["closed in mcas", "Closed in MCAS"]}, {"comments": ["Closed in MCAS"]}),
    ({"comments": []}, {}), ({"vendorInformation": None, "status": "inProgress"}, {"status": "inProgress"}),
    ({"vendorInformation": {"provider": "microsoft defender atp", "vendor": "Microsoft"}, "status": "inProgress"}, {"status": "inProgress"}),
    ({"vendorInformation": {"provider": "Microsoft Defender ATP", "providerVersion": "3.2", "vendor": "Microsoft", "subProvider": None}}, {}),
    ({"@odata.type": "#microsoft.graph.alert", "title": "Made-up", "assignedTo": "bo"}, {"assignedTo": "bo"}), ({}, {}),
])  # fmt: skip
async def test_a_change_reads_back_as_it_was_written(desk: Graph, body: dict[str, Any], found: dict[str, Any]) -> None:
    before = await one(desk, title="Made-up", additionalData={"kept": "x"})
    assert await changed(desk, before, body) == found
    newer = await desk.get(f"{LIST}/{before['id']}")
    assert newer["additionalData"]["kept"] == "x"
    if not found:
        assert newer["@odata.etag"] == before["@odata.etag"]
    for name in found.keys() & {"status", "feedback", "assignedTo"}:
        assert before["id"] in await desk.ids(OLDER, filter=f"{name} eq '{found[name]}'")
    for tag in found.get("tags", []):
        assert await desk.ids(OLDER, filter=f"tags/any(t:t eq '{tag.lower()}') and id eq '{before['id']}'") == [before["id"]]


@pytest.mark.parametrize(("body", "said"), [
    ({"status": "dismissed"}, "'dismissed' cannot be set"), ({"status": "new"}, "newAlert"), ({"status": None}, "status: cannot be null"), ({"status": 2}, "status"),
    ({"status": "unknownFutureValue"}, "status"), ({"feedback": "informationalExpectedActivity"}, "benignPositive"), ({"title": "Another"}, "title: is read-only"),
    ({"classification": "truePositive"}, "is not a member of microsoft.graph.alert"), ({"comments": ["hello"]}, "Closed in IPC, Closed in MCAS"),
    ({"comments": "Closed in IPC"}, "comments"), ({"tags": ["x" * 3000]}, "tags: are more than 2048 bytes"), ({"tags": [1]}, "tags/0"),
    ({"hostStates": [{"fqdn": "y"}]}, "hostStates: is read-only"), ({"vendorInformation": []}, "vendorInformation: must be an object"),
    ({"vendorInformation": {"provider": "IPC", "vendor": "Microsoft"}}, "'IPC' here, and the alert's is 'Microsoft Defender ATP'"),
    ({"vendorInformation": {"provider": "Microsoft Defender ATP", "vendor": "Contoso"}}, "'Contoso' here, and the alert's is 'Microsoft'"),
    ({"vendorInformation": {"nothing": 1}}, "vendorInformation/nothing"), ([], "must be a JSON object"), ({"closedDateTime": "yesterday"}, "closedDateTime"),
])  # fmt: skip
async def test_what_cannot_be_changed_is_refused_and_nothing_of_it_done(desk: Graph, body: Any, said: str) -> None:
    before = await one(desk)
    if isinstance(body, dict):
        body = {"assignedTo": "eve", **body}
    answer = await desk.ask("PATCH", f"{OLDER}/{before['id']}", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
    assert said in answer.json()["error"]["message"]
    assert await desk.get(f"{OLDER}/{before['id']}") == before


async def test_the_default_answer_is_empty_and_the_preferred_one_is_the_alert(desk: Graph) -> None:
    before = await one(desk)
    path = f"{OLDER}/{before['id']}"
    empty = await desk.ask("PATCH", path, json={"status": "inProgress"})
    assert (empty.status_code, empty.content, "content-type" in empty.headers) == (204, b"", False)
    asked = await desk.ask("PATCH", path, json={"status": "newAlert"}, headers={"prefer": "return=minimal"})
    assert (asked.status_code, asked.headers["preference-applied"]) == (204, "return=minimal")
    full = await desk.ask("PATCH", path, json={"status": "resolved"}, headers=REPRESENTATION)
    assert (full.status_code, full.headers["preference-applied"]) == (200, "return=representation")
    read = await desk.ask("GET", path)
    assert full.json() == read.json()
    assert full.headers["etag"] == read.headers["etag"] != empty.headers["etag"]


async def test_a_fetched_alert_sent_back_changes_nothing_or_just_the_one_member(desk: Graph) -> None:
    evidence = [{"@odata.type": "#microsoft.graph.security.deviceEvidence", "createdDateTime": "2026-11-01T00:00:00Z", "hostName": "w"}]
    before = await one(desk, evidence=evidence, status="resolved", resolvedDateTime="2026-11-01T00:00:00.1234567Z", severity="unknownFutureValue",
                       comments=[{"comment": "By hand", "createdByDisplayName": "ana", "createdDateTime": "2026-11-01T00:00:00Z"}])  # fmt: skip
    cut = {name: f"{value[:26]}Z" if name.endswith("DateTime") and value else value for name, value in before.items()}
    for body in (before, cut):
        assert await changed(desk, before, body) == {}
    assert await changed(desk, before, {**cut, "assignedTo": "ana"}) == {"assignedTo": "ana"}
    now = await desk.get(f"{OLDER}/{before['id']}")
    assert await changed(desk, before, {**now, "status": "inProgress"}) == {
        "assignedTo": "ana", "status": "inProgress", "closedDateTime": None,
    }  # fmt: skip


async def test_comments_are_only_added(desk: Graph) -> None:
    before = await one(desk, comments=[{"comment": "By hand", "createdByDisplayName": "ana", "createdDateTime": "2026-11-01T00:00:00Z"}])
    path = f"{OLDER}/{before['id']}"
    nothings: list[list[str] | None] = [[], None]
    for nothing in nothings:
        answer = await desk.ask("PATCH", path, json={"comments": nothing})
        assert (answer.status_code, "only ever added" in answer.text) == (400, True)
    assert await changed(desk, before, {"comments": ["Closed in IPC"]}) == {"comments": ["By hand", "Closed in IPC"]}
    assert await changed(desk, before, {"comments": ["By hand", "Closed in IPC", "Closed in MCAS"]}) == {"comments": ["By hand", "Closed in IPC", "Closed in MCAS"]}
    newest = (await desk.get(f"{LIST}/{before['id']}/comments"))["value"][-1]
    assert (newest["comment"], newest["createdByDisplayName"]) == ("Closed in MCAS", "tests 1")


async def test_tags_outlive_what_a_source_says_next_and_no_source_can_set_them(desk: Graph) -> None:
    number = next(_numbers)
    key = f"da{number:08d}-aaaa-bbbb-cccc-000000000000_1"
    await desk.hand_in("graph", graph_alert(number, additionalData={"userTags": ["theirs"], "a": "1"}))
    assert (await desk.get(f"{OLDER}/{key}"))["tags"] == []
    assert (await desk.ask("PATCH", f"{OLDER}/{key}", json={"tags": ["HVA"]})).status_code == 204
    for extra in ({"a": "2", "userTags": ["theirs"]}, {}, None):
        await desk.hand_in("graph", graph_alert(number, additionalData=extra, lastUpdateDateTime=f"2026-12-0{len(extra or {}) + 1}T00:00:00Z"))
        assert (await desk.get(f"{OLDER}/{key}"))["tags"] == ["HVA"], extra
    assert (await desk.ask("PATCH", f"{OLDER}/{key}", json={"tags": []})).status_code == 204
    assert "userTags" not in ((await desk.get(f"{LIST}/{key}"))["additionalData"] or {})


async def test_a_version_that_is_over_is_not_changed(desk: Graph) -> None:
    before = await one(desk)
    path = f"{OLDER}/{before['id']}"
    tag = before["@odata.etag"]
    assert (await desk.ask("PATCH", path, json={"status": "inProgress"}, headers={"if-match": tag})).status_code == 204
    answer = await desk.ask("PATCH", path, json={"status": "resolved"}, headers={"if-match": tag})
    assert (answer.status_code, answer.json()["error"]["code"]) == (412, "resourceModified")
    assert (await desk.ask("PATCH", path, json={"status": "resolved"}, headers={"if-match": "*"})).status_code == 204


async def test_of_many_who_name_a_version_one_changes_it(desk: Graph) -> None:
    before = await one(desk)
    headers = {"if-match": before["@odata.etag"]}
    answers = await asyncio.gather(*(
        desk.ask("PATCH", f"{OLDER}/{before['id']}", json={"assignedTo": str(number)}, headers=headers) for number in range(8)
    ))  # fmt: skip
    assert sorted(answer.status_code for answer in answers) == [204, *[412] * 7]


# --- many at once -------------------------------------------------------------------------------------------------------


async def test_many_are_changed_and_shown_in_the_order_of_the_request(desk: Graph) -> None:
    first, second = await one(desk), await one(desk)
    vendor = first["vendorInformation"]
    answer = await desk.ask("POST", MANY, json={"value": [
        {"id": second["id"].upper(), "vendorInformation": vendor, "status": "resolved"}, {"id": first["id"], "vendorInformation": vendor, "feedback": "truePositive"},
    ]})  # fmt: skip
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["@odata.context"] == f"{ORIGIN}/beta/$metadata#security/alerts"
    assert [(item["id"], item["status"], item["feedback"]) for item in body["value"]] == [
        (second["id"], "resolved", "unknown"), (first["id"], "newAlert", "truePositive"),
    ]  # fmt: skip
    for item in body["value"]:
        assert bare(await desk.get(f"{OLDER}/{item['id']}")) == bare(item)


async def test_one_that_cannot_be_changed_is_told_beside_the_others(desk: Graph) -> None:
    first, second = await one(desk), await one(desk)
    answer = await desk.ask("POST", MANY, json={"value": [
        {"id": "nowhere", "status": "resolved"}, {"id": first["id"], "status": "resolved"}, {"id": second["id"], "status": "dismissed"},
    ]})  # fmt: skip
    assert answer.status_code == 206
    [missing, good, bad] = answer.json()["value"]
    assert missing == {"id": "nowhere", "error": {"code": "itemNotFound", "message": "There is no alert 'nowhere' in this tenant."}}
    assert good["status"] == "resolved"
    assert (bad["id"], bad["error"]["code"], "'dismissed'" in bad["error"]["message"]) == (second["id"], "BadRequest", True)
    assert await desk.get(f"{OLDER}/{second['id']}") == second


@pytest.mark.parametrize(("body", "status", "said"), [
    ({}, 400, "value"), ({"value": []}, 400, "value"), ({"value": {}}, 400, "value"), ([], 400, "value"), ({"value": [1]}, 400, "value/0: must be an object"),
    ({"value": [{"status": "resolved"}]}, 400, "value/0/id: is required"), ({"value": [{"id": "x"}, {"id": "X"}]}, 400, "value/1/id"), ({"value": [{"id": 5}]}, 400, "value/0/id"),
    ({"value": [{"id": "x"}]}, 404, "'x'"), ({"value": [{"id": "x"}, {"id": "y"}]}, 400, "None of the 2 alerts was changed. value/0: There is no alert 'x'"),
    ({"value": [{"id": str(number)} for number in range(1001)]}, 400, "1 to 1000"),
])  # fmt: skip
async def test_a_request_of_which_nothing_can_be_done_is_refused(desk: Graph, body: Any, status: int, said: str) -> None:
    answer = await desk.ask("POST", MANY, json=body)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["error"]["message"]


@pytest.mark.parametrize(("method", "path", "status"), [
    ("POST", f"/v1.0/{OLDER}/updateAlerts", 404), ("GET", MANY, 405), ("POST", f"/beta/{OLDER}/microsoft.graph.updateAlerts", 405), ("POST", OLDER, 405),
    ("DELETE", f"{OLDER}/x", 405), ("GET", f"{OLDER}/updateAlerts", 404),
])  # fmt: skip
async def test_where_it_is_not_possible(desk: Graph, method: str, path: str, status: int) -> None:
    answer = await desk.ask(method, path, **({"json": {"value": [{"id": "x"}]}} if method == "POST" else {}))
    assert answer.status_code == status, answer.text


# --- settings -----------------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def published(tmp_path_factory: pytest.TempPathFactory, apart: Apart) -> AsyncIterator[Graph]:
    """A server that is as strict as the published API."""
    flags = {"legacy_skip_limit": 500, "legacy_vendor_required": True}
    async with running(tmp_path_factory.mktemp("published") / "data", Clock(), **flags, **apart()) as graph:
        yield graph


@pytest.mark.parametrize(("skip", "status"), [("500", 200), ("501", 400), ("100000", 400), ("0", 200)])
async def test_the_limit_of_skip_is_kept_where_it_is_set(published: Graph, skip: str, status: int) -> None:
    for path in (OLDER, f"{OLDER}/$count"):
        answer = await published.ask("GET", path, params={"$skip": skip})
        assert answer.status_code == status
        assert status == 200 or "$skip: is more than 500" in answer.json()["error"]["message"]
    assert (await published.ask("GET", LIST, params={"$skip": skip})).status_code == 200


async def test_there_is_no_limit_of_skip_by_default(desk: Graph) -> None:
    assert (await desk.ask("GET", OLDER, params={"$skip": "501"})).status_code == 200


@pytest.mark.parametrize(("vendor", "status"), [
    ({}, 400), ({"vendorInformation": None}, 400), ({"vendorInformation": {}}, 400), ({"vendorInformation": {"provider": "Microsoft Defender ATP"}}, 400),
    ({"vendorInformation": {"provider": "Microsoft Defender ATP", "vendor": "Microsoft"}}, 204), ({"vendorInformation": {"provider": "IPC", "vendor": "Microsoft"}}, 400),
])  # fmt: skip
async def test_a_vendor_is_demanded_where_it_is_set(published: Graph, vendor: dict[str, Any], status: int) -> None:
    before = await one(published)
    answer = await published.ask("PATCH", f"{OLDER}/{before['id']}", json={"status": "resolved", **vendor})
    assert answer.status_code == status
    if status == 400:
        assert "vendorInformation" in answer.json()["error"]["message"]
    many = await published.ask("POST", MANY, json={"value": [{"id": before["id"], "status": "resolved", **vendor}]})
    assert many.status_code == (200 if status == 204 else 400)


# --- sources that fail --------------------------------------------------------------------------------------------------

BAD = [{"what": "is this"}]


async def warning(graph: Graph, path: str = OLDER) -> tuple[int, str]:
    answer = await graph.ask("GET", path)
    return answer.status_code, answer.headers.get("warning", "")


async def test_a_source_that_fails_is_told_until_its_next_good_delivery(graph: Graph) -> None:
    before = await one(graph)
    assert await warning(graph) == (200, "")
    answer = await graph.ask("POST", "/ingest/graph", content=b"not json")
    assert answer.status_code == 400
    for path in (OLDER, f"{OLDER}/{before['id']}", f"{OLDER}/$count"):
        assert await warning(graph, path) == (206, '199 - "Microsoft/Microsoft Defender ATP/400/0"')
    assert (await graph.ask("GET", OLDER)).json()["value"] == [bare_context(before)]
    assert (await graph.ask("GET", LIST)).status_code == 200
    assert (await graph.ask("GET", f"{OLDER}/nowhere")).status_code == 404
    assert (await graph.ask("PATCH", f"{OLDER}/{before['id']}", json={"status": "resolved"})).status_code == 204
    await one(graph)
    assert await warning(graph) == (200, "")


def bare_context(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "@odata.context"}


async def test_several_stand_in_one_header(graph: Graph, clock: Clock) -> None:
    await one(graph)
    await graph.hand_in("suricata", {"event_type": "flow"})
    assert await warning(graph) == (200, "")  # lines of a kind that is never an alert are no failure
    await graph.hand_in("suricata", *BAD)
    assert await warning(graph) == (206, '199 - "suricata/suricata/422/0"')
    clock.forward(1)
    await graph.ask("POST", "/ingest/graph", content=b"[")
    assert await warning(graph) == (206, '199 - "Microsoft/Microsoft Defender ATP/400/0", 199 - "suricata/suricata/422/0"')


async def test_a_delivery_of_which_some_can_be_taken_is_no_failure(graph: Graph) -> None:
    await graph.hand_in("graph", *BAD, graph_alert(next(_numbers)))
    assert await warning(graph) == (200, "")


async def test_no_name_of_a_product_reaches_further_than_its_quotes(graph: Graph) -> None:
    await graph.hand_in("graph", graph_alert(id="x-1", serviceSource="unknown", productName='a"b, c/d\r\nX: é'))
    await graph.ask("POST", "/ingest/graph", content=b"not json")
    assert await warning(graph) == (206, '199 - "a_b_ c_d__X: _/a_b_ c_d__X: _/400/0"')


async def test_what_fails_is_remembered_after_a_restart(tmp_path: Path, clock: Clock, on: dict[str, str]) -> None:
    for _ in range(2):
        async with running(tmp_path / "data", clock, **on) as graph:
            if await warning(graph) == (200, ""):
                await graph.ask("POST", "/ingest/graph", content=b"not json")
            else:
                return
    raise AssertionError
