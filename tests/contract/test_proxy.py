"""Behind a proxy: whose word on host, scheme and client counts, and what every link then starts with."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from secgraph.errors import UsageError
from secgraph.settings import gather
from secgraph.testing import ORIGIN, Graph

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST = "/v1.0/security/alerts_v2"
PROXY, STRANGER, CLIENT = "10.1.2.3", "203.0.113.9", "198.51.100.4"
PUBLIC = "https://graph.example.org"


def said(**headers: str) -> dict[str, str]:
    """X-Forwarded headers: `said(host="x")`; Forwarded-For as `by`."""
    return {f"x-forwarded-{'for' if name == 'by' else name}": text for name, text in headers.items()}


async def base_of(graph: Graph, headers: dict[str, str]) -> str:
    """What the links of a page start with."""
    answer = await graph.http.get(f"{LIST}?$top=1", headers={**graph.headers, **headers})
    assert answer.status_code == 200, answer.text
    base = str(answer.json()["@odata.context"]).partition("/v1.0/")[0]
    assert answer.json()["@odata.nextLink"].startswith(f"{base}{LIST}?")
    return base


@pytest.mark.parametrize(("headers", "base"), [
    ({}, ORIGIN),
    (said(host="graph.example.org"), PUBLIC),
    (said(host="Graph.Example.ORG", proto="https"), PUBLIC),
    (said(host="graph.example.org", proto="http"), "http://graph.example.org"),
    (said(host="graph.example.org:8443", proto="https"), f"{PUBLIC}:8443"),
    (said(host="graph.example.org", proto="HTTPS", port="443"), PUBLIC),
    (said(host="graph.example.org", proto="https", port="9443"), f"{PUBLIC}:9443"),
    (said(host="graph.example.org:1", proto="https", port="443"), PUBLIC),
    (said(host="graph.example.org", proto="http", port="80"), "http://graph.example.org"),
    (said(host="graph.example.org", proto="http", port="443"), "http://graph.example.org:443"),
    (said(proto="http"), "http://localhost:8443"),
    (said(port="443"), "https://localhost"),
    (said(host="graph.example.org", prefix="/graph"), f"{PUBLIC}/graph"),
    (said(host="graph.example.org", prefix="/a/b-1.2/"), f"{PUBLIC}/a/b-1.2"),
    (said(host="graph.example.org", prefix="/"), PUBLIC),
    (said(host="[2001:db8::7]:8443"), "https://[2001:db8::7]:8443"),
    (said(host="[2001:db8::7]", port="444"), "https://[2001:db8::7]:444"),
    (said(host="", proto="", port="", prefix="", by=""), ORIGIN),
])  # fmt: skip
async def test_a_listed_proxy_is_believed(front: Callable[..., Graph], headers: dict[str, str], base: str) -> None:
    assert await base_of(front(PROXY, trusted_proxies=PROXY), headers) == base


@pytest.mark.parametrize(("address", "proxies"), [
    (STRANGER, ""), (STRANGER, PROXY), ("127.0.0.1", PROXY), ("10.2.0.1", "10.1.0.0/16"), ("2001:db8:1::1", "2001:db8::/48"),
    ("", "0.0.0.0/0"),
])  # fmt: skip
async def test_anybody_else_is_not(front: Callable[..., Graph], address: str, proxies: str) -> None:
    headers = said(host="graph.example.org", proto="http", port="1", prefix="/x", by=CLIENT)
    assert await base_of(front(address, trusted_proxies=proxies), headers) == ORIGIN


@pytest.mark.parametrize(("address", "proxies"), [
    (PROXY, "10.1.2.3"), (PROXY, "10.0.0.0/8"), (PROXY, "192.0.2.0/24, 10.1.2.3"), ("127.0.0.1", "127.0.0.1"), ("::1", "::1"),
    ("2001:db8::9", "2001:db8::/32"), ("::ffff:10.1.2.3", "10.1.2.0/24"), (PROXY, "10.1.2.99/24"),
])  # fmt: skip
async def test_proxies_are_addresses_or_networks(front: Callable[..., Graph], address: str, proxies: str) -> None:
    assert await base_of(front(address, trusted_proxies=proxies), said(host="graph.example.org")) == PUBLIC


@pytest.mark.parametrize("text", ["proxy.example", "10.0.0.0/33", "10.0.0", "*", "10.0.0.1-9"])
async def test_what_is_no_address_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="'trusted_proxies'"):
        gather({"data": tmp_path, "trusted_proxies": text}, {})


@pytest.mark.parametrize("headers", [
    said(host="evil example"), said(host="a/b"), said(host="a@b"), said(host="graph.example.org:99999999"),
    said(proto="gopher"), said(proto="javascript"), said(port="0"), said(port="65536"), said(port="x"), said(port="-1"),
    said(prefix="graph"), said(prefix="//evil.example"), said(prefix="/a/../b"), said(prefix="/a?b"), said(prefix="/a b"),
    said(prefix="/a#b"), said(prefix="https://evil.example"),
])  # fmt: skip
async def test_what_no_proxy_would_say_is_refused(front: Callable[..., Graph], headers: dict[str, str]) -> None:
    graph = front(PROXY, trusted_proxies=PROXY)
    answer = await graph.http.get(LIST, headers={**graph.headers, **headers})
    assert answer.status_code == 400
    assert "evil.example/" not in answer.text


@pytest.mark.parametrize(("flags", "host", "status"), [
    ({"allowed_hosts": "graph.example.org"}, "graph.example.org", 200),
    ({"allowed_hosts": "graph.example.org"}, "evil.example", 400),
    ({"allowed_hosts": "graph.example.org"}, "localhost", 200),
    ({"public_url": PUBLIC}, "graph.example.org", 200),
    ({"public_url": PUBLIC}, "evil.example", 400),
])  # fmt: skip
async def test_where_names_are_set_a_proxy_may_only_say_those(
    front: Callable[..., Graph], flags: dict[str, str], host: str, status: int
) -> None:
    graph = front(PROXY, trusted_proxies=PROXY, **flags)
    answer = await graph.http.get(LIST, headers={**graph.headers, **said(host=host)})
    assert answer.status_code == status
    if status == 400:
        assert "allowed_hosts" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("headers", "base"), [
    (said(proto="http", port="8080"), PUBLIC),
    (said(host="graph.example.org:1"), PUBLIC),
    (said(prefix="/graph"), f"{PUBLIC}/graph"),
])  # fmt: skip
async def test_the_public_url_stands_above_what_a_proxy_says(
    front: Callable[..., Graph], headers: dict[str, str], base: str
) -> None:
    assert await base_of(front(PROXY, trusted_proxies=PROXY, public_url=PUBLIC), headers) == base


async def test_a_host_that_is_not_ours_does_not_matter_when_the_proxy_names_one(front: Callable[..., Graph]) -> None:
    graph = front(PROXY, trusted_proxies=PROXY)
    upstream = {"host": "backend-7:8443"}
    assert await base_of(graph, {**upstream, **said(host="graph.example.org")}) == PUBLIC
    assert (await graph.http.get(LIST, headers={**graph.headers, **upstream})).status_code == 400


@pytest.mark.parametrize(("by", "host", "proto", "base"), [
    # Each proxy adds its word behind those before it; what a client sent itself stands in front and does not count.
    (CLIENT, "graph.example.org", "https", PUBLIC),
    (f"1.1.1.1, {CLIENT}", "evil.example, graph.example.org", "http, https", PUBLIC),
    (f"{CLIENT}, 10.1.2.4", "graph.example.org, inner.example", "https, http", PUBLIC),
    (f"9.9.9.9, {CLIENT}, 10.1.2.4", "evil.example, graph.example.org, inner.example", "http, https, http", PUBLIC),
    (f"10.1.2.5, {CLIENT}", "evil.example, graph.example.org", "http, https", PUBLIC),
    (f"{CLIENT}, 10.1.2.4", "graph.example.org", "https", PUBLIC),
    ("10.1.2.5", "graph.example.org", "https", PUBLIC),
    ("unknown", "evil.example, graph.example.org", "https", PUBLIC),
    (f"{CLIENT}:1234, [2001:db8::1]:99", "evil.example, graph.example.org", "https", PUBLIC),
])  # fmt: skip
async def test_of_a_chain_the_outermost_trusted_word_counts(
    front: Callable[..., Graph], by: str, host: str, proto: str, base: str
) -> None:
    graph = front(PROXY, trusted_proxies="10.1.0.0/16")
    assert await base_of(graph, said(by=by, host=host, proto=proto)) == base


@pytest.mark.parametrize(("address", "by", "packed"), [
    ("127.0.0.1", CLIENT, True),
    ("127.0.0.1", f"127.0.0.1, {CLIENT}", True),
    ("127.0.0.1", "127.0.0.1", False),
    ("127.0.0.1", "", False),
    ("127.0.0.1", "::1", False),
    ("127.0.0.1", "unknown", True),
    (PROXY, "127.0.0.1", False),
    (PROXY, CLIENT, True),
    (STRANGER, "127.0.0.1", True),
])  # fmt: skip
async def test_the_client_behind_a_proxy_is_the_one_that_is_near_or_far(
    front: Callable[..., Graph], address: str, by: str, packed: bool
) -> None:
    graph = front(address, trusted_proxies="127.0.0.0/8,10.1.2.3,::1")
    answer = await graph.http.get(LIST, headers={**graph.headers, **said(by=by), "accept-encoding": "gzip"})
    assert (answer.headers.get("content-encoding") == "gzip") is packed


def urls(value: Any) -> set[str]:
    """Every URL in a body."""
    return set(re.findall(r"https?://[^\s\"'<>]+", json.dumps(value)))


@pytest.mark.parametrize("path", [
    f"{LIST}?$top=1", f"{LIST}?$top=1&$format=application/json;odata.metadata=full", f"{LIST}/{{alert}}",
    "/v1.0/security/incidents?$expand=alerts($top=1)&$top=1", "/v1.0/security/incidents?$expand=alerts/$ref&$top=1",
    "/v1.0/security/incidents/1/alerts?$top=1", f"{LIST}/{{alert}}/comments", f"{LIST}/{{alert}}/records", "/v1.0", "/beta/security",
    f"{LIST}/delta()?$top=1", "/{tenant}/v2.0/.well-known/openid-configuration", "/{tenant}/discovery/v2.0/keys",
])  # fmt: skip
async def test_every_url_has_the_public_origin(front: Callable[..., Graph], path: str) -> None:
    graph = front(PROXY, trusted_proxies=PROXY)
    [alert] = await graph.ids("security/alerts_v2", filter="title eq 'Made-up alert 7'")
    url = path.format(alert=alert, tenant=graph.tenant.id)
    headers = {**graph.headers, **said(host="graph.example.org", prefix="/graph")}
    answer = await graph.http.get(url, headers=headers)
    assert answer.status_code == 200, answer.text
    found = urls(answer.json())
    assert found
    assert {one for one in found if not one.startswith(f"{PUBLIC}/graph/")} == set()


async def test_links_are_followed_and_batches_understood_below_a_prefix(front: Callable[..., Graph]) -> None:
    graph = front(PROXY, trusted_proxies=PROXY)
    headers = {**graph.headers, **said(host="graph.example.org", prefix="/graph")}
    first = (await graph.http.get(f"{LIST}?$top=20", headers=headers)).json()
    link = first["@odata.nextLink"].removeprefix(f"{PUBLIC}/graph")  # as the proxy does
    assert len((await graph.http.get(link, headers=headers)).json()["value"]) == 20
    batch = {"requests": [{"id": "1", "method": "GET", "url": first["@odata.nextLink"]}]}
    [item] = (await graph.http.post("/v1.0/$batch", json=batch, headers=headers)).json()["responses"]
    assert len(item["body"]["value"]) == 20
    assert item["body"]["@odata.nextLink"].startswith(f"{PUBLIC}/graph/")
