"""The token endpoint: what clients send in the field is understood, and every refusal has its published number."""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
import pytest

from secgraph.testing import ALL, Graph

pytestmark = pytest.mark.asyncio(loop_scope="module")

GUID = "11111111-2222-3333-4444-555555555555"


def form_of(graph: Graph, **members: str | None) -> dict[str, str]:
    """A good token request with some members changed; None leaves one out."""
    good = {"grant_type": "client_credentials", "client_id": graph.application.id, "client_secret": graph.secret, "scope": ALL}
    return {name: value for name, value in {**good, **members}.items() if value is not None}


async def post(graph: Graph, form: dict[str, str], **more: Any) -> httpx.Response:
    path = more.pop("path", f"/{graph.tenant.id}/oauth2/v2.0/token")
    return await graph.http.post(path, data=form, **more)


def issued(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3599
    assert "refresh_token" not in body
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["cache-control"] == "no-store" or "no-store" in answer.headers.get_list("cache-control")[-1]
    token: str = body["access_token"]
    return token


def refused(answer: httpx.Response, error: str, number: int) -> None:
    """Holds the answer to the identity platform's error shape."""
    assert answer.status_code == (401 if error == "invalid_client" else 400), answer.text
    assert answer.headers["content-type"].startswith("application/json")
    body = answer.json()
    assert {"error", "error_description", "error_codes", "timestamp", "trace_id", "correlation_id"} <= set(body)
    assert body["error"] == error, body
    assert body["error_codes"] == [number], body
    lines = body["error_description"].split("\r\n")
    assert lines[0].startswith(f"AADSTS{number}: ")
    assert [line.partition(":")[0] for line in lines[1:]] == ["Trace ID", "Correlation ID", "Timestamp"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", body["timestamp"])
    assert body["trace_id"] == answer.headers["request-id"]


@pytest.mark.parametrize(("members", "error", "number"), [
    ({"grant_type": None}, "invalid_request", 900144),
    ({"grant_type": ""}, "invalid_request", 900144),
    ({"client_id": None}, "invalid_request", 900144),
    ({"client_id": ""}, "invalid_request", 900144),
    ({"scope": None}, "invalid_request", 900144),
    ({"grant_type": "password"}, "unsupported_grant_type", 70003),
    ({"grant_type": "refresh_token"}, "unsupported_grant_type", 70003),
    ({"grant_type": "Client_Credentials "}, "unsupported_grant_type", 70003),
    ({"grant_type": "device_code", "device_code": "x"}, "unsupported_grant_type", 70003),
    ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "x", "code": "x"}, "unsupported_grant_type", 70003),
    ({"grant_type": "authorization_code", "code": "x"}, "unsupported_grant_type", 70003),
    ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "x"}, "unsupported_grant_type", 70003),
    ({"client_id": GUID}, "unauthorized_client", 700016),
    ({"client_id": "not a guid"}, "unauthorized_client", 700016),
    ({"client_id": "a\x00b"}, "unauthorized_client", 700016),
    ({"client_id": "x" * 5000}, "unauthorized_client", 700016),
    ({"client_secret": None}, "invalid_client", 7000218),
    ({"client_secret": ""}, "invalid_client", 7000218),
    ({"client_secret": "wrong"}, "invalid_client", 7000215),
    ({"client_secret": "x" * 20_000}, "invalid_client", 7000215),
    ({"client_secret": "a\x00\ufffd"}, "invalid_client", 7000215),
    ({"scope": "https://graph.microsoft.com/User.Read"}, "invalid_scope", 70011),
    ({"scope": "https://graph.microsoft.com"}, "invalid_scope", 70011),
    ({"scope": "https://graph.microsoft.com/.default https://vault.azure.net/.default"}, "invalid_scope", 700022),
    ({"scope": "https://vault.azure.net/.default"}, "invalid_resource", 500011),
    ({"scope": "https://graph.microsoft.com.evil.example/.default"}, "invalid_resource", 500011),
    ({"scope": "https://evil.example@graph.microsoft.com/.default"}, "invalid_resource", 500011),
    ({"scope": "ftp://localhost/.default"}, "invalid_resource", 500011),
    ({"scope": "https://[/.default"}, "invalid_resource", 500011),
    ({"scope": "https://evil@localhost/.default"}, "invalid_resource", 500011),
    ({"scope": "https://localhost/.default https://graph.microsoft.com/.default"}, "invalid_scope", 700022),
    ({"scope": ""}, "invalid_scope", 28003),
    ({"scope": "  "}, "invalid_scope", 28003),
    ({"scope": "openid profile"}, "invalid_scope", 700023),
    ({"scope": ".default"}, "invalid_scope", 700023),
    ({"scope": "/.default"}, "invalid_scope", 700023),
    ({"scope": "User.Read"}, "invalid_scope", 70011),
    ({"scope": None, "resource": "https://vault.azure.net"}, "invalid_resource", 500011),
])  # fmt: skip
async def test_each_refusal_has_its_number(gate: Graph, members: dict[str, str | None], error: str, number: int) -> None:
    refused(await post(gate, form_of(gate, **members)), error, number)


@pytest.mark.parametrize("scope", ["openid", "User.Read", ".default", "/.default"])
async def test_a_scope_without_a_resource_is_refused(gate: Graph, scope: str) -> None:
    answer = await post(gate, form_of(gate, scope=scope))
    assert answer.status_code == 400
    assert answer.json()["error"] in {"invalid_scope", "invalid_request", "invalid_resource"}


@pytest.mark.parametrize(("tenant", "number"), [
    (GUID, 90002),
    ("nobody.example", 90002),
    ("organizations", 90002),
    ("common", 9001023),
    ("Common", 9001023),
    ("consumers", 9001023),
    ("9188040d-6c67-4c5b-b112-36a304b66dad", 9001023),
])  # fmt: skip
async def test_a_tenant_that_is_not_there(gate: Graph, tenant: str, number: int) -> None:
    for version in ("v2.0/", ""):
        refused(await post(gate, form_of(gate), path=f"/{tenant}/oauth2/{version}token"), "invalid_request", number)


async def test_a_tenant_that_cannot_be(gate: Graph) -> None:
    assert (await post(gate, form_of(gate), path="/%00/oauth2/v2.0/token")).status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_the_wrong_method(gate: Graph, method: str) -> None:
    refused(await gate.http.request(method, f"/{gate.tenant.id}/oauth2/v2.0/token"), "invalid_request", 900561)


async def test_a_get_that_carries_a_form_is_taken(gate: Graph) -> None:
    """auth.md, section 4: it occurs in the field."""
    path = f"/{gate.tenant.id}/oauth2/v2.0/token"
    issued(await gate.http.request("GET", path, data=form_of(gate)))
    refused(await gate.http.request("GET", path, data=form_of(gate, client_secret="wrong")), "invalid_client", 7000215)
    refused(await gate.http.request("PUT", path, data=form_of(gate)), "invalid_request", 900561)


async def test_what_stands_in_the_address_is_no_form(gate: Graph) -> None:
    """A secret there would be in every log on the way."""
    path = f"/{gate.tenant.id}/oauth2/v2.0/token"
    refused(await gate.http.get(path, params=form_of(gate)), "invalid_request", 900561)
    refused(await gate.http.post(path, params=form_of(gate)), "invalid_request", 900144)
    query = {"client_secret": gate.secret}
    refused(await gate.http.post(path, params=query, data=form_of(gate, client_secret=None)), "invalid_client", 7000218)


@pytest.mark.parametrize(("body", "error", "number"), [
    (b"", "invalid_request", 900144),
    (b'{"grant_type": "client_credentials"}', "invalid_request", 900144),
    (b"\xff\xfe\xfd", "invalid_request", 9002313),
    (b"&" * 3000, "invalid_request", 9002313),
    (b"a=1&" * 1000, "invalid_request", 9002313),
    (b"grant_type=%FF", "unsupported_grant_type", 70003),
    (b"grant_type", "invalid_request", 900144),
])  # fmt: skip
async def test_a_malformed_form(gate: Graph, body: bytes, error: str, number: int) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    refused(await gate.http.post(f"/{gate.tenant.id}/oauth2/v2.0/token", content=body, headers=headers), error, number)


async def test_a_form_that_is_too_large(gate: Graph) -> None:
    answer = await gate.http.post(f"/{gate.tenant.id}/oauth2/v2.0/token", content=b"a=" + b"x" * 100_000)
    assert answer.status_code == 413
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize("scope", [
    "https://graph.microsoft.com/.default",
    "https://graph.microsoft.com//.default",
    "00000003-0000-0000-c000-000000000000/.default",
    "https://localhost/.default",
    "https://localhost:8443/.default",
    "https://127.0.0.1:8443/.default",
    "https://[::1]:8443/.default",
    "https://LOCALHOST:8443/.default",
    " https://localhost/.default ",
    "HTTPS://Graph.Microsoft.com/.Default",
    "api://00000003-0000-0000-c000-000000000000/.default",
    "http://localhost:8443/.default",
    "https://graph.microsoft.com/.default openid profile offline_access",
    "https://graph.microsoft.com/.default https://graph.microsoft.com/.default",
])  # fmt: skip
async def test_every_spelling_of_our_scope_gives_the_same_token(gate: Graph, scope: str) -> None:
    token = issued(await post(gate, form_of(gate, scope=scope)))
    answer = await gate.http.get("/v1.0/security/alerts_v2", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("members", [
    {"claims": '{"access_token": {"xms_cc": {"values": ["CP1"]}}}'},
    {"claims": "not json"},
    {"client_info": "1"},
    {"x-anything": "else", "state": "1", "resource": "https://other.example"},
    {"client_assertion": "x", "client_assertion_type": "y"},
    {"redirect_uri": "http://localhost", "nonce": "n"},
])  # fmt: skip
async def test_members_we_do_not_know_are_ignored(gate: Graph, members: dict[str, str]) -> None:
    issued(await post(gate, form_of(gate, **members)))


@pytest.mark.parametrize("headers", [
    {"content-type": "application/x-www-form-urlencoded;charset=utf-8"},
    {"content-type": ""},
    {"content-type": "text/plain"},
    {"x-client-sku": "MSAL.Python", "x-ms-lib-capability": "retry-after, h429", "x-anchormailbox": "Oid:a@b"},
    {"accept": "*/*"},
    {"client-request-id": GUID},
])  # fmt: skip
async def test_headers_of_clients_do_no_harm(gate: Graph, headers: dict[str, str]) -> None:
    content = urlencode(form_of(gate))
    answer = await gate.http.post(f"/{gate.tenant.id}/oauth2/v2.0/token", content=content, headers=headers)
    issued(answer)


async def test_without_any_content_type_it_is_a_form(gate: Graph) -> None:
    issued(await gate.http.post(f"/{gate.tenant.id}/oauth2/v2.0/token", content=urlencode(form_of(gate))))


@pytest.mark.parametrize("path", [
    "/{id}/oauth2/v2.0/token",
    "/{upper}/oauth2/v2.0/token",
    "/{name}/oauth2/v2.0/token",
    "/{NAME}/OAuth2/V2.0/Token",
    "/{id}/oauth2/v2.0/token?slice=testslice",
    "/{id}/oauth2/v2.0/token/",
])  # fmt: skip
async def test_a_tenant_is_named_by_id_or_name(gate: Graph, path: str) -> None:
    tenant = gate.tenant
    url = path.format(id=tenant.id, upper=tenant.id.upper(), name=tenant.name, NAME=tenant.name.upper())
    issued(await post(gate, form_of(gate), path=url))


@pytest.mark.parametrize("members", [
    {"resource": "https://graph.microsoft.com"},
    {"resource": "https://graph.microsoft.com/"},
    {"resource": "00000003-0000-0000-c000-000000000000"},
    {"resource": "https://localhost:8443"},
    {"resource": "https://localhost"},
    {"resource": "https://graph.microsoft.com/.default"},
    {"resource": "https://graph.microsoft.com", "scope": "openid"},
    {"scope": ALL},
], ids=str)  # fmt: skip
async def test_the_older_endpoint_takes_a_resource(gate: Graph, members: dict[str, str]) -> None:
    """auth.md, section 4: `POST /{tenant}/oauth2/token` with `resource=` occurs in the field."""
    answer = await post(gate, form_of(gate, **{"scope": None, **members}), path=f"/{gate.tenant.id}/oauth2/token")
    token = issued(answer)
    body = answer.json()
    assert body["resource"] == members.get("resource", ALL).removesuffix("/.default")
    assert int(body["expires_on"]) - int(body["not_before"]) == body["expires_in"]
    assert (await gate.http.get("/v1.0/security/alerts_v2", headers={"authorization": f"Bearer {token}"})).status_code == 200


@pytest.mark.parametrize(("members", "error", "number"), [
    ({}, "invalid_request", 900144),
    ({"resource": ""}, "invalid_request", 900144),
    ({"resource": "https://vault.azure.net"}, "invalid_resource", 500011),
    ({"resource": "https://vault.azure.net", "scope": ALL}, "invalid_resource", 500011),
    ({"resource": "https://["}, "invalid_resource", 500011),
    ({"scope": "https://vault.azure.net/.default"}, "invalid_resource", 500011),
], ids=str)  # fmt: skip
async def test_the_older_endpoint_refuses_alike(gate: Graph, members: dict[str, str], error: str, number: int) -> None:
    form = form_of(gate, **{"scope": None, **members})
    refused(await post(gate, form, path=f"/{gate.tenant.id}/oauth2/token"), error, number)


async def test_the_newer_endpoint_goes_by_the_scope(gate: Graph) -> None:
    issued(await post(gate, form_of(gate, resource="https://vault.azure.net")))
    issued(await post(gate, form_of(gate, scope=None, resource="https://graph.microsoft.com")))


async def test_a_client_id_in_capitals_is_the_same(gate: Graph) -> None:
    issued(await post(gate, form_of(gate, client_id=gate.application.id.upper())))


# --- HTTP Basic -----------------------------------------------------------------------------------------------------------


def basic(client: str, secret: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{quote_plus(client)}:{quote_plus(secret)}".encode()).decode()}


async def test_basic_authentication_proves_the_client(gate: Graph) -> None:
    form = form_of(gate, client_id=None, client_secret=None)
    issued(await post(gate, form, headers=basic(gate.application.id, gate.secret)))
    issued(await post(gate, {**form, "client_id": gate.application.id}, headers=basic(gate.application.id, gate.secret)))


@pytest.mark.parametrize(("header", "error", "number"), [
    ("Basic !!!", "invalid_client", 7000215),
    ("Basic ", "invalid_request", 900144),
    ("Basic /////w==", "invalid_client", 7000215),
    ("Basic " + base64.b64encode(b"no colon").decode(), "unauthorized_client", 700016),
    ("Basic " + base64.b64encode(b":x").decode(), "invalid_request", 900144),
    ("Basic " + base64.b64encode(f"{GUID}:x".encode()).decode(), "unauthorized_client", 700016),
])  # fmt: skip
async def test_basic_authentication_that_proves_nothing(gate: Graph, header: str, error: str, number: int) -> None:
    form = form_of(gate, client_id=None, client_secret=None)
    refused(await post(gate, form, headers={"authorization": header}), error, number)


async def test_a_wrong_secret_in_the_header_is_not_mended_by_the_form(gate: Graph) -> None:
    refused(await post(gate, form_of(gate), headers=basic(gate.application.id, "wrong")), "invalid_client", 7000215)


# --- what must not leak ---------------------------------------------------------------------------------------------------


async def test_no_refusal_repeats_the_secret(gate: Graph) -> None:
    for members in ({"client_secret": "s3cr3t-guess"}, {"client_secret": "s3cr3t-guess", "client_id": GUID},
                    {"client_secret": "s3cr3t-guess", "scope": "x"}):  # fmt: skip
        assert "s3cr3t-guess" not in (await post(gate, form_of(gate, **members))).text


async def test_an_application_without_permissions_still_gets_a_token(graph: Graph) -> None:
    application, secret = await graph.application_with()
    issued(await post(graph, form_of(graph, client_id=application.id, client_secret=secret)))


async def test_an_application_of_another_tenant_is_not_known_here(graph: Graph) -> None:
    other = await graph.core.registry.create_tenant("fabrikam")
    refused(await post(graph, form_of(graph), path=f"/{other.id}/oauth2/v2.0/token"), "unauthorized_client", 700016)


# --- discovery ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/{id}/v2.0/.well-known/openid-configuration", "/{name}/.well-known/openid-configuration"])
async def test_discovery_tells_how_a_client_may_prove_itself(gate: Graph, path: str) -> None:
    found = (await gate.http.get(path.format(id=gate.tenant.id, name=gate.tenant.name))).json()
    assert set(found["token_endpoint_auth_methods_supported"]) == {"client_secret_post", "client_secret_basic", "private_key_jwt"}
    assert set(found["token_endpoint_auth_signing_alg_values_supported"]) == {"PS256", "RS256"}
    assert found["token_endpoint"] == f"https://localhost:8443/{gate.tenant.id}/oauth2/v2.0/token"
