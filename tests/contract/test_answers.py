"""How answers are said: contexts, levels of control information, preferences, HEAD, OPTIONS, and the links of pages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from secgraph.testing import ORIGIN, Graph, graph_alert

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = "security/alerts_v2"
INCIDENTS = "security/incidents"
MINIMAL = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
SECURITY = "#microsoft.graph.security"
STAY = ("@odata.nextLink", "@odata.count", "@odata.deltaLink")


async def at(graph: Graph, level: str, path: str) -> Any:
    """A path's JSON at a level."""
    answer = await graph.ask("GET", path, headers={"accept": f"application/json;odata.metadata={level}"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == MINIMAL.replace("minimal", level)
    return answer.json()


def names(value: Any) -> set[str]:
    """Every member name in a body, at any depth."""
    if isinstance(value, list):
        return set().union(*map(names, value))
    return {*value, *set().union(*map(names, value.values()))} if isinstance(value, dict) else set()


def bare(value: Any) -> Any:
    """A body without what stands around its members."""
    if isinstance(value, list):
        return [bare(item) for item in value]
    return {name: bare(item) for name, item in value.items() if "@odata." not in name} if isinstance(value, dict) else value


# --- contexts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1.0", "beta"])
async def test_the_context_of_what_an_action_gives_names_its_type(graph: Graph, version: str) -> None:
    await graph.hand_in("graph", *(graph_alert(number, incidentId=str(number)) for number in range(2)))
    answer = await graph.ask("POST", f"/{version}/{INCIDENTS}/mergeIncidents", json={"incidentIds": ["1", "2"]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["@odata.context"] == f"{ORIGIN}/{version}/$metadata#microsoft.graph.security.mergeResponse"


# --- levels -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("accept", "level"), [
    ("application/json", "minimal"),
    ("*/*", "minimal"),
    ("", "minimal"),
    ("text/html, */*;q=0.1", "minimal"),
    ("application/*", "minimal"),
    ("application/json;odata=verbose", "minimal"),
    ("application/json;odata.metadata=minimal", "minimal"),
    ("application/json;odata.metadata=none", "none"),
    ("application/json;odata.metadata=full", "full"),
    ("application/json;metadata=none", "none"),
    ("Application/JSON; OData.Metadata=Full; charset=utf-8", "full"),
    ('application/json;odata.metadata="none"', "none"),
    ("application/json;odata.metadata=full;odata.streaming=true;IEEE754Compatible=false", "full"),
    ("application/json;odata.metadata=full;q=0.5, application/json;odata.metadata=none;q=0.9", "none"),
    ("application/json;odata.metadata=full, application/json", "full"),
    ("*/*, application/json;odata.metadata=none;q=0.2", "none"),
    ("application/json;odata.metadata=much, application/json;q=0.1", "minimal"),
])  # fmt: skip
async def test_accept_names_the_level(six: Graph, accept: str, level: str) -> None:
    answer = await six.ask("GET", LIST, headers={"accept": accept})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == MINIMAL.replace("minimal", level)
    assert ("@odata.context" in answer.json()) == (level != "none")
    assert ("@odata.editLink" in names(answer.json())) == (level == "full")


@pytest.mark.parametrize("accept", [
    "text/html", "application/xml", "application/json;q=0", "application/json;q=0, */*", "application/json;odata.metadata=much",
])  # fmt: skip
async def test_a_format_that_is_not_served_is_refused(six: Graph, accept: str) -> None:
    answer = await six.ask("GET", LIST, headers={"accept": accept})
    assert answer.status_code == 406
    assert "none, minimal or full" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("query", "accept", "level"), [
    ("$format=json", "application/json;odata.metadata=full", "minimal"),
    ("$format=application/json;odata.metadata=none", "application/json", "none"),
    ("%24format=application%2Fjson%3Bodata.metadata%3Dfull", "*/*", "full"),
    ("Format=JSON;metadata=none", "text/html", "none"),
    ("$filter=contains(title,'format')", "application/json", "minimal"),
])  # fmt: skip
async def test_format_counts_more_than_accept(six: Graph, query: str, accept: str, level: str) -> None:
    answer = await six.ask("GET", f"{LIST}?{query}", headers={"accept": accept})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == MINIMAL.replace("minimal", level)


@pytest.mark.parametrize("query", ["$format=xml", "$format=application/json;odata.metadata=much"])
async def test_a_format_that_does_not_exist_is_refused(six: Graph, query: str) -> None:
    answer = await six.ask("GET", f"{LIST}?{query}")
    assert answer.status_code == 400
    assert "$format" in answer.json()["error"]["message"]


PATHS = [
    LIST,
    f"{LIST}?$top=2&$count=true",
    f"{LIST}?$select=title,evidence",
    f"{LIST}/{{alert}}",
    f"{LIST}/{{alert}}?$select=title",
    f"{LIST}/{{alert}}/comments",
    INCIDENTS,
    f"{INCIDENTS}?$expand=alerts",
    f"{INCIDENTS}?$expand=alerts($top=1;$select=title;$count=true)&$select=displayName&$top=1",
    f"{INCIDENTS}/{{incident}}?$expand=alerts",
    f"{INCIDENTS}/{{incident}}/alerts",
    f"{LIST}/delta()",
    f"{LIST}/delta()?$top=2&$select=severity",
    "security/alerts?$top=3",
    "security",
    "/v1.0",
]


async def keys(graph: Graph) -> dict[str, str]:
    [alert] = (await graph.get(LIST, filter="title eq 'a1'"))["value"]
    return {"alert": alert["id"], "incident": alert["incidentId"]}


@pytest.mark.parametrize("path", PATHS)
async def test_the_members_are_the_same_at_every_level(six: Graph, path: str) -> None:
    url = path.format(**await keys(six))
    plain = bare(await six.get(url))
    assert bare(await at(six, "none", url)) == plain
    assert bare(await at(six, "full", url)) == plain


@pytest.mark.parametrize("path", PATHS)
async def test_at_none_only_what_a_reader_needs_to_go_on_is_left(six: Graph, path: str) -> None:
    url = path.format(**await keys(six))
    plain, none = names(await six.get(url)), names(await at(six, "none", url))
    control = {name for name in none if "@" in name}
    assert control == {name for name in plain if name.endswith(STAY)}


async def test_at_full_everything_says_what_it_is(six: Graph) -> None:
    found = await keys(six)
    alert = await at(six, "full", f"{LIST}/{found['alert']}")
    place = f"{ORIGIN}/v1.0/{LIST}('{found['alert']}')"
    assert {name: value for name, value in alert.items() if name.startswith("@")} == {
        "@odata.context": f"{ORIGIN}/v1.0/$metadata#{LIST}/$entity",
        "@odata.type": f"{SECURITY}.alert",
        "@odata.id": place,
        "@odata.editLink": place,
        "@odata.etag": alert["@odata.etag"],
    }
    told = {name.removesuffix("@odata.type"): value for name, value in alert.items() if name.endswith("@odata.type")}
    assert {name: told[name] for name in ("createdDateTime", "severity", "mitreTechniques", "evidence", "comments")} == {
        "createdDateTime": "#DateTimeOffset",
        "severity": f"{SECURITY}.alertSeverity",
        "mitreTechniques": "#Collection(String)",
        "evidence": f"#Collection({SECURITY[1:]}.alertEvidence)",
        "comments": f"#Collection({SECURITY[1:]}.alertComment)",
    }
    assert {"title", "description", "resolvedDateTime", "id"}.isdisjoint(told)  # texts, and a null
    [device, user] = alert["evidence"]
    assert device["@odata.type"] == f"{SECURITY}.deviceEvidence"
    assert device["rbacGroupId@odata.type"] == "#Int32"
    assert device["verdict@odata.type"] == f"{SECURITY}.evidenceVerdict"
    assert device["loggedOnUsers"][0]["@odata.type"] == f"{SECURITY}.loggedOnUser"
    assert user["userAccount"]["@odata.type"] == f"{SECURITY}.userAccount"
    assert (await six.ask("GET", place)).json()["id"] == found["alert"]


async def test_at_full_an_annotation_stands_before_its_member(six: Graph) -> None:
    for item in (await at(six, "full", LIST))["value"]:
        order = list(item)
        assert order[0] == "@odata.type"
        for name in order:
            owner, mark, _ = name.partition("@odata.")
            if mark and owner:
                assert order.index(owner) == order.index(name) + 1


async def test_at_full_an_object_has_its_address_without_its_id(six: Graph) -> None:
    found = await keys(six)
    place = f"{ORIGIN}/v1.0/{LIST}('{found['alert']}')"
    alone = await at(six, "full", f"{LIST}/{found['alert']}?$select=title")
    [listed] = (await at(six, "full", f"{LIST}?$select=title&$filter=title eq 'a1'"))["value"]
    assert alone["@odata.id"] == listed["@odata.id"] == listed["@odata.editLink"] == place
    assert set(listed) == {"@odata.type", "@odata.id", "@odata.etag", "@odata.editLink", "title"}


async def test_at_full_a_relationship_has_its_address(six: Graph) -> None:
    found = await keys(six)
    place = f"{ORIGIN}/v1.0/{INCIDENTS}('{found['incident']}')"
    plain = await at(six, "full", f"{INCIDENTS}/{found['incident']}")
    assert plain["alerts@odata.navigationLink"] == f"{place}/alerts"
    wide = await at(six, "full", f"{INCIDENTS}/{found['incident']}?$expand=alerts")
    assert {alert["@odata.type"] for alert in wide["alerts"]} == {f"{SECURITY}.alert"}
    assert found["alert"] in {alert["@odata.id"].split("'")[1] for alert in wide["alerts"]}
    assert (await six.ask("GET", plain["alerts@odata.navigationLink"])).status_code == 200


@pytest.mark.parametrize("level", ["none", "full"])
async def test_writes_are_told_at_a_level_too(desk: Graph, level: str) -> None:
    await desk.hand_in("graph", graph_alert(1, title="told"))
    [key] = await desk.ids(LIST, filter="title eq 'told'")
    headers = {"accept": f"application/json;odata.metadata={level}"}
    changed = await desk.ask("PATCH", f"{LIST}/{key}", json={"status": "resolved"}, headers=headers)
    said = await desk.ask("POST", f"{LIST}/{key}/comments", json={"comment": level}, headers=headers)
    assert changed.headers["content-type"] == said.headers["content-type"] == MINIMAL.replace("minimal", level)
    if level == "none":
        assert not any("@" in name for name in names(changed.json()) | names(said.json()))
    else:
        assert changed.json()["@odata.type"] == f"{SECURITY}.alert"
        assert said.json()["@odata.type"] == f"#Collection({SECURITY[1:]}.alertComment)"
        assert said.json()["value"][-1]["@odata.type"] == f"{SECURITY}.alertComment"
        assert said.json()["value"][-1]["createdDateTime@odata.type"] == "#DateTimeOffset"


async def test_what_came_at_full_can_be_sent_back(desk: Graph) -> None:
    await desk.hand_in("graph", graph_alert(2, title="sent back"))
    [key] = await desk.ids(LIST, filter="title eq 'sent back'")
    full = await at(desk, "full", f"{LIST}/{key}")
    answer = await desk.ask("PATCH", f"{LIST}/{key}", json={**full, "assignedTo": "ana"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["assignedTo"] == "ana"


async def test_each_request_of_a_batch_has_its_own_level(six: Graph) -> None:
    asked = [{"id": level, "method": "GET", "url": f"/{LIST}?$top=1",
              "headers": {"accept": f"application/json;odata.metadata={level}"}} for level in ("none", "minimal", "full")]  # fmt: skip
    answer = await six.ask("POST", "$batch", json={"requests": asked})
    found = {item["id"]: item for item in answer.json()["responses"]}
    for level, item in found.items():
        assert f"odata.metadata={level};" in item["headers"]["Content-Type"]
        assert ("@odata.context" in item["body"]) == (level != "none")
        assert ("@odata.type" in item["body"]["value"][0]) == (level == "full")


async def test_the_level_goes_on_from_page_to_page(six: Graph) -> None:
    first = await six.get(f"{LIST}?$top=4&$format=application/json;odata.metadata=none")
    assert "@odata.context" not in first
    second = await six.get(first["@odata.nextLink"])
    assert set(second) == {"value"}
    assert len(second["value"]) == 2


# --- preferences --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("prefer", "query", "rows", "applied"), [
    ("odata.maxpagesize=7", "", 7, "odata.maxpagesize=7"),
    ("maxpagesize=7", "", 7, "maxpagesize=7"),
    ("respond-async, maxpagesize = 7; x", "", 7, "maxpagesize=7"),
    ('odata.maxpagesize="7"', "", 7, "odata.maxpagesize=7"),
    ("odata.maxpagesize=7", "?$top=3", 3, "odata.maxpagesize=7"),
    ("odata.maxpagesize=3", "?$top=7", 3, "odata.maxpagesize=3"),
    ("odata.maxpagesize=99999", "", 60, "odata.maxpagesize=1000"),
    ("odata.maxpagesize=7, include-unknown-enum-members", "", 7, "include-unknown-enum-members, odata.maxpagesize=7"),
    ("include-unknown-enum-members", "", 60, "include-unknown-enum-members"),
    ("odata.maxpagesize=0", "", 60, None),
    ("odata.maxpagesize=-1", "", 60, None),
    ("odata.maxpagesize=many", "", 60, None),
    ("respond-async, wait=10, odata.track-changes", "", 60, None),
    ("include-unknown-enum-members=false", "", 60, None),
    ("nonsense;;;=", "", 60, None),
])  # fmt: skip
async def test_a_preference_is_followed_and_said(
    many: Graph, prefer: str, query: str, rows: int, applied: str | None
) -> None:
    answer = await many.ask("GET", f"{LIST}{query}", headers={"prefer": prefer})
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["value"]) == rows
    assert answer.headers.get("preference-applied") == applied


async def test_preferences_come_in_several_headers_too(many: Graph) -> None:
    headers = [*many.headers.items(), ("Prefer", "include-unknown-enum-members"), ("Prefer", "odata.maxpagesize=5")]
    answer = await many.http.get(f"/v1.0/{LIST}", headers=headers)
    assert answer.headers["preference-applied"] == "include-unknown-enum-members, odata.maxpagesize=5"
    assert len(answer.json()["value"]) == 5


async def test_a_preferred_page_size_goes_on_without_the_header(many: Graph) -> None:
    first = await many.ask("GET", f"{LIST}?$orderby=title", headers={"prefer": "odata.maxpagesize=25"})
    seen, sizes = [item["id"] for item in first.json()["value"]], []
    link = first.json()["@odata.nextLink"]
    while link:
        body = await many.get(link)
        sizes.append(len(body["value"]))
        seen += [item["id"] for item in body["value"]]
        link = body.get("@odata.nextLink")
    assert sizes == [25, 10]
    assert seen == await many.ids(LIST, orderby="title")


@pytest.mark.parametrize(("prefer", "status", "applied"), [
    ("return=minimal", 204, "return=minimal"),
    ("return = Minimal", 204, "return=minimal"),
    ("respond-async,return=minimal", 204, "return=minimal"),
    ("return=representation", 200, "return=representation"),
    ("return=representation, return=minimal", 200, "return=representation"),
    ("return=representation, include-unknown-enum-members", 200, "include-unknown-enum-members, return=representation"),
    ("return=nothing", 200, None),
    ("respond-async", 200, None),
])  # fmt: skip
@pytest.mark.parametrize("what", ["alert", "incident", "comment"])
async def test_a_write_answers_as_much_as_is_preferred(
    desk: Graph, what: str, prefer: str, status: int, applied: str | None
) -> None:
    await desk.hand_in("graph", graph_alert(3, title="preferred"))
    [alert] = (await desk.get(LIST, filter="title eq 'preferred'"))["value"]
    path = f"{INCIDENTS}/{alert['incidentId']}" if what == "incident" else f"{LIST}/{alert['id']}"
    method, url, body = "PATCH", path, {"assignedTo": prefer}
    if what == "comment":
        method, url, body = "POST", f"{path}/comments", {"comment": prefer}
        applied = None if applied is None else applied.removeprefix("include-unknown-enum-members, ")
    answer = await desk.ask(method, url, json=body, headers={"prefer": prefer})
    assert answer.status_code == status, answer.text
    assert answer.headers.get("preference-applied") == applied
    after = await desk.ask("GET", path)
    assert prefer in {after.json()["assignedTo"], *(one["comment"] for one in after.json()["comments"])}
    if status == 204:
        assert answer.content == b""
        assert {"content-type", "content-length"}.isdisjoint(answer.headers)
        assert answer.headers["etag"] == after.headers["etag"]


# --- methods ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [
    f"/v1.0/{LIST}?$top=2&$count=true", f"/v1.0/{LIST}/{{alert}}", f"/v1.0/{INCIDENTS}?$expand=alerts",
    f"/v1.0/{LIST}/{{alert}}/comments", f"/v1.0/{LIST}/nobody", "/v1.0/nowhere", "/healthz", "/v1.0/$metadata", "/nowhere",
    f"/v1.0/{LIST}?$format=application/json;odata.metadata=full",
])  # fmt: skip
@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_head_has_the_headers_of_get_and_no_body(front: Callable[..., Graph], path: str, coding: str) -> None:
    graph = front("203.0.113.7")
    [alert] = await graph.ids(LIST, filter="title eq 'Made-up alert 7'")
    url, headers = path.format(alert=alert), {**graph.headers, "accept-encoding": coding}
    got, head = await graph.http.get(url, headers=headers), await graph.http.head(url, headers=headers)
    assert head.status_code == got.status_code
    assert head.content == b""
    changing = {"request-id", "client-request-id"}
    if got.status_code == 200:
        assert {*head.headers.items()} - {*got.headers.items()} == {(name, head.headers[name]) for name in changing}
    assert head.headers.keys() == got.headers.keys()


@pytest.mark.parametrize(("path", "allowed"), [
    (f"/v1.0/{LIST}", "GET, HEAD, OPTIONS"),
    (f"/v1.0/{LIST}/anything", "GET, HEAD, PATCH, OPTIONS"),
    (f"/beta/{INCIDENTS}('1')", "GET, HEAD, PATCH, OPTIONS"),
    (f"/v1.0/{LIST}/anything/comments", "GET, HEAD, POST, OPTIONS"),
    (f"/v1.0/{LIST}/$count", "GET, HEAD, OPTIONS"),
    (f"/v1.0/{INCIDENTS}/mergeIncidents", "POST, OPTIONS"),
    ("/v1.0/$batch", "POST, OPTIONS"),
    ("/v1.0/$metadata", "GET, HEAD, OPTIONS"),
    ("/v1.0", "GET, HEAD, OPTIONS"),
    ("/ingest/graph", "POST, OPTIONS"),
    ("/healthz", "GET, HEAD, OPTIONS"),
    ("/contoso/oauth2/v2.0/token", "POST, OPTIONS"),
    ("/contoso/discovery/v2.0/keys", "GET, HEAD, OPTIONS"),
    ("/", "GET, HEAD, POST, PATCH, DELETE, OPTIONS"),
])  # fmt: skip
async def test_options_says_what_is_possible_without_a_token(six: Graph, path: str, allowed: str) -> None:
    answer = await six.http.options(path)
    assert answer.status_code == 204
    assert answer.headers["allow"] == allowed
    assert answer.content == b""
    assert "content-length" not in answer.headers


@pytest.mark.parametrize(("path", "status"), [("/v1.0/nowhere", 404), ("/nowhere", 404), ("/v1.0/security/alerts_v2/a/b/c", 404)])
async def test_options_of_nothing_is_not_found(six: Graph, path: str, status: int) -> None:
    assert (await six.http.options(path)).status_code == status


# --- links --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [
    {"$filter": "not evidence/any(e:e/verdict eq 'malicious' or e/createdDateTime gt 2020-01-01T00:00:00Z)"},
    {"$filter": "not contains(title,'a/b#&+%?') and title ne 'ä ''b'"},
    {"$search": '"a/b" OR made'},
    {"$orderby": "assignedTo desc,title", "$select": "title,evidence/createdDateTime"},
    {"$filter": "@p eq 1", "@p": "1"},
    {"$format": "application/json;odata.metadata=minimal"},
])  # fmt: skip
async def test_a_link_keeps_every_option_and_holds_no_slash(many: Graph, options: dict[str, str]) -> None:
    options = {**options, "$count": "true", "$top": "2"}
    answer = await many.ask("GET", LIST, params=options)
    assert answer.status_code == 200, answer.text
    link = urlsplit(answer.json()["@odata.nextLink"])
    assert re.fullmatch(r"[!-~]+", link.query)
    assert "/" not in link.query
    assert {name: text for name, [text] in parse_qs(link.query).items() if name != "$skiptoken"} == options
    assert (await many.ask("GET", answer.json()["@odata.nextLink"])).status_code == 200


@pytest.mark.parametrize(("more", "size"), [
    ("&$top=10", 10), ("&top=10", 10), ("&%24top=10", 10), ("&$top=4&$top=10", 10), ("&$top=1000", 57), ("&$top=1", 1), ("", 3),
])  # fmt: skip
@pytest.mark.parametrize("start", ["$top=3", "$top=3&$filter=true&$orderby=title", "$filter=true"])
async def test_a_second_top_behind_a_link_wins(many: Graph, start: str, more: str, size: int) -> None:
    if "$top" not in start:
        first = await many.ask("GET", f"{LIST}?{start}", headers={"prefer": "odata.maxpagesize=3"})
        link = first.json()["@odata.nextLink"]
    else:
        link = (await many.get(f"{LIST}?{start}"))["@odata.nextLink"]
    order = {"orderby": "title"} if "$orderby" in start else {}
    whole = await many.ids(LIST, **order)
    second = await many.get(f"{link}{more}")
    assert [item["id"] for item in second["value"]] == whole[3 : 3 + size]
    if size < 57:
        third = await many.get(second["@odata.nextLink"])
        assert [item["id"] for item in third["value"]] == whole[3 + size : 3 + 2 * size]
        assert urlsplit(second["@odata.nextLink"]).query.count("top=") == 1


async def test_the_total_of_the_first_page_travels_in_the_link(graph: Graph) -> None:
    await graph.hand_in("graph", *(graph_alert(number) for number in range(9)))
    first = await graph.get(LIST, top="4", count="true")
    await graph.hand_in("graph", *(graph_alert(number) for number in range(9, 12)))
    second = await graph.get(first["@odata.nextLink"])
    assert [first["@odata.count"], second["@odata.count"]] == [9, 9]
    assert (await graph.get(LIST, count="true"))["@odata.count"] == 12


async def test_a_token_does_not_open_another_search(many: Graph) -> None:
    link = (await many.get(LIST, search="made", top="3"))["@odata.nextLink"]
    token = link.partition("$skiptoken=")[2]
    assert (await many.ask("GET", link)).status_code == 200
    for query in ("", "$search=alert&", "$search=made&$filter=true&"):
        answer = await many.ask("GET", f"{LIST}?{query}$skiptoken={token}")
        assert answer.status_code == 400, query
        assert "$skiptoken" in answer.json()["error"]["message"]


@pytest.mark.parametrize("size", [1, 7, 20, 60])
async def test_no_page_before_the_last_is_empty(many: Graph, size: int) -> None:
    body = await many.get(f"{LIST}?$filter=severity ne 'high'&$top={size}")
    while "@odata.nextLink" in body:
        assert body["value"], json.dumps(body)[:200]
        body = await many.get(body["@odata.nextLink"])
    assert body["value"]
