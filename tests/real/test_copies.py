"""Readers beside writers, over TLS, with the unmodified SDK: pages lose and repeat nothing, and whoever follows the changes
ends with the store's own state."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from azure.identity.aio import ClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph.generated.models.security.alert_status import AlertStatus
from msgraph.generated.security.alerts_v2.alerts_v2_request_builder import Alerts_v2RequestBuilder
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory  # type: ignore[import-untyped]  # it ships no types
from msgraph_core.tasks.page_iterator import PageIterator  # type: ignore[import-untyped]  # the same

from secgraph.testing import graph_alert

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:kiota_abstractions"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:kiota_http"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:msgraph_core"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:msgraph"),
]

ROWS = 5000
SCOPE = "https://graph.microsoft.com/.default"
LIST = "/v1.0/security/alerts_v2"
Query = Alerts_v2RequestBuilder.Alerts_v2RequestBuilderGetQueryParameters


@dataclass
class Wire:
    """The server as a plain client and as the SDK sees it."""

    http: httpx.AsyncClient
    sdk: GraphServiceClient
    copies: dict[str, dict[str, str]] = field(default_factory=dict)

    async def get(self, url: str) -> Any:
        answer = await self.http.get(url)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def hand_in(self, *numbers: int, **members: Any) -> None:
        body = json.dumps([graph_alert(number, **members) for number in numbers])
        answer = await self.http.post("/ingest/graph", content=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["rejected"] in (0, [], None), answer.text


@asynccontextmanager
async def connected(server: Any) -> AsyncIterator[Wire]:
    env = server.quickstart
    trust = ssl.create_default_context(cafile=env["CA_FILE"])
    async with (
        ClientSecretCredential(
            env["TENANT"], env["CLIENT_ID"], env["CLIENT_SECRET"], authority=env["AUTHORITY"], disable_instance_discovery=True,
            connection_verify=env["CA_FILE"],  # the environment is read once a process, by whichever test is first
        ) as credential,
        httpx.AsyncClient(verify=trust, base_url=env["BASE_URL"], timeout=60, trust_env=False) as http,
        httpx.AsyncHTTPTransport(verify=trust, http2=True) as wire,
        httpx.AsyncClient(transport=wire, base_url=f"{env['BASE_URL']}/v1.0", timeout=60) as inner,
    ):  # fmt: skip
        with server.client() as client:
            http.headers.update(server.token(client))
        auth = AzureIdentityAuthenticationProvider(credential, scopes=[SCOPE], allowed_hosts=["localhost"])
        adapter = GraphRequestAdapter(auth, GraphClientFactory.create_with_default_middleware(client=inner, options=options))
        adapter.base_url = f"{env['BASE_URL']}/v1.0"
        yield Wire(http, GraphServiceClient(request_adapter=adapter))


# --- who writes ---------------------------------------------------------------------------------------------------------


async def written(wire: Wire, ids: list[str], stop: asyncio.Event) -> None:
    """Alerts arrive, those that are there change in and out of a filter, products report again: until told to stop."""
    number = ROWS
    while not stop.is_set():
        number += 10
        await wire.hand_in(*range(number, number + 10))
        for at in range(10):
            key = ids[(number * 7 + at * 131) % len(ids)]
            status = ("inProgress", "resolved", "new")[(number + at) % 3]
            answer = await wire.http.patch(f"{LIST}/{key}", json={"status": status})
            assert answer.status_code == 200, answer.text
        await wire.hand_in(number // 3, title=f"Told again {number}", lastUpdateDateTime="2027-01-01T00:00:00Z")
        await asyncio.sleep(0.05)


# --- who reads ----------------------------------------------------------------------------------------------------------


async def paged(wire: Wire, query: str) -> list[str]:
    """Every page."""
    seen: list[str] = []
    body = await wire.get(f"{LIST}?$top=200&$select=id&{query}")
    while True:
        seen += [row["id"] for row in body["value"]]
        if "@odata.nextLink" not in body:
            return seen
        body = await wire.get(body["@odata.nextLink"])


async def iterated(wire: Wire, order: str) -> list[str]:
    """Every page by the SDK's own iterator."""
    seen: list[str] = []
    asked = RequestConfiguration(query_parameters=Query(top=200, orderby=[order], select=["id"]))
    first = await wire.sdk.security.alerts_v2.get(asked)

    def each(alert: Any) -> bool:
        seen.append(alert.id)
        return True

    await PageIterator(cast("Any", first), wire.sdk.request_adapter).iterate(cast("Any", each))
    return seen


async def polled(wire: Wire, copy: dict[str, str], last: str) -> str:
    """One round of a reader that asks for what changed after the last it saw."""
    body = await wire.get(f"{LIST}?$filter=lastUpdateDateTime gt {last}&$orderby=lastUpdateDateTime&$top=300"
                          "&$select=id,status,lastUpdateDateTime")  # fmt: skip
    while True:
        for row in body["value"]:
            assert row["lastUpdateDateTime"] > last, "a stamp came twice or went back"
            last = row["lastUpdateDateTime"]
            copy[row["id"]] = row["status"]
        if "@odata.nextLink" not in body:
            return last
        body = await wire.get(body["@odata.nextLink"])


async def followed(wire: Wire, copy: dict[str, str], link: str) -> str:
    """One round of a reader that follows delta; the link that goes on."""
    while True:
        body = await wire.get(link)
        for row in body["value"]:
            if "@removed" in row:
                copy.pop(row["id"], None)
            else:
                copy[row["id"]] = row["status"]
        if "@odata.nextLink" not in body:
            return str(body["@odata.deltaLink"])
        link = body["@odata.nextLink"]


async def followed_by_sdk(wire: Wire, copy: dict[str, str], link: str) -> str:
    """The same by the SDK."""
    while True:
        page = await wire.sdk.security.alerts_v2.with_url(link).get()
        assert page is not None
        for alert in page.value or []:
            if "@removed" in alert.additional_data:
                copy.pop(str(alert.id), None)
            else:
                copy[str(alert.id)] = str(cast("AlertStatus", alert.status).value)
        if page.odata_next_link is None:
            return str(page.additional_data["@odata.deltaLink"])
        link = page.odata_next_link


async def rounds(work: Callable[[Any], Any], state: Any, stop: asyncio.Event) -> None:
    """Rounds until told to stop, and one more behind the last write."""
    while not stop.is_set():
        state = await work(state)
        await asyncio.sleep(0.2)
    await work(state)


async def test_readers_beside_writers(start: Any, tmp_path: Path) -> None:
    server = start(tmp_path / "data").ready()
    async with connected(server) as wire:
        for first in range(1, ROWS + 1, 500):
            await wire.hand_in(*range(first, min(first + 500, ROWS + 1)))
        there = await paged(wire, "")
        assert len(there) == len(set(there)) >= ROWS
        stop, ended = asyncio.Event(), asyncio.Event()
        polling: dict[str, str] = {}
        following: dict[str, str] = {}
        busy: dict[str, str] = {}
        delta = f"{server.quickstart['BASE_URL']}{LIST}/delta()?$select=id,status"
        readers = [
            asyncio.create_task(rounds(lambda last: polled(wire, polling, last), "0001-01-01T00:00:00Z", ended)),
            asyncio.create_task(rounds(lambda link: followed(wire, following, link), delta, ended)),
            asyncio.create_task(rounds(lambda link: followed_by_sdk(wire, busy, link),
                                       f"{delta}&$filter=status%20eq%20'inProgress'", ended)),
        ]  # fmt: skip
        writer = asyncio.create_task(written(wire, there, stop))
        for seen in (
            await iterated(wire, "createdDateTime desc"),
            await paged(wire, "$orderby=createdDateTime desc"),
            await paged(wire, "$orderby=createdDateTime"),
        ):
            assert len(seen) == len(set(seen)), "a row came twice"
            assert set(there) <= set(seen), "a row that was there throughout is missing"
        # A filter that every row of the start meets throughout, beside one that rows go in and out of.
        seen = await paged(wire, "$orderby=createdDateTime desc&$filter=severity eq 'medium' and startswith(category,'Exec')")
        medium = [key for key in there if key in set(seen)]
        assert len(seen) == len(set(seen))
        assert len(medium) >= ROWS
        stop.set()
        await writer
        ended.set()
        await asyncio.gather(*readers)
        store = {}
        body = await wire.get(f"{LIST}?$top=999&$select=id,status")
        while True:
            store.update({row["id"]: row["status"] for row in body["value"]})
            if "@odata.nextLink" not in body:
                break
            body = await wire.get(body["@odata.nextLink"])
        assert polling == store
        assert following == store
        assert busy == {key: status for key, status in store.items() if status == "inProgress"}
