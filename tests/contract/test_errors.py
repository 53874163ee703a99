"""Whatever goes wrong is told in the contract's envelope, on every path, with the ids that a person quotes."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from secgraph.testing import Clock, Graph, graph_alert, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LIST = "/v1.0/security/alerts_v2"
MINE = "11111111-2222-3333-4444-555555555555"


def told(answer: httpx.Response, status: int) -> Any:
    """The error of an answer whose envelope has the published shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    body = answer.json()
    assert set(body) == {"error"}
    error = body["error"]
    assert set(error) == {"code", "message", "innerError"}
    inner = error["innerError"]
    assert set(inner) == {"date", "request-id", "client-request-id"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", inner["date"])
    assert GUID.fullmatch(inner["request-id"])
    assert answer.headers["request-id"] == inner["request-id"]
    assert answer.headers["client-request-id"] == inner["client-request-id"]
    assert error["code"]
    assert error["message"]
    return error


@pytest.mark.parametrize(("method", "path", "status", "code"), [
    ("GET", f"{LIST}/nothing", 404, "itemNotFound"),
    ("GET", f"{LIST}('nothing')", 404, "itemNotFound"),
    ("GET", f"{LIST}/nothing/comments", 404, "itemNotFound"),
    ("GET", f"{LIST}/nothing/records", 404, "itemNotFound"),
    ("GET", f"{LIST}/{{alert}}/nothing", 404, "itemNotFound"),
    ("GET", f"{LIST}/{{alert}}/comments/1", 404, "itemNotFound"),
    ("GET", "/v1.0/security/incidents/999", 404, "itemNotFound"),
    ("GET", "/v1.0/security/incidents/999/alerts", 404, "itemNotFound"),
    ("GET", "/v1.0/security/incidents/999/alerts/$count", 404, "itemNotFound"),
    ("GET", "/v1.0/security/incidents/1/nothing", 404, "itemNotFound"),
    ("GET", "/v1.0/security/nothing", 404, "itemNotFound"),
    ("GET", "/v1.0/nothing", 404, "itemNotFound"),
    ("GET", "/v2.0/security/alerts_v2", 404, "itemNotFound"),
    ("GET", "/nothing", 404, "itemNotFound"),
    ("GET", "/nothing/at/all", 404, "itemNotFound"),
    ("GET", "/", 404, "itemNotFound"),
    ("GET", "/v1.0/security/%FF", 404, "itemNotFound"),
    ("GET", f"{LIST}/%00", 404, "itemNotFound"),
    ("GET", f"{LIST}/a%2Fb", 404, "itemNotFound"),
    ("GET", "/v1.0/../secgraph.db", 404, "itemNotFound"),
    ("POST", "/ingest/nothing", 404, "itemNotFound"),
    ("POST", "/ingest", 404, "itemNotFound"),
    ("POST", "/ingest/graph/more", 404, "itemNotFound"),
    ("POST", LIST, 405, "notAllowed"),
    ("DELETE", LIST, 405, "notAllowed"),
    ("PUT", f"{LIST}/{{alert}}", 405, "notAllowed"),
    ("DELETE", f"{LIST}/{{alert}}", 405, "notAllowed"),
    ("PATCH", LIST, 405, "notAllowed"),
    ("DELETE", f"{LIST}/{{alert}}/comments", 405, "notAllowed"),
    ("POST", f"{LIST}/{{alert}}/records", 405, "notAllowed"),
    ("POST", f"{LIST}/$count", 405, "notAllowed"),
    ("POST", "/v1.0/$metadata", 405, "notAllowed"),
    ("POST", "/v1.0", 405, "notAllowed"),
    ("DELETE", "/v1.0/security/incidents/1/alerts", 405, "notAllowed"),
    ("GET", "/ingest/graph", 405, "notAllowed"),
    ("POST", "/healthz", 405, "notAllowed"),
    ("POST", "/v1.0/security/alerts_v2/moveAlerts", 400, "BadRequest"),
    ("POST", "/v1.0/security/microsoft.graph.security.runHuntingQuery", 501, "notSupported"),
    ("GET", "/v1.0/subscriptions", 501, "notSupported"),
    ("GET", "/beta/security/securityActions", 501, "notSupported"),
    ("POST", "/v1.0/subscriptions", 501, "notSupported"),
])  # fmt: skip
async def test_every_path_answers_in_the_envelope(six: Graph, method: str, path: str, status: int, code: str) -> None:
    [alert, *_] = await six.ids("security/alerts_v2")
    url = path.format(alert=alert)
    body = {} if method in {"GET", "DELETE"} else {"content": "{}"}
    answer = await six.http.request(method, url, headers={**six.headers, "client-request-id": MINE}, **body)  # type: ignore[arg-type]
    assert told(answer, status)["code"] == code
    assert answer.headers["client-request-id"] == MINE
    if status == 405:
        assert method not in answer.headers["allow"].split(", ")
        assert answer.headers["allow"]


@pytest.mark.parametrize(("headers", "said"), [
    ({}, "Access token is empty"),
    ({"authorization": ""}, "Access token is empty"),
    ({"authorization": "Bearer"}, "no bearer token"),
    ({"authorization": "Bearer   "}, "no bearer token"),
    ({"authorization": "Basic YTpi"}, "no bearer token"),
    ({"authorization": f"Bearer {'a' * 16_384}"}, "no bearer token"),
    ({"authorization": "Bearer nonsense"}, "cannot be read"),
])  # fmt: skip
@pytest.mark.parametrize(
    "path",
    [LIST, f"{LIST}/x", f"{LIST}/$count", "/v1.0/security/incidents/1/alerts", "/v1.0/security", "/beta/security/incidents"],
)
async def test_without_a_good_token_the_challenge_is_given(six: Graph, path: str, headers: dict[str, str], said: str) -> None:
    answer = await six.http.get(path, headers=headers)
    error = told(answer, 401)
    assert error["code"] == "InvalidAuthenticationToken"
    assert said in error["message"]
    assert answer.headers["www-authenticate"].startswith("Bearer ")


@pytest.mark.parametrize(("method", "path"), [
    ("POST", "/ingest/graph"), ("PATCH", f"{LIST}/x"), ("POST", f"{LIST}/x/comments"), ("PATCH", "/v1.0/security/incidents/1"),
])  # fmt: skip
async def test_nothing_is_written_without_a_token(six: Graph, method: str, path: str) -> None:
    assert told(await six.http.request(method, path, content="{}"), 401)["code"] == "InvalidAuthenticationToken"


READ, WRITE = "SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All"
READ_INCIDENT, WRITE_INCIDENT = "SecurityIncident.Read.All", "SecurityIncident.ReadWrite.All"
RECORDS, CREATE = "SecurityRecord.Read.All", "SecurityAlert.Create.All"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def narrow_ones(desk: Graph) -> dict[str, Graph]:
    """The same server asked by six applications, each with one permission."""
    await desk.hand_in("graph", graph_alert(1))
    found = {}
    for permission in (READ, WRITE, READ_INCIDENT, WRITE_INCIDENT, RECORDS, CREATE):
        application, secret = await desk.application_with(permission, name=f"only {permission}")
        found[permission] = replace(desk, application=application, secret=secret)
        await found[permission].sign_in()
    return found


@pytest.mark.parametrize(("method", "path", "opens"), [
    ("GET", LIST, {READ, WRITE}),
    ("GET", f"{LIST}/$count", {READ, WRITE}),
    ("GET", f"{LIST}/{{alert}}", {READ, WRITE}),
    ("GET", f"{LIST}/{{alert}}/comments", {READ, WRITE}),
    ("PATCH", f"{LIST}/{{alert}}", {WRITE}),
    ("POST", f"{LIST}/{{alert}}/comments", {WRITE}),
    ("GET", f"{LIST}/{{alert}}/records", {RECORDS}),
    ("GET", "/v1.0/security/incidents", {READ_INCIDENT, WRITE_INCIDENT}),
    ("GET", "/v1.0/security/incidents?$expand=alerts", {READ_INCIDENT, WRITE_INCIDENT}),
    ("GET", "/v1.0/security/incidents/$count", {READ_INCIDENT, WRITE_INCIDENT}),
    ("GET", "/v1.0/security/incidents/1", {READ_INCIDENT, WRITE_INCIDENT}),
    ("GET", "/v1.0/security/incidents/1/alerts", {READ_INCIDENT, WRITE_INCIDENT}),
    ("GET", "/v1.0/security/incidents/1/alerts/$count", {READ_INCIDENT, WRITE_INCIDENT}),
    ("GET", "/v1.0/security/incidents/1/comments", {READ_INCIDENT, WRITE_INCIDENT}),
    ("PATCH", "/v1.0/security/incidents/1", {WRITE_INCIDENT}),
    ("POST", "/v1.0/security/incidents/1/comments", {WRITE_INCIDENT}),
    ("POST", "/ingest/graph", {CREATE}),
])  # fmt: skip
async def test_each_operation_opens_to_its_permissions_only(
    narrow_ones: dict[str, Graph], method: str, path: str, opens: set[str]
) -> None:
    body: Any = {"comment": "x"} if path.endswith("comments") else graph_alert(2) if "ingest" in path else {}
    more = {} if method == "GET" else {"json": body}
    [key] = await narrow_ones[READ].ids("security/alerts_v2", filter="title eq 'Made-up alert 1'")
    for permission, graph in narrow_ones.items():
        answer = await graph.ask(method, path.format(alert=key), **more)
        if permission in opens:
            assert answer.status_code == 200, answer.text
            continue
        error = told(answer, 403)
        assert error["code"] == "accessDenied"
        assert all(name in error["message"] for name in opens)
        assert f"holds: {permission}." in error["message"]
        assert graph.application.id in error["message"]


async def test_a_token_without_permissions_opens_nothing(graph: Graph) -> None:
    await graph.sign_in(*await graph.application_with())
    for path in (LIST, "/v1.0/security/incidents", f"{LIST}/nothing", f"{LIST}/$count"):
        assert "holds: none" in told(await graph.ask("GET", path), 403)["message"]


async def test_a_forbidden_caller_does_not_learn_whether_an_object_is_there(graph: Graph) -> None:
    await graph.hand_in("graph", graph_alert(1))
    [key] = await graph.ids("security/alerts_v2")
    await graph.sign_in(*await graph.application_with(READ_INCIDENT))
    there, nowhere = [await graph.ask("GET", f"{LIST}/{name}") for name in (key, "nothing")]
    assert told(there, 403)["message"] == told(nowhere, 403)["message"]


# --- bodies and formats ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_a_body_that_is_not_json_by_its_own_word_is_refused(six: Graph, kind: str) -> None:
    [key, *_] = await six.ids("security/alerts_v2")
    headers = {"content-type": kind}
    answer = await six.ask("PATCH", f"{LIST}/{key}", content='{"status": "new"}', headers=headers)
    assert kind.partition(";")[0] in told(answer, 415)["message"]
    answer = await six.ask("POST", f"{LIST}/{key}/comments", content='{"comment": "x"}', headers=headers)
    assert told(answer, 415)["code"] == "notSupported"


@pytest.mark.parametrize("path", [f"{LIST}/x", "/ingest/graph"])
async def test_a_body_in_another_coding_than_gzip_is_refused(six: Graph, path: str) -> None:
    method = "POST" if "ingest" in path else "PATCH"
    answer = await six.ask(method, path, content=b"x", headers={"content-encoding": "br", "content-type": "application/json"})
    told(answer, 415)


@pytest.mark.parametrize(
    "kind",
    ["application/json", "Application/JSON; charset=utf-8", "application/json;odata.metadata=full", "application/vnd.x+json"],
)
async def test_json_is_taken_under_all_its_names(graph: Graph, kind: str) -> None:
    await graph.hand_in("graph", graph_alert(1))
    [key] = await graph.ids("security/alerts_v2")
    answer = await graph.ask("PATCH", f"{LIST}/{key}", content='{"status": "resolved"}', headers={"content-type": kind})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("accept", ["application/xml", "text/html", "image/png", "application/xml;q=0.9, text/plain"])
async def test_a_format_that_is_not_served_is_refused(six: Graph, accept: str) -> None:
    error = told(await six.ask("GET", LIST, headers={"accept": accept}), 406)
    assert error["code"] == "notSupported"


@pytest.mark.parametrize("accept", [
    "*/*", "application/json", "application/*", "application/json;odata.metadata=minimal;IEEE754Compatible=false",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/plain, application/json;q=0.1", "",
])  # fmt: skip
async def test_json_is_sent_to_who_takes_it(six: Graph, accept: str) -> None:
    answer = await six.ask("GET", LIST, headers={"accept": accept})
    assert answer.status_code == 200, answer.text


# --- ids of a request -----------------------------------------------------------------------------------------------------


async def test_every_answer_carries_the_ids(six: Graph) -> None:
    for path in (LIST, "/v1.0/$metadata", "/healthz", f"/{six.tenant.id}/discovery/v2.0/keys", f"{LIST}/$count"):
        answer = await six.http.get(path, headers={**six.headers, "client-request-id": MINE})
        assert answer.status_code == 200
        assert GUID.fullmatch(answer.headers["request-id"])
        assert answer.headers["client-request-id"] == MINE
    one, other = [await six.ask("GET", LIST) for _ in range(2)]
    assert one.headers["request-id"] != other.headers["request-id"]
    assert one.headers["client-request-id"]


@pytest.mark.parametrize("mine", [b"", b"a b", b"x" * 300, b'"><script>', b"\xff\xfe", b"a\tb"])
async def test_a_client_request_id_that_is_none_is_not_echoed(six: Graph, mine: bytes) -> None:
    answer = await six.http.get(
        f"{LIST}/nothing", headers=[*((k.encode(), v.encode()) for k, v in six.headers.items()), (b"client-request-id", mine)]
    )
    told(answer, 404)
    assert answer.headers["client-request-id"].encode("latin-1") != mine


# --- names of the server ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8443",
        "localhost.evil.example",
        "localhost@evil.example",
        "",
        "local host",
        "localhost:99999999",
        "[::2]",
    ],
)
@pytest.mark.parametrize("path", [LIST, "/v1.0/$metadata", "/healthz", "/{tenant}/v2.0/.well-known/openid-configuration"])
async def test_a_host_that_is_not_ours_is_refused(six: Graph, host: str, path: str) -> None:
    answer = await six.http.get(path.format(tenant=six.tenant.id), headers={**six.headers, "host": host})
    error = told(answer, 400)
    assert "host" in error["message"]
    assert "allowed_hosts" in error["message"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8443", "127.0.0.1:1", "[::1]:8443", "[::1]"])
async def test_links_are_written_with_the_name_the_client_used(many: Graph, host: str) -> None:
    answer = await many.http.get(f"{LIST}?$top=1", headers={**many.headers, "host": host})
    body = answer.json()
    base = f"https://{host.lower()}/v1.0"
    assert body["@odata.context"] == f"{base}/$metadata#security/alerts_v2"
    assert body["@odata.nextLink"].startswith(f"{base}/security/alerts_v2?")
    discovery = (await many.http.get(f"/{many.tenant.id}/v2.0/.well-known/openid-configuration", headers={"host": host})).json()
    assert discovery["token_endpoint"] == f"https://{host.lower()}/{many.tenant.id}/oauth2/v2.0/token"


async def test_two_host_headers_are_refused(six: Graph) -> None:
    headers = [(b"host", b"localhost"), (b"host", b"evil.example"), (b"authorization", six.headers["authorization"].encode())]
    told(await six.http.get(LIST, headers=headers), 400)


async def test_a_public_url_is_in_every_link(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    (folder / "secgraph.toml").write_text('public_url = "https://graph.example.org"\nallowed_hosts = ["inner.example"]\n')
    async with running(folder, clock) as graph:
        await graph.hand_in("graph", *(graph_alert(number, incidentId="1") for number in range(120)))
        for host in ("localhost:8443", "graph.example.org", "inner.example:80"):
            headers = {**graph.headers, "host": host}
            body = (await graph.http.get("/v1.0/security/incidents?$expand=alerts", headers=headers)).json()
            listed = (await graph.http.get(f"{LIST}?$top=1", headers=headers)).json()
            document = (
                await graph.http.get(f"/{graph.tenant.id}/v2.0/.well-known/openid-configuration", headers=headers)
            ).json()
            urls = [body["@odata.context"], body["value"][0]["alerts@odata.nextLink"], listed["@odata.nextLink"],
                    document["token_endpoint"], document["jwks_uri"], document["issuer"]]  # fmt: skip
            assert all(url.startswith("https://graph.example.org/") for url in urls), urls
