"""The OpenAPI document over HTTP, and whether the server is what it says: every call, every published operation."""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from openapi_schema_validator import OAS31Validator
from tests.databases import Apart

from secgraph.model import served
from secgraph.model.choices import NOT_OURS
from secgraph.model.edm import VERSIONS, Operation, load
from secgraph.odata.options import KNOWN
from secgraph.testing import ORIGIN, Clock, Graph, graph_alert, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPACE = "microsoft.graph.security"
MODEL = load()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(six: Graph) -> dict[str, Any]:
    """The document."""
    found: dict[str, Any] = (await six.http.get("/openapi.json")).json()
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shut(told: dict[str, Any]) -> dict[str, Any]:
    """The document with every object shut."""
    return closed(told)


# --- the document ---------------------------------------------------------------------------------------------------------


async def test_it_is_json_for_anybody(six: Graph) -> None:
    answer = await six.http.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == "application/json"
    assert answer.json()["openapi"] == "3.1.0"


@pytest.mark.parametrize(("method", "path", "status"), [
    ("HEAD", "/openapi.json", 200), ("GET", "/OpenAPI.json", 200), ("GET", "/openapi.json/", 200), ("POST", "/openapi.json", 405),
    ("DELETE", "/openapi.json", 405), ("OPTIONS", "/openapi.json", 204), ("GET", "/openapi.json/x", 404), ("GET", "/v1.0/openapi.json", 404),
])  # fmt: skip
async def test_how_it_is_asked_for(six: Graph, method: str, path: str, status: int) -> None:
    answer = await six.http.request(method, path)
    assert answer.status_code == status
    if status in {204, 405}:
        assert answer.headers["allow"] == ("GET, HEAD, OPTIONS" if status == 204 else "GET, HEAD")


@pytest.mark.parametrize(("headers", "flags", "origin"), [
    ({}, {}, ORIGIN),
    ({"host": "127.0.0.1:9"}, {}, "https://127.0.0.1:9"),
    ({"host": "inner"}, {"allowed_hosts": "inner", "public_url": "https://graph.example.org"}, "https://graph.example.org"),
    ({"x-forwarded-host": "outer.example", "x-forwarded-prefix": "/graph"}, {"trusted_proxies": "127.0.0.1"}, "https://outer.example/graph"),
])  # fmt: skip
async def test_it_names_the_origin_that_the_client_used(
    front: Callable[..., Graph], headers: dict[str, str], flags: dict[str, str], origin: str
) -> None:
    graph = front(**flags)
    body = (await graph.http.get("/openapi.json", headers=headers)).json()
    assert body["servers"] == [{"url": origin}]
    assert body["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["tokenUrl"].startswith(f"{origin}/")


async def test_a_stranger_s_host_is_refused(six: Graph) -> None:
    assert (await six.http.get("/openapi.json", headers={"host": "evil.example"})).status_code == 400


# --- what is served and what is not -----------------------------------------------------------------------------------------


def place(path: str) -> str:
    """A path with something in place of its keys; none of them exists."""
    return re.sub(r"\{[^}]*\}", "x", path)


def published() -> Iterator[Any]:
    for one in MODEL.operations.values():
        for version, path in itertools.product(VERSIONS, (one.path, *one.aliases)):
            yield pytest.param(one, version, path, id=f"{version} {one.method} {path}")


@pytest.mark.parametrize(("one", "version", "path"), list(published()))
async def test_a_published_operation_is_answered_as_its_state_says(six: Graph, one: Operation, version: str, path: str) -> None:
    """Served ones find nothing at most; later ones say 501; what another version publishes says where it is."""
    answer = await six.ask(one.method, f"/{version}{place(path)}", json=None if one.method == "GET" else {"a": 1})
    if version not in one.versions:
        assert answer.status_code == 404
        assert answer.json()["error"]["message"].endswith(f"is not part of {version}. Ask /{one.versions[0]}.")
        return
    state, _ = served.state(one, MODEL)
    if state != "served":
        assert answer.status_code == 501, answer.text
        assert answer.json()["error"]["message"].startswith(f"{one.method} {one.path} is published but not served")
        return
    assert answer.status_code in {200, 400} or (answer.status_code == 404 and "{" in path), answer.text
    if answer.status_code == 404:
        assert re.match(r"There is no \w+ 'x' in this tenant", answer.json()["error"]["message"])


@pytest.mark.parametrize("path", NOT_OURS)
async def test_what_is_not_ours_is_not_there(six: Graph, path: str) -> None:
    assert (await six.ask("GET", f"/beta{place(path)}")).status_code == 404


def anywhere() -> Iterator[Any]:
    """Every method at every place that a set could have."""
    calls = {(call.method, f"/{version}{place(call.path)}") for call in served.calls(MODEL) for version in call.versions}
    for one, version, method in itertools.product(MODEL.sets.values(), VERSIONS, ("GET", "POST", "PATCH", "PUT", "DELETE")):
        for below in ("", "/$count", "/delta()", "/x", "/x/comments", "/x/records", "/x/assessment", "/x/correlations", "/x/keepApart", "/x/alerts", "/x/alerts/$count", "/x/x", "/$value"):
            path = f"/{version}/{one.path}{below}"
            # `x` at the place of a key is any word there, `$value` among them.
            known = (method, path) in calls or (below == "/$value" and (method, f"/{version}/{one.path}/x") in calls)
            yield pytest.param(method, path, known, id=f"{method} {path}")


@pytest.mark.parametrize(("method", "path", "known"), list(anywhere()))
async def test_nothing_else_is_served(six: Graph, method: str, path: str, known: bool) -> None:
    answer = await six.ask(method, path, json=None if method == "GET" else {})
    said = answer.json()["error"]["message"] if answer.status_code >= 400 else ""
    if known:
        assert answer.status_code in {200, 400} or re.match(r"There is no \w+ '(x|\$value)' in this tenant", said), answer.text
    else:
        assert answer.status_code == 405 or said.startswith("There is no resource"), answer.text


@pytest.mark.parametrize("call", [call for call in served.calls(MODEL) if call.permissions], ids=lambda call: call.id)
async def test_a_call_is_opened_by_each_of_its_permissions_and_by_no_other(graph: Graph, call: served.Call) -> None:
    path = f"/{call.versions[-1]}{place(call.path)}" if call.versions else "/ingest/graph"
    body: Any = None if call.method == "GET" else {}
    for name in MODEL.served_permissions():
        await graph.sign_in(*await graph.application_with(name, name=name))
        answer = await graph.ask(call.method, path, json=body)
        assert (answer.status_code == 403) == (name not in (call.permissions or ())), name
        if answer.status_code == 403 and call.versions:
            assert f"{call.method} {call.path} needs one of these application permissions" in answer.json()["error"]["message"]


@pytest.mark.parametrize("call", [call for call in served.calls(MODEL) if call.permissions != () and call.versions], ids=lambda call: call.id)
async def test_what_needs_a_permission_needs_a_token(six: Graph, call: served.Call) -> None:
    answer = await six.http.request(call.method, f"/{call.versions[-1]}{place(call.path)}", json=None if call.method == "GET" else {})
    assert (answer.status_code == 401) == (call.permissions is not None)


VALUES = {"$filter": "id ne 'x'", "$search": "word", "$orderby": "id", "$select": "id", "$expand": "alerts", "$top": "1", "$skip": "1",
          "$count": "true", "$format": "json", "$skiptoken": "x", "$deltatoken": "latest", "$compute": "1 as a", "$index": "1", "$id": "x",
          "$schemaversion": "1"}  # fmt: skip


def asked() -> Iterator[Any]:
    for call in served.calls(MODEL):
        # A count has no page, so what only shapes one means nothing there and does no harm.
        if call.method == "GET" and (call.set is not None or call.id.startswith("entit")) and call.what not in {"count", "members_count", "entity_alerts_count"}:
            for name in KNOWN:
                yield pytest.param(call, name, id=f"{call.id} {name}")


@pytest.mark.parametrize(("call", "name"), list(asked()))
async def test_an_option_is_taken_where_it_is_told_and_refused_elsewhere(six: Graph, call: served.Call, name: str) -> None:
    found = await keys(six)
    answer = await six.ask("GET", f"/v1.0{filled(call.path, found)}", params={name: VALUES[name]})
    if name in call.options:
        # A token that nobody signed is understood and not believed.
        assert answer.status_code == (400 if name == "$skiptoken" else 200), answer.text
        assert answer.status_code == 200 or "the link was changed" in answer.text
    else:
        assert answer.status_code == 400, answer.text
        assert name in answer.json()["error"]["message"]


# --- what is answered -------------------------------------------------------------------------------------------------------


async def keys(graph: Graph) -> dict[str, str]:
    """An id for each place of a path."""
    alert = (await graph.get("security/alerts_v2", top="1"))["value"][0]
    thing = (await graph.get("security/entities", top="1"))["value"][0]
    return {"alert-id": alert["id"], "incident-id": alert["incidentId"], "entity-id": thing["id"], "asset-id": "ws1", "tenant": graph.tenant.id, "source": "graph",
            **dict.fromkeys(("riskdetection-id", "riskyuser-id", "identityaccounts-id", "healthissue-id", "sensor-id", "securescore-id", "controlprofile-id"), "x1")}


def filled(path: str, found: dict[str, str]) -> str:
    return re.sub(r"\{([^}]*)\}", lambda match: found[match[1]], path)


def closed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with every object shut: a member that is not told fits nothing, but for control information."""
    found = copy.deepcopy(document)

    def shut_one(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("properties"), dict):
                value.setdefault("additionalProperties", False)
            for item in value.values():
                shut_one(item)
        elif isinstance(value, list):
            for item in value:
                shut_one(item)

    shut_one(found)
    found["components"]["schemas"][f"{SPACE}.mergeResponse"]["properties"]["@odata.context"] = {"type": "string", "format": "uri"}
    return found


def conforms(document: dict[str, Any], answer: httpx.Response) -> list[str]:
    """What about an answer is not as the document says."""
    raw = answer.request.url.raw_path.decode().partition("?")[0]
    path = next(
        (path for path in sorted(document["paths"], key=lambda path: path.count("{")) if re.fullmatch(pattern(path), raw)), None
    )
    assert path is not None, raw
    said = document["paths"][path][answer.request.method.lower()]["responses"].get(str(answer.status_code))
    if said is None:
        return [f"{answer.request.method} {path} does not tell {answer.status_code}"]
    if "$ref" in said:
        said = document["components"]["responses"][said["$ref"].rpartition("/")[2]]
    missing = [f"{answer.request.method} {path}: no header {name}" for name in ("request-id", "client-request-id") if name not in answer.headers]
    unsaid = [
        f"{answer.request.method} {path} {answer.status_code} does not tell {name}"
        for name in ("etag", "location", "warning", "preference-applied", "www-authenticate", "retry-after", "allow")
        if name in answer.headers and name not in {name.lower() for name in said["headers"]}
    ]
    if "content" not in said:
        return [*missing, *unsaid, *(["a body"] if answer.content else [])]
    kind = answer.headers["content-type"].partition(";")[0]
    if kind not in said["content"]:
        return [f"{path} does not tell {kind}"]
    if kind != "application/json":
        return [*missing, *unsaid]
    schema = {**said["content"][kind]["schema"], "components": document["components"]}
    errors = OAS31Validator(schema, format_checker=OAS31Validator.FORMAT_CHECKER).iter_errors(answer.json())
    return [*missing, *unsaid, *(f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in errors)]


def pattern(path: str) -> str:
    return "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]*\})", path))


ALERTS, INCIDENTS, OLDER, ASSETS = (f"/v1.0/security/{name}" for name in ("alerts_v2", "incidents", "alerts", "assets"))
THINGS = "/v1.0/security/entities"
REPRESENTATION, MINIMAL, UNKNOWN = ({"prefer": word} for word in ("return=representation", "return=minimal", "include-unknown-enum-members"))

READS = [
    "/v1.0", "/beta", "/v1.0/$metadata", "/v1.0/security", "/healthz", "/readyz", "/openapi.json", "/{tenant}/v2.0/.well-known/openid-configuration",
    "/{tenant}/discovery/v2.0/keys", "/{tenant}/.well-known/openid-configuration", "/{tenant}/discovery/keys", "/nobody/discovery/keys",
    *(f"{ALERTS}{more}" for more in ("", "?$count=true&$top=2", "?$top=0", "?$select=title,evidence", "?$filter=severity eq 'high'", "?$filter=x", "?$top=9999999",
      "?$search=ransom", "/$count", "/delta()", "/delta()?$top=2", "/delta()?$deltatoken=latest", "/delta()?$deltatoken=x", "/{alert-id}", "/{alert-id}?$select=title",
      "/x", "/{alert-id}/comments", "/{alert-id}/records", "/{alert-id}/records?$top=1")),
    *(f"{INCIDENTS}{more}" for more in ("", "?$expand=alerts", "?$expand=alerts($count=true;$top=1)", "?$expand=alerts/$count", "?$top=1", "/$count", "/delta()", "/{incident-id}",
      "/{incident-id}?$expand=alerts", "/{incident-id}/alerts", "/{incident-id}/alerts?$count=true", "/{incident-id}/alerts/$count", "/{incident-id}/comments", "/x/alerts",
      "/{incident-id}/assessment", "/x/assessment", "/{incident-id}/assessment?$top=1",
      "/{incident-id}/correlations", "/{incident-id}/correlations?$top=9999", "/{incident-id}/correlations?$count=true", "/x/correlations")),
    *(f"{THINGS}{more}" for more in ("", "?$top=1", "?$top=9999", "?$filter=type eq 'user'", "?$filter=x", "/{entity-id}", "/x", "/{entity-id}/alerts",
      "/{entity-id}/alerts?$count=true&$top=1", "/{entity-id}/alerts/$count", "/x/alerts")),
    *(f"{OLDER}{more}" for more in ("", "?$top=1&$count=true", "?$filter=status eq 'newAlert'", "/$count", "/delta()", "/{alert-id}", "/{alert-id}?$select=title", "/x")),
    *(f"{ASSETS}{more}" for more in ("", "?$top=1&$count=true", "?$filter=criticality ge 'high'", "?$search=ws1", "/$count", "/delta()", "/{asset-id}",
      "/{asset-id}?$select=aliases", "/x")),
    "/v1.0/identityProtection", "/v1.0/security/identities",
    *(f"/v1.0/{one.path}{more}" for one in MODEL.sets.values() if one.choices.sourced for more in ("", "?$top=1&$count=true&$select=id", "/$count", "/x1", "/x")),
]  # fmt: skip


@pytest.mark.parametrize("headers", [{}, UNKNOWN], ids=["", "unknown"])
@pytest.mark.parametrize("path", READS)
async def test_a_read_is_answered_as_the_document_says(six: Graph, shut: dict[str, Any], path: str, headers: dict[str, str]) -> None:
    answer = await six.ask("GET", f"{ORIGIN}{filled(path, await keys(six))}", headers=headers)
    assert conforms(shut, answer) == []


@pytest.mark.parametrize("path", [ALERTS, f"{ALERTS}/x/comments", "/v1.0/security"])
async def test_a_refused_caller_is_answered_as_the_document_says(six: Graph, shut: dict[str, Any], path: str) -> None:
    assert conforms(shut, await six.http.get(path)) == []
    narrow = await six.application_with("SecurityRecord.Read.All", name=path)
    token = await six.http.post(f"/{six.tenant.id}/oauth2/v2.0/token", data={
        "grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default", "client_id": narrow[0].id, "client_secret": narrow[1],
    })  # fmt: skip
    assert conforms(shut, token) == []
    answer = await six.http.get(path, headers={"authorization": f"Bearer {token.json()['access_token']}"})
    assert conforms(shut, answer) == []


@pytest.mark.parametrize("path", ["/v1.0", ALERTS, "/healthz", "/openapi.json", "/{tenant}/discovery/keys", "/{tenant}/.well-known/openid-configuration"])
async def test_a_stranger_s_host_is_answered_as_the_document_says(six: Graph, shut: dict[str, Any], path: str) -> None:
    answer = await six.ask("GET", f"{ORIGIN}{filled(path, await keys(six))}", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert conforms(shut, answer) == []


async def test_a_link_that_is_over_is_answered_as_the_document_says(tmp_path: Path, apart: Apart, shut: dict[str, Any]) -> None:
    async with running(tmp_path / "data", Clock(), **apart()) as graph:
        link = (await graph.get("security/alerts_v2/delta()"))["@odata.deltaLink"]
        graph.clock.forward(31 * 86_400)
        await graph.sign_in()
        answer = await graph.ask("GET", link)
    assert answer.status_code == 410
    assert conforms(shut, answer) == []


async def test_a_format_that_is_not_served_is_answered_as_the_document_says(six: Graph, shut: dict[str, Any]) -> None:
    answer = await six.ask("GET", f"{ORIGIN}{ALERTS}", headers={"accept": "text/csv"})
    assert answer.status_code == 406
    assert conforms(shut, answer) == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def written(desk: Graph, shut: dict[str, Any]) -> AsyncIterator[Callable[..., Any]]:
    """Asks the desk, and holds the answer against the document."""
    numbers = itertools.count(700)

    async def ask(method: str, path: str, status: int, body: Any = None, **headers: str) -> Any:
        if "{" in path:
            number = next(numbers)
            await desk.hand_in("graph", graph_alert(number, incidentId=str(number)))
            alert = await desk.get(f"security/alerts_v2/da{number:08d}-aaaa-bbbb-cccc-000000000000_1")
            asset = (await desk.ask("POST", ASSETS, json={"kind": "device", "displayName": f"asset {number}"})).json()
            path = filled(path, {"alert-id": alert["id"], "incident-id": alert["incidentId"], "asset-id": asset["id"]})
        # A URL with `$` in its path is sent as it is written.
        answer = await desk.ask(method, f"{ORIGIN}{path}", json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})
        assert answer.status_code == status, answer.text
        assert conforms(shut, answer) == []
        return answer.json() if answer.content else None

    yield ask


async def test_an_alias_that_another_has_is_answered_as_the_document_says(written: Callable[..., Any]) -> None:
    for status in (201, 409):
        await written("POST", ASSETS, status, {"aliases": [{"kind": "host", "value": "taken"}]})


@pytest.mark.parametrize(("method", "path", "status", "body", "headers"), [
    ("PATCH", f"{ALERTS}/{{alert-id}}", 200, {"status": "resolved"}, {}),
    ("PATCH", f"{ALERTS}/{{alert-id}}", 200, {"status": "resolved"}, UNKNOWN),
    ("PATCH", f"{ALERTS}/{{alert-id}}", 204, {"status": "resolved"}, MINIMAL),
    ("PATCH", f"{ALERTS}/{{alert-id}}", 400, {"status": "lost"}, {}),
    ("PATCH", f"{ALERTS}/{{alert-id}}", 412, {"status": "new"}, {"if_match": 'W/"0"'}),
    ("PATCH", f"{ALERTS}/{{alert-id}}", 415, {"status": "new"}, {"content_type": "text/csv"}),
    ("PATCH", f"{ALERTS}/{{alert-id}}", 413, {"status": "x" * 1024 * 1024}, {}),
    ("PATCH", f"{ALERTS}/x", 404, {"status": "new"}, {}),
    ("POST", f"{ALERTS}/{{alert-id}}/comments", 200, {"comment": "x"}, {}),
    ("POST", f"{ALERTS}/{{alert-id}}/comments", 204, {"comment": "x"}, MINIMAL),
    ("PATCH", f"{INCIDENTS}/{{incident-id}}", 200, {"status": "resolved", "customTags": ["a"]}, REPRESENTATION),
    ("POST", f"{INCIDENTS}/{{incident-id}}/comments", 200, [{"comment": "x"}, {"comment": "y"}], {}),
    ("PATCH", f"{OLDER}/{{alert-id}}", 204, {"status": "resolved", "feedback": "truePositive"}, {}),
    ("PATCH", f"{OLDER}/{{alert-id}}", 200, {"status": "resolved", "tags": ["a"]}, REPRESENTATION),
    ("PATCH", f"{OLDER}/{{alert-id}}", 400, {"status": "dismissed"}, {}),
    ("POST", ASSETS, 201, {"aliases": [{"kind": "host", "value": "written1"}]}, {}),
    ("POST", ASSETS, 201, {"kind": "application"}, UNKNOWN),
    ("POST", ASSETS, 400, {"aliases": [{"kind": "host"}]}, {}),
    ("PATCH", f"{ASSETS}/{{asset-id}}", 200, {"tags": ["vip"]}, REPRESENTATION),
    ("PATCH", f"{ASSETS}/{{asset-id}}", 412, {"tags": ["vip"]}, {"if_match": 'W/"0"'}),
    ("PATCH", f"{ASSETS}/x", 404, {"tags": ["vip"]}, {}),
    ("DELETE", f"{ASSETS}/{{asset-id}}", 412, None, {"if_match": 'W/"0"'}),
    ("DELETE", f"{ASSETS}/{{asset-id}}", 204, None, {}),
    ("DELETE", f"{ASSETS}/x", 404, None, {}),
    ("POST", "/v1.0/$batch", 200, {"requests": [
        {"id": "1", "method": "GET", "url": "/security/incidents?$top=1"}, {"id": "2", "method": "GET", "url": "/x", "dependsOn": ["1"]},
        {"id": "3", "method": "GET", "url": "/security/alerts_v2/$count"},
    ]}, {}),
    ("POST", "/v1.0/$batch", 400, {"requests": []}, {}),
    ("POST", "/ingest/graph", 200, [graph_alert(600), {}, 1], {}),
    ("POST", "/ingest/nobody", 404, [], {}),
    ("POST", "/ingest/graph", 400, "x", {}),
    ("POST", f"{INCIDENTS}/mergeIncidents", 404, {"incidentIds": ["998", "999"]}, {}),
    ("POST", f"{INCIDENTS}/mergeIncidents", 400, {"incidentIds": ["998"]}, {}),
    ("POST", f"{ALERTS}/moveAlerts", 404, {"alertIds": ["x"]}, {}),
    ("POST", "/beta/security/alerts_v2/createAlert", 201, {"createAlertInput": {
        "title": "t", "severity": "low", "description": "d", "category": "c",
        "entityDefinitions": [{"entityType": "ip", "entityIdentifier": "address", "identifierValue": "10.0.0.1", "role": "related"}],
    }}, {}),
    ("POST", "/beta/security/alerts/updateAlerts", 400, {"value": []}, {}),
])  # fmt: skip
async def test_a_write_is_answered_as_the_document_says(
    written: Callable[..., Any], method: str, path: str, status: int, body: Any, headers: dict[str, str]
) -> None:
    await written(method, path, status, body, **headers)


async def test_actions_are_answered_as_the_document_says(desk: Graph, written: Callable[..., Any]) -> None:
    numbers = [801, 802, 803]
    await desk.hand_in("graph", *(graph_alert(number, incidentId=str(number)) for number in numbers))
    alerts = [await desk.get(f"security/alerts_v2/da{number:08d}-aaaa-bbbb-cccc-000000000000_1") for number in numbers]
    incidents = [alert["incidentId"] for alert in alerts]
    for path in (f"{INCIDENTS}/mergeIncidents", f"{INCIDENTS}/microsoft.graph.security.mergeIncidents"):
        await written("POST", path, 200, {"incidentIds": incidents[:2], "mergeReasons": "sameActor, sameCampaign"})
    await written("POST", f"{ALERTS}/microsoft.graph.security.moveAlerts", 200, {"alertIds": [alerts[2]["id"]], "incidentId": incidents[0]})
    body = await written("POST", "/beta/security/alerts/updateAlerts", 206, {"value": [{"id": alerts[0]["id"], "status": "resolved"}, {"id": "x"}]})
    assert [item["id"] for item in body["value"]] == [alerts[0]["id"], "x"]
    await written("POST", "/beta/security/alerts/updateAlerts", 200, {"value": [{"id": alerts[1]["id"], "status": "resolved"}]})
    merged = max(incidents[:2], key=int)
    assert "merged" in (await written("PATCH", f"{INCIDENTS}/{merged}", 409, {"status": "resolved"}))["error"]["message"]


@pytest.mark.parametrize(("path", "form", "status"), [
    ("oauth2/v2.0/token", {}, 400), ("oauth2/v2.0/token", {"grant_type": "password"}, 400), ("oauth2/token", {"client_id": "x"}, 400),
    ("oauth2/v2.0/token", {"client_secret": "wrong"}, 401), ("oauth2/v2.0/token", {"scope": "https://graph.microsoft.com/.default"}, 200),
    ("oauth2/token", {"resource": "https://graph.microsoft.com"}, 200), ("oauth2/v2.0/token", {"client_id": "x" * 70_000}, 413),
])  # fmt: skip
async def test_a_token_request_is_answered_as_the_document_says(
    six: Graph, shut: dict[str, Any], path: str, form: dict[str, str], status: int
) -> None:
    given = {"grant_type": "client_credentials", "client_id": six.application.id, "client_secret": six.secret, "scope": "https://graph.microsoft.com/.default"}
    answer = await six.http.post(f"/{six.tenant.id}/{path}", data={**given, **form} if form else {})
    assert answer.status_code == status, answer.text
    assert conforms(shut, answer) == []


async def test_the_check_itself_finds_what_is_not_told(six: Graph, told: dict[str, Any]) -> None:
    answer = await six.ask("GET", f"{ALERTS}?$top=1")
    document = closed(told)
    del document["components"]["schemas"][f"{SPACE}.alert"]["properties"]["title"]
    assert any("title" in said for said in conforms(document, answer))
    document["components"]["schemas"][f"{SPACE}.alert"]["properties"]["title"] = {"type": "integer"}
    assert any(said.startswith("value/0/title") for said in conforms(document, answer))
    assert json.dumps(told) == json.dumps((await six.http.get("/openapi.json")).json())
