"""POST /$batch: shapes of the answer, every spelling of the inner URL, dependencies, and what is no batch."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from secgraph.testing import ORIGIN, Graph, graph_alert

LIST = "security/alerts_v2"


async def send(graph: Graph, *requests: dict[str, Any], status: int = 200, version: str = "v1.0") -> Any:
    answer = await graph.ask("POST", f"/{version}/$batch", json={"requests": list(requests)})
    assert answer.status_code == status, answer.text
    return answer.json()


async def by_id(graph: Graph, *requests: dict[str, Any]) -> dict[str, Any]:
    return {item["id"]: item for item in (await send(graph, *requests))["responses"]}


def get(name: str, url: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "method": "GET", "url": url, **more}


def patch(name: str, url: str, body: Any, **more: Any) -> dict[str, Any]:
    return {"id": name, "method": "PATCH", "url": url, "body": body, "headers": {"content-type": "application/json"}, **more}


@pytest.mark.parametrize("url", [
    f"/{LIST}?$top=1", f"{LIST}?$top=1", f"/v1.0/{LIST}?$top=1", f"v1.0/{LIST}?%24top=1", f"{ORIGIN}/v1.0/{LIST}?$top=1",
    f"{ORIGIN.upper()}/v1.0/{LIST}?$top=1", f" /{LIST}?$filter=severity eq 'medium'&$top=1",
])  # fmt: skip
async def test_an_inner_url_in_every_spelling(graph: Graph, url: str) -> None:
    await graph.hand_in("graph", graph_alert(1), graph_alert(2))
    [answer] = (await send(graph, get("a", url)))["responses"]
    assert answer["status"] == 200
    assert answer["headers"]["Content-Type"].startswith("application/json")
    assert [item["title"] for item in answer["body"]["value"]] == ["Made-up alert 2"]
    assert answer["body"]["@odata.nextLink"].startswith(f"{ORIGIN}/v1.0/{LIST}?")
    assert [item["title"] for item in (await graph.get(answer["body"]["@odata.nextLink"]))["value"]] == ["Made-up alert 1"]


async def test_the_outer_version_is_the_inner_one(graph: Graph) -> None:
    [answer] = (await send(graph, get("a", f"/{LIST}"), version="beta"))["responses"]
    assert answer["body"]["@odata.context"] == f"{ORIGIN}/beta/$metadata#{LIST}"


async def test_each_request_is_answered_by_itself(graph: Graph) -> None:
    await graph.hand_in("graph", graph_alert(1))
    [key] = await graph.ids(LIST)
    found = await by_id(
        graph,
        get("list", f"/{LIST}"), get("none", f"/{LIST}/nobody"), get("bad", f"/{LIST}?$filter=nonsense"), get("count", f"/{LIST}/$count"),
        patch("write", f"/{LIST}/{key}", {"status": "resolved"}), get("nowhere", "/nowhere"), get("other", "https://evil.example/v1.0/x"),
        get("nested", "/$batch"), get("ingest", f"{ORIGIN}/ingest/graph"),
    )  # fmt: skip
    assert {name: item["status"] for name, item in found.items()} == {
        "list": 200, "none": 404, "bad": 400, "count": 200, "write": 200, "nowhere": 404, "other": 400, "nested": 400, "ingest": 404,
    }  # fmt: skip
    assert found["none"]["body"]["error"]["code"] == "itemNotFound"
    assert found["write"]["body"]["status"] == "resolved"
    assert base64.urlsafe_b64decode(found["count"]["body"]) == b"1"
    assert (await graph.get(f"{LIST}/{key}"))["status"] == "resolved"


async def test_answers_come_in_the_order_of_the_requests(graph: Graph) -> None:
    names = [f"r{number}" for number in range(20)]
    body = await send(graph, *(get(name, f"/{LIST}") for name in names))
    assert [item["id"] for item in body["responses"]] == names


async def test_a_request_waits_for_those_it_depends_on(graph: Graph) -> None:
    await graph.hand_in("graph", graph_alert(1))
    [key] = await graph.ids(LIST)
    found = await by_id(
        graph,
        get("read", f"/{LIST}/{key}", dependsOn=["SECOND"]),
        patch("second", f"/{LIST}/{key}", {"assignedTo": "bo"}, dependsOn=["first"]),
        patch("first", f"/{LIST}/{key}", {"assignedTo": "al"}),
    )
    assert found["read"]["body"]["assignedTo"] == "bo"


async def test_what_depends_on_a_failure_gets_424_and_so_on_down(graph: Graph) -> None:
    await graph.hand_in("graph", graph_alert(1))
    [key] = await graph.ids(LIST)
    found = await by_id(
        graph,
        get("fails", f"/{LIST}/nobody"),
        patch("waits", f"/{LIST}/{key}", {"status": "resolved"}, dependsOn=["fails"]),
        get("further", f"/{LIST}", dependsOn=["waits"]),
        get("alone", f"/{LIST}"),
    )
    assert {name: item["status"] for name, item in found.items()} == {"fails": 404, "waits": 424, "further": 424, "alone": 200}
    assert found["waits"]["body"]["error"]["code"] == "failedDependency"
    assert (await graph.get(f"{LIST}/{key}"))["status"] == "new"


async def test_headers_of_a_request_count_and_the_token_is_the_callers(graph: Graph) -> None:
    await graph.hand_in("graph", graph_alert(1, serviceSource="microsoftSentinel"))
    [key] = await graph.ids(LIST)
    prefer = {"Prefer": "include-unknown-enum-members", "Authorization": "Bearer nonsense", "Content-Length": "99999999999"}
    found = await by_id(
        graph,
        get("full", f"/{LIST}/{key}", headers=prefer),
        patch("stale", f"/{LIST}/{key}", {"status": "resolved"}) | {"headers": {"Content-Type": "application/json", "If-Match": 'W/"999"'}},
    )
    assert found["full"]["body"]["serviceSource"] == "microsoftSentinel"
    assert found["full"]["headers"]["Etag"]
    assert found["stale"]["status"] == 412


async def test_the_form_of_the_sdk(graph: Graph) -> None:
    """Absolute URLs, GUIDs for ids, lower-case headers and a member `depends_on` that means nothing."""
    body = {"id": "8a3bb7f2-0d6a-4ad0-9b5a-0a33a0ad6f46", "method": "GET", "url": f"{ORIGIN}/v1.0/{LIST}", "depends_on": [],
            "headers": {"accept": "application/json"}}  # fmt: skip
    [answer] = (await send(graph, body))["responses"]
    assert answer["status"] == 200


async def test_each_request_needs_its_own_permission(graph: Graph) -> None:
    application, secret = await graph.application_with("SecurityAlert.Read.All")
    await graph.sign_in(application, secret)
    found = await by_id(graph, get("may", f"/{LIST}"), get("not", "/security/incidents"))
    assert (found["may"]["status"], found["not"]["status"]) == (200, 403)
    assert "SecurityIncident.Read.All" in found["not"]["body"]["error"]["message"]


@pytest.mark.parametrize(("body", "says"), [
    ({}, "requests: must be a list"), ([], "requests: must be a list"), ({"requests": []}, "requests: must be a list"),
    ({"requests": [get(str(number), "/x") for number in range(21)]}, "21 requests; 20 are taken"),
    ({"requests": [get("a", "/x"), get("A", "/x")]}, "'A' is there twice"), ({"requests": [5]}, "requests/0: must be an object"),
    ({"requests": [{"method": "GET", "url": "/x"}]}, "requests/0/id"), ({"requests": [get("", "/x")]}, "requests/0/id"),
    ({"requests": [{"id": "a", "method": "FLY", "url": "/x"}]}, "requests/0/method"), ({"requests": [get("a", " ")]}, "requests/0/url"),
    ({"requests": [get("a", "/x", dependsOn=["b"])]}, "there is no request 'b'"),
    ({"requests": [get("a", "/x", dependsOn=["a"])]}, "wait for each other: a"),
    ({"requests": [get("a", "/x", dependsOn=["b"]), get("b", "/x", dependsOn=["A"])]}, "wait for each other: a, b"),
    ({"requests": [get("a", "/x", dependsOn="b")]}, "must be a list of ids"), ({"requests": [get("a", "/x", dependsOn={})]}, "must be a list of ids"),
    ({"requests": [get("a", "/x", dependsOn="")]}, "must be a list of ids"), ({"requests": [get("a", "/x", headers="")]}, "headers: must"), ({"requests": [get("a", "/x", headers=[])]}, "headers: must"),
    ({"requests": [get("a", "/x", headers={"x": 1})]}, "headers: must"), ({"requests": [get("a", "/x", body={})]}, "Content-Type"),
    ({"requests": [get("a", "/x", headers={"Content-Type": "text/plain"}, body="!")]}, "base64url"),
    ({"requests": [get("a", "/x", headers={"Content-Type": "text/plain"}, body={})]}, "base64url"),
])  # fmt: skip
async def test_what_is_no_batch_is_refused_whole(graph: Graph, body: Any, says: str) -> None:
    answer = await graph.ask("POST", "/v1.0/$batch", json=body)
    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]


async def test_a_batch_needs_a_token_and_a_post(graph: Graph) -> None:
    assert (await graph.http.post("/v1.0/$batch", json={"requests": [get("a", "/x")]})).status_code == 401
    answer = await graph.ask("GET", "/v1.0/$batch")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert (await graph.ask("POST", "/v1.0/$batch", content=b"{")).status_code == 400
