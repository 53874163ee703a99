"""Tokens, and refusals in the words of the identity platform."""

from __future__ import annotations

import base64
import json

import pytest
from tests.simulate.conftest import RESOURCES, Caller, Make

GRAPH = RESOURCES["graph"]


def form(caller: Caller, **other: str) -> dict[str, str]:
    org = caller.organisation
    made = {"grant_type": "client_credentials", "client_id": org.client_id, "client_secret": org.client_secret, "scope": f"{GRAPH}/.default"}
    return {name: value for name, value in {**made, **other}.items() if value}


@pytest.mark.parametrize(("other", "status", "error", "number"), [
    ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
    ({"client_secret": ""}, 401, "invalid_client", 7000218),
    ({"client_id": "11111111-2222-4333-8444-555555555555"}, 400, "unauthorized_client", 700016),
    ({"client_id": ""}, 400, "invalid_request", 900144),
    ({"grant_type": ""}, 400, "invalid_request", 900144),
    ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
    ({"scope": ""}, 400, "invalid_request", 900144),
    ({"scope": "https://graph.microsoft.com/User.Read"}, 400, "invalid_scope", 1002012),
    ({"scope": "https://elsewhere.example/.default"}, 400, "invalid_resource", 500011),
])  # fmt: skip
async def test_a_request_that_is_refused(caller: Caller, other: dict[str, str], status: int, error: str, number: int) -> None:
    answer = await caller.client.post(f"/login/{caller.organisation.id}/oauth2/v2.0/token", data=form(caller, **other))
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert body.keys() >= {"timestamp", "trace_id", "correlation_id", "error_uri"}


async def test_a_tenant_that_there_is_not(caller: Caller) -> None:
    answer = await caller.client.post("/login/nowhere.example/oauth2/v2.0/token", data=form(caller))
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])


@pytest.mark.parametrize("api", RESOURCES)
async def test_a_token_says_for_what_it_is_and_opens_nothing_else(caller: Caller, api: str) -> None:
    token = await caller.token(api)
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert (claims["aud"], claims["tid"]) == (RESOURCES[api], caller.organisation.id)
    calls = {"graph": "/graph/v1.0/security/alerts_v2", "mde": "/mde/api/alerts", "xdr": "/xdr/api/incidents", "cloudapps": "/cloudapps/api/v1/alerts/",
             "office": f"/office/api/v1.0/{caller.organisation.id}/activity/feed/subscriptions/list"}  # fmt: skip
    for name, url in calls.items():
        answer = await caller.client.get(url, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == (200 if name == api else 401), name


async def test_the_older_endpoint_and_a_domain_do_as_well(caller: Caller) -> None:
    org = caller.organisation
    answer = await caller.client.post(f"/login/{org.domain}/oauth2/token", data=form(caller, scope="", resource=GRAPH))
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "Bearer"


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer x.y.z", "Basic eDp5", "Bearer a"])
@pytest.mark.parametrize(("url", "code"), [("/graph/v1.0/security/alerts_v2", "InvalidAuthenticationToken"), ("/mde/api/alerts", "Unauthorized")])
async def test_without_a_token_of_ours_there_is_nothing(caller: Caller, header: str, url: str, code: str) -> None:
    answer = await caller.client.get(url, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
    assert answer.headers["www-authenticate"].startswith("Bearer ")


async def test_a_token_ends_after_its_life_whatever_the_simulated_clock_does(caller: Caller) -> None:
    url = "/mde/api/alerts?$top=1"
    token = await caller.token("mde")
    headers = {"Authorization": f"Bearer {token}"}
    await caller.control("clock", advance=86400 * 30)
    assert (await caller.client.get(url, headers=headers)).status_code == 200
    caller.time.seconds += 3598
    assert (await caller.client.get(url, headers=headers)).status_code == 200
    caller.time.seconds += 2
    answer = await caller.client.get(url, headers=headers)
    assert answer.status_code == 401
    assert "expired" in answer.json()["error"]["message"]


WRITES = [
    ("PATCH", "/graph/v1.0/security/alerts_v2/x"), ("POST", "/graph/v1.0/security/alerts_v2/x/comments"), ("PATCH", "/graph/v1.0/security/incidents/1"),
    ("POST", "/graph/v1.0/identityProtection/riskyUsers/dismiss"), ("PATCH", "/mde/api/alerts/x"), ("POST", "/mde/api/alerts/batchUpdate"),
    ("PATCH", "/xdr/api/incidents/1"), ("POST", "/cloudapps/api/v1/alerts/close_benign/"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "url"), WRITES)
async def test_who_may_only_read_writes_nothing(make: Make, method: str, url: str) -> None:
    caller = make()
    token = await caller.token(url.split("/")[1], reader=True)
    answer = await caller.client.request(method, url, json={"status": "new"}, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403


async def test_who_may_only_read_reads(caller: Caller) -> None:
    for url in ("/graph/v1.0/security/incidents", "/mde/api/alerts", "/xdr/api/incidents", "/cloudapps/api/v1/alerts/"):
        token = await caller.token(url.split("/")[1], reader=True)
        assert (await caller.client.get(url, headers={"Authorization": f"Bearer {token}"})).status_code == 200
