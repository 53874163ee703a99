"""What an administrator changes takes effect on tokens already issued, within five seconds of the clock.

The administrator is another process: a second core on the same data folder, as the command line opens it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from secgraph.app import Core, core
from secgraph.settings import gather
from secgraph.testing import ALL, Clock, Graph, graph_alert, running

SECONDS = 5
READ, WRITE = "SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All"
PATH = "/v1.0/security/alerts_v2"


@pytest.fixture
async def administrator(tmp_path: Path, clock: Clock, graph: Graph, on: dict[str, str]) -> AsyncIterator[Core]:
    """The command line beside the running server."""
    assert graph.clock is clock
    async with core(gather({"data": tmp_path / "data", **on}, {}), clock) as inner:
        yield inner


def challenged(answer: httpx.Response) -> dict[str, Any]:
    """The claims which the client is asked to bring, after holding the challenge to its shape."""
    assert answer.status_code == 401, answer.text
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith("Bearer ")
    assert 'error="insufficient_claims"' in challenge
    match = re.search(r'claims="([A-Za-z0-9+/=]+)"', challenge)
    assert match is not None
    claims: dict[str, Any] = json.loads(base64.b64decode(match[1]))
    assert set(claims) == {"access_token"}
    return claims


async def test_a_revoked_permission_ends_the_tokens(graph: Graph, administrator: Core, clock: Clock) -> None:
    application, secret = await graph.application_with(READ, WRITE)
    await graph.sign_in(application, secret)
    assert (await graph.ask("GET", PATH)).status_code == 200
    tenant = await administrator.registry.tenant(None)
    await administrator.registry.revoke(tenant, application, [READ, WRITE])
    clock.forward(SECONDS)
    claims = challenged(await graph.ask("GET", PATH))
    assert int(claims["access_token"]["nbf"]["value"]) <= clock() // 10_000_000
    await graph.sign_in(application, secret)
    assert (await graph.ask("GET", PATH)).status_code == 403


async def test_the_rest_of_the_permissions_goes_on_with_a_new_token(graph: Graph, administrator: Core, clock: Clock) -> None:
    await graph.hand_in("graph", graph_alert(1))
    [key] = await graph.ids("security/alerts_v2")
    application, secret = await graph.application_with(READ, WRITE)
    await graph.sign_in(application, secret)
    assert (await graph.ask("PATCH", f"{PATH}/{key}", json={"status": "resolved"})).status_code == 200
    await administrator.registry.revoke(await administrator.registry.tenant(None), application, [WRITE])
    clock.forward(SECONDS)
    challenged(await graph.ask("PATCH", f"{PATH}/{key}", json={"status": "new"}))
    challenged(await graph.ask("GET", PATH))
    await graph.sign_in(application, secret)
    assert (await graph.ask("PATCH", f"{PATH}/{key}", json={"status": "new"})).status_code == 403
    assert (await graph.get(f"security/alerts_v2/{key}"))["status"] == "resolved"


async def test_a_new_secret_ends_the_old_one_and_its_tokens(graph: Graph, administrator: Core, clock: Clock) -> None:
    application, secret = await graph.application_with(READ)
    await graph.sign_in(application, secret)
    assert (await graph.ask("GET", PATH)).status_code == 200
    fresh = await administrator.registry.rotate(await administrator.registry.tenant(None), application)
    clock.forward(SECONDS)
    challenged(await graph.ask("GET", PATH))
    form = {"grant_type": "client_credentials", "scope": ALL, "client_id": application.id, "client_secret": secret}
    old = await graph.http.post(f"/{graph.tenant.id}/oauth2/v2.0/token", data=form)
    assert (old.status_code, old.json()["error"]) == (401, "invalid_client")
    await graph.sign_in(application, fresh)
    assert (await graph.ask("GET", PATH)).status_code == 200


async def test_a_deleted_application_is_shut_out(graph: Graph, administrator: Core, clock: Clock) -> None:
    application, secret = await graph.application_with(READ)
    await graph.sign_in(application, secret)
    assert (await graph.ask("GET", PATH)).status_code == 200
    await administrator.registry.delete_application(await administrator.registry.tenant(None), application)
    clock.forward(SECONDS)
    assert (await graph.ask("GET", PATH)).status_code == 401
    form = {"grant_type": "client_credentials", "scope": ALL, "client_id": application.id, "client_secret": secret}
    answer = await graph.http.post(f"/{graph.tenant.id}/oauth2/v2.0/token", data=form)
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [700016])


async def test_a_deleted_tenant_is_shut_out_with_all_its_data(graph: Graph, administrator: Core, clock: Clock) -> None:
    await graph.hand_in("graph", graph_alert(1))
    await administrator.registry.delete_tenant(await administrator.registry.tenant(None))
    clock.forward(SECONDS)
    assert (await graph.ask("GET", PATH)).status_code == 401
    assert (await graph.ask("POST", "/ingest/graph", content=json.dumps(graph_alert(2)))).status_code == 401
    form = {"grant_type": "client_credentials", "scope": ALL, "client_id": graph.application.id, "client_secret": graph.secret}
    answer = await graph.http.post(f"/{graph.tenant.id}/oauth2/v2.0/token", data=form)
    assert answer.status_code == 400
    again = await administrator.registry.create_tenant("contoso")
    application, secret = await administrator.registry.create_application(again, "new", [READ])
    await graph.sign_in(application, secret, again)
    assert await graph.ids("security/alerts_v2") == []


async def test_a_grant_after_the_token_asks_for_a_new_token_instead_of_saying_no(
    graph: Graph, administrator: Core, clock: Clock
) -> None:
    application, secret = await graph.application_with(READ)
    await graph.sign_in(application, secret)
    path = f"{PATH}/nothing"
    assert (await graph.ask("PATCH", path, json={})).status_code == 403
    await administrator.registry.grant(await administrator.registry.tenant(None), application, [WRITE])
    clock.forward(SECONDS)
    challenged(await graph.ask("PATCH", path, json={}))
    assert (await graph.ask("GET", PATH)).status_code == 200  # what the old token opens, it opens still
    await graph.sign_in(application, secret)
    assert (await graph.ask("PATCH", path, json={})).status_code == 404


async def test_a_grant_that_does_not_open_it_is_still_a_no(graph: Graph, administrator: Core, clock: Clock) -> None:
    application, secret = await graph.application_with(READ)
    await graph.sign_in(application, secret)
    await administrator.registry.grant(await administrator.registry.tenant(None), application, ["SecurityIncident.Read.All"])
    clock.forward(SECONDS)
    assert (await graph.ask("PATCH", f"{PATH}/nothing", json={})).status_code == 403
    challenged(await graph.ask("GET", "/v1.0/security/incidents"))


@pytest.mark.parametrize("change", ["revoke", "rotate"])
async def test_a_token_issued_before_stays_ended_after_a_restart(tmp_path: Path, clock: Clock, change: str, on: dict[str, str]) -> None:
    async with running(tmp_path / "data", clock, **on) as graph:
        application, secret = await graph.application_with(READ, WRITE)
        await graph.sign_in(application, secret)
        old = graph.headers
        if change == "revoke":
            await graph.core.registry.revoke(graph.tenant, application, [WRITE])
        else:
            await graph.core.registry.rotate(graph.tenant, application)
    async with running(tmp_path / "data", clock, **on) as graph:
        challenged(await graph.http.get(PATH, headers=old))


async def test_a_token_goes_on_after_a_restart(tmp_path: Path, clock: Clock, on: dict[str, str]) -> None:
    async with running(tmp_path / "data", clock, **on) as graph:
        headers = graph.headers
    async with running(tmp_path / "data", clock, **on) as graph:
        assert (await graph.http.get(PATH, headers=headers)).status_code == 200
