"""How sources fare, as clients read it: the list, one of them, and what older clients are told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.ingest.feeds.made_up import TOLD, Sentry

from secgraph import clock as real_clock
from secgraph.ingest.feeds.feeds import Said
from secgraph.ingest.feeds.kinds import Kinds
from secgraph.testing import Clock, Graph, graph_alert, running

SOURCES = "security/sources"


@pytest.fixture
async def server(tmp_path: Path, clock: Clock, on: dict[str, str]) -> AsyncIterator[Graph]:
    """Three sources: one that fails to be asked, one that delivered without being configured, one that waits."""
    async with running(tmp_path / "data", clock, kinds=Kinds({"sentry": Sentry}), **on) as made:
        for name in ("attic", "roof"):
            await made.core.feeds.add(made.tenant, "sentry", name, Said(TOLD))
        await made.hand_in("graph", graph_alert(1), graph_alert(2), {"title": "nameless"})
        made.core.health.failed(made.tenant.number, "attic", "answered 401: no such key")
        await made.core.health.flush()
        yield made


async def test_all_of_them_by_name(server: Graph) -> None:
    body = await server.get(SOURCES)
    assert body["@odata.context"].endswith(f"/v1.0/$metadata#{SOURCES}")
    assert [(one["id"], one["kind"], one["state"]) for one in body["value"]] == [
        ("attic", "sentry", "failing"), ("graph", None, "healthy"), ("roof", "sentry", "waiting"),
    ]  # fmt: skip
    attic, graph, roof = body["value"]
    assert (attic["reason"], attic["failures"], attic["lastFailureDateTime"]) == ("answered 401: no such key", 1, real_clock.text(server.clock()))
    assert (graph["taken"], graph["rejected"], graph["recordsPerHour"], graph["road"]) == (2, 1, 3, None)
    assert graph["newestEventDateTime"] == graph_alert(2)["createdDateTime"]
    assert graph["lagSeconds"] == (server.clock() - (1_789_000_002 * real_clock.SECOND)) // real_clock.SECOND
    assert roof["lastAttemptDateTime"] is None
    assert TOLD["key"] not in str(body)


async def test_a_list_is_paged_and_filtered(server: Graph) -> None:
    assert await server.ids(SOURCES, top="1") == ["attic", "graph", "roof"]
    for condition, ids in (
        ("state eq 'failing'", ["attic"]), ("kind eq 'SENTRY' and failures eq 0", ["roof"]), ("kind eq null", ["graph"]),
        ("lastSuccessDateTime gt 2020-01-01", ["graph"]), ("taken gt 1 or startswith(id, 'r')", ["graph", "roof"]),
    ):  # fmt: skip
        assert await server.ids(SOURCES, filter=condition, top="1") == ids
    assert (await server.get(SOURCES, top="0"))["value"] == []


async def test_one_of_them(server: Graph) -> None:
    body = await server.get(f"{SOURCES}/Attic")
    assert (body["id"], body["@odata.context"].rpartition("#")[2]) == ("attic", f"{SOURCES}/$entity")
    assert (await server.get(f"{SOURCES}('roof')"))["state"] == "waiting"


@pytest.mark.parametrize(("method", "path", "status", "said"), [
    ("GET", f"{SOURCES}/none", 404, "no source 'none'"),
    ("GET", f"{SOURCES}/attic/more", 404, ""),
    ("GET", f"{SOURCES}?$orderby=id", 400, "$orderby"),
    ("GET", f"{SOURCES}?$filter=nonsense eq 1", 400, "nonsense"),
    ("GET", f"{SOURCES}/attic?$select=id", 400, "$select"),
    ("POST", SOURCES, 405, "GET"),
    ("DELETE", f"{SOURCES}/attic", 405, "GET"),
])  # fmt: skip
async def test_refused(server: Graph, method: str, path: str, status: int, said: str) -> None:
    answer = await server.ask(method, path)
    assert answer.status_code == status
    assert said in answer.json()["error"]["message"]


async def test_it_has_a_permission_of_its_own(server: Graph) -> None:
    await server.sign_in(*await server.application_with("SecurityAlert.ReadWrite.All"))
    assert (await server.ask("GET", SOURCES)).status_code == 403
    await server.sign_in(*await server.application_with("SecuritySource.Read.All", name="watcher"))
    assert len((await server.get(SOURCES))["value"]) == 3


async def test_another_tenant_has_its_own(server: Graph) -> None:
    other = await server.core.registry.create_tenant("fabrikam")
    made, secret = await server.core.registry.create_application(other, "theirs", ["SecuritySource.Read.All"])
    await server.sign_in(made, secret, other)
    assert (await server.get(SOURCES))["value"] == []
    assert (await server.ask("GET", f"{SOURCES}/attic")).status_code == 404


async def test_older_clients_are_told_of_one_that_cannot_be_asked(server: Graph) -> None:
    answer: Any = await server.ask("GET", "security/alerts")
    assert (answer.status_code, "attic/502/" in answer.headers["warning"]) == (206, True)
    server.core.health.taken(server.tenant.number, "attic")
    await server.core.health.flush()
    assert (await server.ask("GET", "security/alerts")).status_code == 200


async def test_it_is_in_the_documents(server: Graph) -> None:
    metadata = (await server.http.get("/v1.0/$metadata")).text
    assert '<EntityType Name="source"' in metadata
    assert 'Name="sources" Type="Collection(secgraph.source)"' in metadata
    paths = (await server.http.get("/openapi.json")).json()["paths"]
    assert {"/v1.0/security/sources", "/v1.0/security/sources/{source-name}"} <= paths.keys()
