"""Webhooks: what a product's call has to prove, what it gets where it does not, and records handed in for a configured source."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.ingest.feeds.made_up import TOLD, Sentry

from secgraph import clock as real_clock
from secgraph.ingest.feeds.feed import Feed
from secgraph.ingest.feeds.feeds import Said
from secgraph.ingest.feeds.kinds import Kinds
from secgraph.store.registry import FRESH_SECONDS
from secgraph.testing import Clock, Graph, graph_alert, running

SECRET = "s3cr3t-of-the-webhook"
BODY = json.dumps([graph_alert(1)]).encode()

Sign = Callable[[bytes, int], dict[str, str]]


@pytest.fixture
async def server(tmp_path: Path, clock: Clock, on: dict[str, str]) -> AsyncIterator[Graph]:
    async with running(tmp_path / "data", clock, kinds=Kinds({"sentry": Sentry}), **on) as made:
        yield made


async def webhook(server: Graph, **options: str) -> Feed:
    return await server.core.feeds.add(server.tenant, "graph", "roof", Said({"hook_secret": SECRET, **options}, road="webhook"))


async def call(server: Graph, feed: Feed, headers: dict[str, str], body: bytes = BODY) -> httpx.Response:
    return await server.http.post(f"/ingest/{feed.hook}", content=body, headers=headers)


def digest(body: bytes, secret: str = SECRET) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()


def basic(pair: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def stamped(stamp: str, over: str = "") -> dict[str, str]:
    signed = (over or stamp).encode() + b"." + BODY
    return {"x-time": stamp, "x-hub-signature-256": digest(signed).hex()}


NOW = Clock().at // real_clock.SECOND

GOOD: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "bearer": ({}, {"authorization": f"Bearer {SECRET}"}),
    "bearer in any case": ({}, {"authorization": f"bearer  {SECRET} "}),
    "basic": ({"hook_proof": "basic", "hook_secret": f"someone:{SECRET}"}, basic(f"someone:{SECRET}")),
    "basic of any name": ({"hook_proof": "basic"}, basic(f"whoever:{SECRET}")),
    "a header": ({"hook_proof": "header", "hook_header": "X-Sentry-Token"}, {"x-sentry-token": SECRET}),
    "hmac": ({"hook_proof": "hmac"}, {"x-hub-signature-256": f"sha256={digest(BODY).hex()}"}),
    "hmac in capitals": ({"hook_proof": "hmac"}, {"x-hub-signature-256": f"SHA256={digest(BODY).hex().upper()}"}),
    "plain hex": ({"hook_proof": "hmac", "hook_header": "X-Sig"}, {"x-sig": digest(BODY).hex()}),
    "base64": ({"hook_proof": "hmac", "hook_header": "X-Sig"}, {"x-sig": base64.b64encode(digest(BODY)).decode()}),
    "a fresh time": ({"hook_proof": "hmac", "hook_timestamp": "X-Time"}, stamped(str(NOW - 299))),
    "milliseconds": ({"hook_proof": "hmac", "hook_timestamp": "X-Time"}, stamped(str((NOW + 200) * 1000))),
    "an ISO time": ({"hook_timestamp": "X-Time"}, {"authorization": f"Bearer {SECRET}", "x-time": real_clock.text(Clock().at)}),
}

WRONG: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "nothing": ({}, {}),
    "another secret": ({}, {"authorization": f"Bearer {SECRET}x"}),
    "half of it": ({}, {"authorization": f"Bearer {SECRET[:-1]}"}),
    "no secret": ({}, {"authorization": "Bearer "}),
    "not as agreed": ({}, basic(f"x:{SECRET}")),
    "a name that is not the one": ({"hook_proof": "basic", "hook_secret": f"someone:{SECRET}"}, basic(f"other:{SECRET}")),
    "broken base64": ({"hook_proof": "basic"}, {"authorization": "Basic ?"}),
    "not ASCII": ({"hook_proof": "header", "hook_header": "X-T"}, {"x-t": "\xe4" * 20}),
    "twice": ({"hook_proof": "header", "hook_header": "X-T"}, {"x-t": f"{SECRET}, {SECRET}"}),
    "of another body": ({"hook_proof": "hmac"}, {"x-hub-signature-256": digest(BODY + b" ").hex()}),
    "by another secret": ({"hook_proof": "hmac"}, {"x-hub-signature-256": digest(BODY, "other").hex()}),
    "no hmac": ({"hook_proof": "hmac"}, {"authorization": f"Bearer {SECRET}"}),
    "no digest at all": ({"hook_proof": "hmac"}, {"x-hub-signature-256": "sha256=zz"}),
    "an old time": ({"hook_proof": "hmac", "hook_timestamp": "X-Time"}, stamped(str(NOW - 301))),
    "a time to come": ({"hook_proof": "hmac", "hook_timestamp": "X-Time"}, stamped(str(NOW + 301))),
    "a time written anew": ({"hook_proof": "hmac", "hook_timestamp": "X-Time"}, stamped(str(NOW), over=str(NOW - 900))),
    "a time that is not signed": ({"hook_proof": "hmac", "hook_timestamp": "X-Time"}, {"x-time": str(NOW), "x-hub-signature-256": digest(BODY).hex()}),
    "no time": ({"hook_timestamp": "X-Time"}, {"authorization": f"Bearer {SECRET}"}),
    "a time that is none": ({"hook_timestamp": "X-Time"}, {"authorization": f"Bearer {SECRET}", "x-time": "9" * 300}),
}


@pytest.mark.parametrize(("options", "headers"), GOOD.values(), ids=GOOD)
async def test_a_good_proof_needs_no_token(server: Graph, options: dict[str, str], headers: dict[str, str]) -> None:
    answer = await call(server, await webhook(server, **options), headers)
    assert (answer.status_code, answer.json().get("taken")) == (200, 1)
    [record] = (await server.get(f"security/alerts_v2/{(await server.ids('security/alerts_v2'))[0]}/records"))["value"]
    assert record["source"] == "roof"


@pytest.mark.parametrize(("options", "headers"), WRONG.values(), ids=WRONG)
async def test_any_other_gets_what_an_unknown_address_gets(server: Graph, options: dict[str, str], headers: dict[str, str]) -> None:
    feed = await webhook(server, **options)
    bare = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    wrong = await server.http.post(f"/ingest/{feed.hook}", content=BODY, headers=bare)
    unknown = await server.http.post(f"/ingest/hook-{'0' * 40}", content=BODY, headers={"authorization": f"Bearer {SECRET}"})
    assert wrong.status_code == unknown.status_code == 401
    said, same = wrong.json()["error"], unknown.json()["error"]
    assert (said["code"], said["message"]) == (same["code"], same["message"])
    assert "HMAC-SHA256" in said["message"]
    assert SECRET[:-1] not in wrong.text
    assert wrong.headers.keys() == unknown.headers.keys()
    assert await server.ids("security/alerts_v2") == []


async def test_the_hmac_is_over_what_was_sent_and_not_over_what_was_packed(server: Graph) -> None:
    feed, packed = await webhook(server, hook_proof="hmac"), gzip.compress(BODY)
    headers = {"content-encoding": "gzip", "x-hub-signature-256": digest(packed).hex()}
    assert (await call(server, feed, headers, packed)).json()["taken"] == 1
    headers["x-hub-signature-256"] = digest(BODY).hex()
    assert (await call(server, feed, headers, packed)).status_code == 401


async def test_a_removed_or_renewed_address_is_nobodys(server: Graph) -> None:
    feed, good = await webhook(server), {"authorization": f"Bearer {SECRET}"}
    anew = await server.core.feeds.hook_anew(server.tenant, "roof")
    assert (await call(server, feed, good)).status_code == 401
    assert (await call(server, anew, good)).status_code == 200
    await server.core.feeds.remove(server.tenant, "roof")
    assert (await call(server, anew, good)).status_code == 401


async def test_while_it_is_paused_the_product_is_to_come_again(server: Graph) -> None:
    feed = await webhook(server)
    await server.core.feeds.pause(server.tenant, "roof")
    answer = await call(server, feed, {"authorization": f"Bearer {SECRET}"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert (await call(server, feed, {})).status_code == 401, "who proves nothing is told nothing"


async def test_bounds_and_methods_are_those_of_any_delivery(server: Graph) -> None:
    feed, good = await webhook(server), {"authorization": f"Bearer {SECRET}"}
    assert (await call(server, feed, good, b"")).status_code == 400
    assert (await call(server, feed, good, b"<xml/>")).status_code == 400
    assert (await server.http.get(f"/ingest/{feed.hook}", headers=good)).status_code == 405
    assert (await server.http.post(f"/ingest/{feed.hook}/more", headers=good)).status_code == 404
    huge = {**good, "content-length": str(10**12)}
    assert (await call(server, feed, huge)).status_code == 413
    assert (await call(server, feed, {"content-length": str(2**21)})).status_code == 401, "of who proves nothing, nothing is read"


async def test_where_its_secret_cannot_be_opened_nothing_is_proved(server: Graph) -> None:
    feed = await webhook(server)
    await server.core.store.run(("source_seal", {"tenant": feed.tenant, "name": "roof", "number": feed.number, "sealed": b"x" * 80}))
    server.core.feeds.forget()
    assert (await call(server, feed, {"authorization": f"Bearer {SECRET}"})).status_code == 401


# --- with a token --------------------------------------------------------------------------------------------------------


async def test_records_are_handed_in_for_a_configured_source(server: Graph) -> None:
    await server.core.feeds.add(server.tenant, "sentry", "attic", Said(TOLD))
    assert (await server.hand_in("Attic", graph_alert(1)))["taken"] == 1
    assert (await server.hand_in("sentry", graph_alert(2)))["taken"] == 1
    records = [await server.get(f"security/alerts_v2/{key}/records") for key in await server.ids("security/alerts_v2", orderby="createdDateTime")]
    assert [one["value"][0]["source"] for one in records] == ["attic", "sentry"]
    await server.core.feeds.pause(server.tenant, "attic")
    answer = await server.ask("POST", "/ingest/attic", content=BODY)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")


async def test_another_tenants_source_is_not_there(server: Graph) -> None:
    other = await server.core.registry.create_tenant("fabrikam")
    await server.core.feeds.add(other, "sentry", "theirs", Said(TOLD))
    answer: Any = await server.hand_in("theirs", graph_alert(1), status=404)
    assert "There is no source 'theirs'. Known sources: cef" in answer["error"]["message"]
    assert "theirs," not in answer["error"]["message"]


async def test_a_change_is_noticed_within_seconds(server: Graph, clock: Clock) -> None:
    await server.core.feeds.add(server.tenant, "sentry", "attic", Said(TOLD))
    await server.hand_in("attic", graph_alert(1))
    await server.core.store.run(("source_delete", {"tenant": server.tenant.number, "name": "attic"}))
    clock.forward(FRESH_SECONDS)
    await server.hand_in("attic", graph_alert(2), status=404)
