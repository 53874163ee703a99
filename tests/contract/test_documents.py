"""What is read without a token: health, $metadata, the service document, discovery."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from secgraph.testing import ORIGIN, Graph

pytestmark = pytest.mark.asyncio(loop_scope="module")

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/HEALTHZ", "/healthz/"])
async def test_health_is_told_to_anybody(six: Graph, path: str) -> None:
    answer = await six.http.get(path)
    assert (answer.status_code, answer.text) == (200, "ok")


@pytest.mark.parametrize("version", ["v1.0", "beta"])
async def test_metadata_is_closed_xml_for_anybody(six: Graph, version: str) -> None:
    answer = await six.http.get(f"/{version}/$metadata")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/xml")
    root = ET.fromstring(answer.content)  # noqa: S314 -- our own document
    declared = set()
    for schema in root.iter(f"{EDM}Schema"):
        declared |= {f"{schema.get('Namespace')}.{node.get('Name')}" for node in schema}
    named = {node.get(key) or "" for node in root.iter() for key in ("Type", "BaseType") if node.get(key)}
    plain = {name.removeprefix("Collection(").removesuffix(")") for name in named}
    assert {name for name in plain if not name.startswith("Edm.")} <= declared
    assert {"microsoft.graph.security.alert", "microsoft.graph.security.incident"} <= declared
    assert all(member.get("Value") is not None for member in root.iter(f"{EDM}Member"))


@pytest.mark.parametrize("path", ["/v1.0", "/v1.0/", "/beta"])
async def test_the_service_document_names_what_is_served(six: Graph, path: str) -> None:
    answer = await six.http.get(path)
    assert answer.status_code == 200
    body: Any = answer.json()
    assert body["@odata.context"] == f"{ORIGIN}{path.rstrip('/')}/$metadata"
    assert {"security", "security/alerts_v2", "security/incidents"} <= {item["url"] for item in body["value"]}


async def test_the_security_singleton_is_there(six: Graph) -> None:
    body = await six.get("security")
    assert body["@odata.context"] == f"{ORIGIN}/v1.0/$metadata#security"


@pytest.mark.parametrize(
    "path", ["/v1.0/security/alerts_v2", "/v1.0/$metadata", "/v1.0", "/healthz", "/v1.0/security/alerts_v2/$count"]
)
async def test_head_is_get_without_a_body(six: Graph, path: str) -> None:
    got = await six.http.get(path, headers=six.headers)
    head = await six.http.head(path, headers=six.headers)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == str(len(got.content))
    assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize("name", ["id", "name"])
async def test_discovery_says_what_clients_need(six: Graph, name: str) -> None:
    answer = await six.http.get(f"/{getattr(six.tenant, name)}/v2.0/.well-known/openid-configuration")
    assert answer.status_code == 200
    document = answer.json()
    root = f"{ORIGIN}/{six.tenant.id}"
    assert document["token_endpoint"] == f"{root}/oauth2/v2.0/token"
    assert document["authorization_endpoint"] == f"{root}/oauth2/v2.0/authorize"
    assert document["device_authorization_endpoint"].startswith(root)
    assert document["issuer"] == f"{root}/v2.0"
    assert document["jwks_uri"] == f"{root}/discovery/v2.0/keys"
    for path in ("discovery/v2.0/keys", "discovery/keys"):
        keys = (await six.http.get(f"/{six.tenant.id}/{path}")).json()["keys"]
        assert all({"kty", "use", "kid", "n", "e"} <= set(key) and "d" not in key and key["kty"] == "RSA" for key in keys)
        assert len(keys) == 1


async def test_discovery_of_no_tenant_is_refused(six: Graph) -> None:
    for path in ("v2.0/.well-known/openid-configuration", ".well-known/openid-configuration", "discovery/v2.0/keys"):
        answer = await six.http.get(f"/nobody.example/{path}")
        assert answer.status_code == 400
        assert "AADSTS90002" in answer.json()["error_description"]
